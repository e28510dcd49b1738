from itertools import count, islice

import pytest

from narraframe.posts.clean import clean
from narraframe.posts.prepare import prepare
from narraframe.records import Post

ENGLISH = "The government announced new economic measures. #RussiaIndia 🤝"
RUSSIAN = "Правительство объявило о новых экономических мерах"


def post(post_id, text, **fields):
    return Post(post_id=str(post_id), text=text, **fields)


def test_posts_are_cleaned_and_their_language_is_detected():
    [english, russian, empty] = prepare([post(1, ENGLISH), post(2, RUSSIAN), post(3, "🔥")])
    assert english.model_text == "The government announced new economic measures. Russia India"
    assert english.hashtags == ("RussiaIndia",)
    assert [english.lang, russian.lang, empty.lang] == ["en", "ru", None]


def test_a_language_given_by_the_input_stays():
    [given] = prepare([post(1, ENGLISH, lang="xx")])
    assert given.lang == "xx"
    assert given.model_text == clean(post(1, ENGLISH)).model_text


def test_a_prepared_post_passes_untouched():
    before = post(1, "raw  \n\n\n text", model_text="")
    [after] = prepare([before])
    assert after is before


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_order_and_result_do_not_depend_on_the_batch(batch_size):
    posts = [
        post(1, ENGLISH),
        post(2, RUSSIAN, lang="uk"),
        post(3, ""),
        post(4, "a", model_text="a"),
        post(5, RUSSIAN),
    ]
    assert list(prepare(posts, batch_size=batch_size)) == list(prepare(posts))


def test_an_endless_stream_is_read_one_batch_at_a_time():
    read = []

    def stream():
        for i in count():
            read.append(i)
            yield post(i, "Peace")

    first = list(islice(prepare(stream(), batch_size=3), 4))
    assert [p.post_id for p in first] == ["0", "1", "2", "3"]
    assert read == [0, 1, 2, 3, 4, 5]


def test_no_posts_give_no_posts():
    assert list(prepare([])) == []
