import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import InputError
from narraframe.io.posts import Columns, delimited, read_posts
from narraframe.io.posts import lines as lines_room
from narraframe.records import BadRecord, Post

DATA = Path(__file__).parents[1] / "data" / "posts"


def write(tmp_path, content):
    path = tmp_path / "posts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_a_4cat_table_is_read_whole():
    assert list(read_posts(str(DATA / "fourcat.csv"))) == [
        Post(
            post_id="harbour-21",
            text='Two lines\nin one body; with "quotes"',
            created_at=datetime(2024, 3, 1, 8, tzinfo=UTC),
            channel="harbour",
            author="nightdesk",
            forwarded_from="City Hall",
            reactions={"👍": 2, "❤️": 1},
            source="fourcat.csv: line 2",
        ),
        Post(
            post_id="harbour-22",
            text="",
            created_at=datetime(2024, 3, 1, 8, 5, tzinfo=UTC),
            channel="harbour",
            media="photo",
            source="fourcat.csv: line 4",
        ),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_line_ends_and_byte_order_mark_are_recognised(tmp_path, delimiter, end, mark):
    rows = [["id", "text"], ["1", "a"], ["2", f'"b{end}b{delimiter} ""c"""'], ["3", "d"]]
    content = mark + end.join(delimiter.join(row) for row in rows) + end
    posts = list(read_posts(write(tmp_path, content)))
    assert [(post.post_id, post.text) for post in posts] == [
        ("1", "a"),
        ("2", f'b\nb{delimiter} "c"'),
        ("3", "d"),
    ]
    assert posts[2].source == "posts.csv: line 5"


def test_headings_are_matched_without_regard_to_case_and_blanks(tmp_path):
    (post,) = read_posts(write(tmp_path, "Message ID,Text,Created At\n1,a,2024-04-09\n"))
    assert (post.post_id, post.text, post.created_at.year) == ("1", "a", 2024)


def test_named_columns_are_taken(tmp_path):
    content = "nr,said,where\n1,a,Harbour\n"
    columns = Columns(post_id="nr", text="said", channel="where")
    (post,) = read_posts(write(tmp_path, content), columns=columns)
    assert (post.post_id, post.text, post.channel) == ("1", "a", "Harbour")


def test_a_named_column_that_is_not_there_is_refused_with_those_there_are(tmp_path):
    path = write(tmp_path, "id,said\n1,a\n2,b\n")
    match = r"no column 'sayd' for text - did you mean 'said'.*nor 'zz' for url.*id, said"
    with pytest.raises(InputError, match=match):
        list(read_posts(path, columns=Columns(text="sayd", url="zz")))


def test_a_table_without_a_column_of_text_is_refused(tmp_path):
    path = write(tmp_path, "nr,said\n1,a\n2,b\n")
    with pytest.raises(InputError, match=r"no column has a usual name for the text.*nr, said"):
        list(read_posts(path))


def test_records_of_another_width_are_bad_and_the_others_kept(tmp_path):
    content = "id,text\n1,a\n2,b,extra\n3\n\n4,d\n"
    items = list(read_posts(write(tmp_path, content)))
    assert [getattr(item, "post_id", item) for item in items] == [
        "1",
        BadRecord("posts.csv: line 3", "3 columns where the headings are 2"),
        BadRecord("posts.csv: line 4", "1 columns where the headings are 2"),
        "4",
    ]


def test_a_record_with_invalid_utf8_is_bad_and_the_next_is_not(tmp_path):
    content = b'id,text\n1,a long text\n2,"b\xff\nb"\n3,another long text\n'
    items = list(read_posts(write(tmp_path, content)))
    assert [getattr(item, "post_id", item) for item in items] == [
        "1",
        BadRecord("posts.csv: line 3", "not valid UTF-8"),
        "3",
    ]


def test_a_quotation_that_never_ends_is_told_with_its_lines(tmp_path):
    items = list(read_posts(write(tmp_path, 'id,text\n1,a\n2,"b\n3,c\n4,d\n')))
    assert [getattr(item, "post_id", item) for item in items] == [
        "1",
        BadRecord("posts.csv: line 3 (to 5)", "a quotation mark is opened and never closed"),
    ]


def test_a_last_line_without_end_is_whole(tmp_path):
    assert [post.text for post in read_posts(write(tmp_path, 'id,text\n1,a\n2,"b"'))] == ["a", "b"]


def test_large_fields_are_read_up_to_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_FIELD_CHARS", 200_000)
    before = csv.field_size_limit()
    content = f"id,text\n1,{'a' * 199_000}\n2,{'b' * 300_000}\n3,c\n"
    items = list(read_posts(write(tmp_path, content)))
    assert [len(getattr(item, "text", "")) for item in items] == [199_000, 0, 1]
    assert items[1] == BadRecord(
        "posts.csv: line 3", "invalid CSV: field larger than field limit (200000)"
    )
    assert csv.field_size_limit() == before


def test_a_line_over_the_limit_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(lines_room, "MAX_LINE_BYTES", 1000)
    items = list(read_posts(write(tmp_path, f"id,text\n1,a\n2,{'b' * 2000}\n3,c\n")))
    assert [getattr(item, "post_id", None) for item in items] == ["1", None, "3"]
    assert items[1].where == "posts.csv: line 3"


def test_an_empty_cell_of_labels_says_nothing_but_an_empty_list_does(tmp_path):
    content = 'text,labels\na,\nb,[]\nc,"[""x"", ""y""]"\nd,x;y\n'
    labels = [post.labels for post in read_posts(write(tmp_path, content))]
    assert labels == [None, (), ("x", "y"), ("x", "y")]


def test_the_first_of_two_columns_with_one_name_counts(tmp_path):
    path = write(tmp_path, "id,text,text\n1,a,b\n")
    (post,) = read_posts(path, format="csv")
    assert post.text == "a"


def test_nul_characters_are_replaced_with_a_note(tmp_path):
    post, note = read_posts(write(tmp_path, "id,text\n1,a\x00b and more text\n"))
    assert post.text == "a\ufffdb and more text"
    assert "U+FFFD in text" in note.what


def test_a_table_with_one_column_of_text_is_a_table(tmp_path):
    assert [p.text for p in read_posts(write(tmp_path, 'text\n"a, b"\nc\n'))] == ["a, b", "c"]


cells = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r")).filter(
    lambda text: text.strip()
)


@given(texts=st.lists(cells, min_size=1, max_size=5), delimiter=st.sampled_from(",;\t|"))
def test_what_a_writer_of_csv_wrote_is_read_back(tmp_path_factory, texts, delimiter):
    path = tmp_path_factory.mktemp("csv") / "posts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["id", "text"], *([i, text] for i, text in enumerate(texts))])
    posts = [item for item in read_posts(str(path), format="csv") if isinstance(item, Post)]
    assert [post.text for post in posts] == texts
