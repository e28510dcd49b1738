from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narraframe.errors import InputError
from narraframe.io.posts import Columns, Note, read_posts
from narraframe.io.tables import write_posts
from narraframe.records import BadRecord, Post

NOON = datetime(2024, 4, 9, 12, tzinfo=UTC)


def write(tmp_path, **columns):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_our_own_table_is_read_back_as_it_was(tmp_path):
    posts = [
        Post(
            post_id="1500/2",
            text="raw #pier",
            model_text="raw",
            created_at=NOON,
            channel="Harbour",
            author="Keeper",
            forwarded_from="City Hall",
            lang="en",
            hashtags=("#pier",),
            reactions={"👍": 2},
            media="photo",
            url="https://example.org",
            duplicate_of="1500/1",
            labels=("a", "b"),
            source="result.json: message 2",
        ),
        Post(post_id="2", text="", model_text="", labels=(), reactions={}, source="x: line 1"),
        Post(post_id="3", text="plain", source="x: line 2"),
    ]
    write_posts(tmp_path / "posts.parquet", posts, force=False)
    assert list(read_posts(str(tmp_path / "posts.parquet"))) == posts


def test_a_foreign_table_is_read_under_the_usual_names(tmp_path):
    path = write(tmp_path, message_id=[1, 2], body=["a", None], date=["2024-04-09T12:00", None])
    assert list(read_posts(path)) == [
        Post(post_id="1", text="a", created_at=NOON, source="posts.parquet: row 1"),
        Post(post_id="2", text="", source="posts.parquet: row 2"),
    ]


@pytest.mark.parametrize(
    "kind",
    [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")]
    + [pa.timestamp("us", tz="UTC"), pa.timestamp("ns", tz="Europe/Kyiv")],
)
def test_times_of_every_unit_and_zone_are_the_same_moment(tmp_path, kind):
    moment = NOON if kind.tz else NOON.replace(tzinfo=None)
    path = write(tmp_path, text=["a"], created_at=pa.array([moment], kind))
    assert [post.created_at for post in read_posts(path)] == [NOON]


def test_days_and_unix_time_are_dates_too(tmp_path):
    path = write(
        tmp_path,
        text=["a", "b"],
        unix_timestamp=pa.array([None, 1712664000]),
        date=pa.array([NOON.date(), None]),
    )
    midnight = datetime(2024, 4, 9, tzinfo=UTC)
    assert [post.created_at for post in read_posts(path)] == [midnight, NOON]


def test_a_map_or_a_struct_of_reactions_is_read(tmp_path):
    pairs = pa.array([[("👍", 2)], None], pa.map_(pa.string(), pa.int64()))
    path = write(tmp_path, text=["a", "b"], reactions=pairs)
    assert [post.reactions for post in read_posts(path)] == [{"👍": 2}, None]


def test_missing_ids_that_made_a_column_of_floats_are_whole_again(tmp_path):
    path = write(tmp_path, text=["a", "b"], id=pa.array([7.0, float("nan")]))
    ids = [post.post_id for post in read_posts(path)]
    assert ids[0] == "7"
    assert ids[1].startswith("p-")


def test_lists_of_labels_tell_none_from_not_labelled(tmp_path):
    labels = pa.array([["x"], [], None], pa.list_(pa.string()))
    path = write(tmp_path, text=["a", "b", "c"], labels=labels)
    assert [post.labels for post in read_posts(path)] == [("x",), (), None]


def test_text_in_bytes_is_decoded_and_invalid_bytes_are_a_bad_record(tmp_path):
    path = write(tmp_path, text=pa.array([b"a", b"\xff", b"c"], pa.binary()))
    first, bad, third = read_posts(path)
    assert (first.text, third.text, third.source) == ("a", "c", "posts.parquet: row 3")
    assert bad == BadRecord("posts.parquet: row 2", "not valid UTF-8")


def test_dates_that_cannot_be_read_are_noted(tmp_path):
    post, note = read_posts(write(tmp_path, text=["a"], date=["Tuesday"]))
    assert post.created_at is None
    assert note == Note("posts.parquet: row 1", "the date could not be read", "Tuesday")


def test_more_rows_than_a_batch_keep_their_numbers(tmp_path):
    path = write(tmp_path, text=[str(i) for i in range(2500)])
    posts = list(read_posts(path))
    assert [post.text for post in posts] == [str(i) for i in range(2500)]
    assert posts[-1].source == "posts.parquet: row 2500"


def test_named_columns_are_checked(tmp_path):
    path = write(tmp_path, said=["a"], nr=[1])
    assert next(iter(read_posts(path, columns=Columns(text="said", post_id="nr")))).post_id == "1"
    with pytest.raises(InputError, match="no column 'sad' for text - did you mean 'said'"):
        list(read_posts(path, columns=Columns(text="sad")))
    with pytest.raises(InputError, match=r"no column has a usual name for the text.*said, nr"):
        list(read_posts(path))


def test_a_cut_table_is_refused(tmp_path):
    path = tmp_path / "posts.parquet"
    write(tmp_path, text=["a"] * 100)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"no Parquet table that can be read.*again"):
        list(read_posts(str(path)))


def test_a_table_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no post"):
        list(read_posts(write(tmp_path, text=pa.array([], pa.string()))))


def test_a_zone_in_a_string_is_respected(tmp_path):
    east = NOON.astimezone(timezone(timedelta(hours=3))).isoformat()
    (post,) = read_posts(write(tmp_path, text=["a"], date=[east]))
    assert post.created_at == NOON
