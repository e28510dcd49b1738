from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import InputError
from narraframe.io.posts import Note, read_posts
from narraframe.io.posts.common import Origin
from narraframe.io.posts.page_text import read_page_text
from narraframe.records import Post

DATA = Path(__file__).parents[1] / "data" / "posts"


def posts_on(*lines, channel=None):
    page = "\n".join(lines).encode()
    items = read_page_text([page], origin=Origin("page.txt", "page", channel))
    return [item for item in items if isinstance(item, Post)]


def seen(post):
    return post.text, post.forwarded_from, post.media, post.reactions


def test_a_page_is_read_whole():
    posts = list(read_posts(str(DATA / "page.txt"), channel="Harbour"))
    assert {post.channel for post in posts} == {"Harbour"}
    assert [(post.source, *seen(post)) for post in posts] == [
        (
            "page.txt: line 1",
            "The ferry timetable changes\nFrom Monday the first ferry sails at six.\nRead in full",
            "City Hall 🏛",
            "media",
            {"👍": 8, "❤": 3, "👏": 2},
        ),
        (
            "page.txt: line 10",
            "The library opens on Sundays\nCome and read.\n<...>\n#library\n\n"
            "Harbour Library\nThe library opens on Sundays",
            None,
            None,
            None,
        ),
        ("page.txt: line 19", "", "Lighthouse", "media", None),
        (
            "page.txt: line 22",
            "A post that was not doubled\nand its second line",
            "Lighthouse",
            None,
            {"🔥": 1200},
        ),
    ]


def test_the_channel_is_unknown_unless_given():
    assert posts_on("Title", "body", "body")[0].channel is None


def test_a_news_article_is_one_post_dated_by_its_first_line():
    note, post = read_posts(str(DATA / "article.txt"))
    assert note == Note("article.txt: line 1", "the date names no time zone, taken as UTC")
    assert post.created_at == datetime(2024, 4, 9, 16, 9, tzinfo=UTC)
    assert post.text == "The pier was built in 1899.\nIt burned in 1950."


@pytest.mark.parametrize(
    "line", ["date 2024-13-09 16.09 - x", "date 2024-04-09 16.09.30", "date tomorrow", "A date"]
)
def test_a_first_line_that_is_no_clear_date_stays_text(line):
    (post,) = posts_on(line, "The pier.")
    assert (post.created_at, post.text) == (None, f"{line}\nThe pier.")


def test_a_day_without_a_time_is_its_midnight():
    (post,) = posts_on("date 2024-04-09", "The pier.")
    assert post.created_at == datetime(2024, 4, 9, tzinfo=UTC)


def test_doubled_bodies_part_posts_without_headers():
    lines = ["One", "a", "b", "a", "b", "Two", "c", "c", "Three", "d", "d"]
    assert [post.text for post in posts_on(*lines)] == ["One\na\nb", "Two\nc", "Three\nd"]


def test_the_longest_repeat_counts():
    assert [post.text for post in posts_on("T", "a", "a", "b", "a", "a", "b")] == ["T\na\na\nb"]


def test_a_repeat_never_reaches_past_the_next_header():
    posts = posts_on("T", "a", "Forwarded from X", "a", "a")
    assert [(post.text, post.forwarded_from) for post in posts] == [("T\na", None), ("a\na", "X")]


def test_a_text_without_repeat_ends_before_one_that_has_it():
    assert [post.text for post in posts_on("alone", "still", "T", "b", "b")] == [
        "alone\nstill",
        "T\nb",
    ]


def test_reactions_that_stand_alone_belong_to_the_post_before():
    (post,) = posts_on("T", "b", "b", "👍8", "❤3")
    assert post.reactions == {"👍": 8}


def test_copies_in_one_file_get_ids_of_their_own_that_do_not_change():
    lines = ["Forwarded from X", "T", "b", "b"] * 2
    ids = [post.post_id for post in posts_on(*lines)]
    assert ids == [post.post_id for post in posts_on(*lines)]
    assert len(set(ids)) == 2
    with_reactions = posts_on("Forwarded from X", "T", "b", "b", "👍8")[0].post_id
    assert with_reactions == ids[0]  # copies that differ in reactions only are one post


def test_another_channel_gives_other_ids():
    one, two = (posts_on("T", "b", "b", channel=c)[0].post_id for c in ("A", "B"))
    assert one != two


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path):
    unix = (DATA / "page.txt").read_bytes()
    path = tmp_path / "page.txt"
    path.write_bytes(b"\xef\xbb\xbf" + unix.replace(b"\n", b"\r\n"))
    assert list(read_posts(str(path))) == list(read_posts(str(DATA / "page.txt")))


def test_a_page_that_is_not_utf8_is_refused_rather_than_read_with_gaps(tmp_path):
    path = tmp_path / "page.txt"
    path.write_bytes(b"Forwarded from X\nA title\nA body caf\xe9\nA body caf\xe9\n")
    with pytest.raises(InputError, match=r"page.txt: line 3: not valid UTF-8.*Save the text as"):
        list(read_posts(str(path)))


line = st.sampled_from(
    ["Forwarded from X", "VIEW IN TELEGRAM", "a", "b", "c", "#x", "👍8", "date 2024-04-09", ""]
)


@given(lines=st.lists(line, max_size=30))
def test_no_line_of_text_is_lost_on_any_page(lines):
    posts = posts_on(*lines)
    shown = {text for post in posts for text in post.text.split("\n")}
    dated = next((text for text in lines if text), "").startswith("date")
    wanted = {text for text in lines if text in {"a", "b", "c", "#x"} or text.startswith("date")}
    assert wanted - shown <= ({"date 2024-04-09"} if dated else set())
    assert sum(post.forwarded_from is not None for post in posts) == lines.count("Forwarded from X")
    assert len({post.post_id for post in posts}) == len(posts)
