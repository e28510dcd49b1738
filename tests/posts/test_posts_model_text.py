import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.posts.homoglyphs import repair_homoglyphs
from narraframe.posts.model_text import model_text


def test_links_go_and_the_words_around_them_stay():
    text = "See https://example.org/a?b=1#c and t.me/channel/5, or www.example.org for more news"
    assert model_text(text) == "See and or for more news"


def test_a_markdown_link_leaves_its_words():
    assert model_text("The **full** [report](https://example.org/r) is out") == (
        "The full report is out"
    )


def test_a_line_of_handles_goes_and_a_handle_in_a_sentence_stays():
    assert model_text("@one | @two_x\nAsk @three about it") == "Ask @three about it"


@pytest.mark.parametrize(
    ("hashtag", "words"),
    [
        ("#RussiaAzerbaijan", "Russia Azerbaijan"),
        ("#UNCharterIsOurRules", "UN Charter Is Our Rules"),
        ("#G20Summit", "G20 Summit"),
        ("#UNGA78", "UNGA78"),
        ("#МирТруд_Май", "Мир Труд Май"),
        ("#联合国", "联合国"),
        ("#brics", "brics"),
    ],
)
def test_hashtags_become_words(hashtag, words):
    assert model_text(f"Talks: {hashtag}!") == f"Talks: {words}!"


def test_camel_case_outside_hashtags_stays():
    assert model_text("YouTube and iPhone") == "YouTube and iPhone"


def test_emoji_flags_and_keycaps_go():
    text = "🇷🇺🇨🇳 Talks in Beijing 🤝\n1️⃣ Trade\n👨‍👩‍👧 Family ❤️, peace\n🏴󠁧󠁢󠁥󠁮󠁧󠁿 England"
    assert model_text(text) == "Talks in Beijing\nTrade\nFamily, peace\nEngland"


def test_elisions_go():
    assert model_text("Before <...> after\n***\n<…>\nend") == "Before after\nend"


def test_lines_without_letters_or_digits_go():
    assert model_text("—\n| •\n2024\n...") == "2024"


def test_lines_stay_lines_and_spaces_are_squeezed():
    assert model_text("a \u00a0 b\n\n\n  c\td") == "a b\nc d"


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("\u0421ooperation", "Cooperation"),
        ("Pоссия", "Россия"),
        ("Мрiя і вiйна", "Мрія і війна"),
        ("p\u0430ge x\u0430", "page x\u0430"),
    ],
)
def test_a_letter_of_the_wrong_script_is_mended(broken, mended):
    assert repair_homoglyphs(broken) == mended


@pytest.mark.parametrize("word", ["КуZбасс", "ССCР", "IT-компания", "COVИД", "Zа", "naïve"])
def test_a_doubtful_word_stays(word):
    assert repair_homoglyphs(word) == word


def test_a_mended_word_keeps_its_length_so_that_positions_hold():
    assert len(repair_homoglyphs("\u0421ooperation и мiр")) == len("\u0421ooperation и мiр")


@given(st.text(alphabet="aceopxyABCVZабвгдеорсухАВСЖ іi-", max_size=12))
def test_mending_twice_changes_nothing(text):
    once = repair_homoglyphs(text)
    assert repair_homoglyphs(once) == once
    assert len(once) == len(text)


@given(st.text(alphabet="bf Жж#_.\n@|😀", max_size=40))
def test_no_letter_is_invented(text):
    assert set(model_text(text)) <= set(text) | {" "}
