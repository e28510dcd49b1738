from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narraframe.errors import OutputError, TableError
from narraframe.io.posts import read_posts
from narraframe.io.tables import (
    POSTS,
    SCORES,
    THEMES,
    iter_scores,
    read_themes,
    write_embeddings,
    write_posts,
    write_themes,
)
from narraframe.records import Embeddings, Post, Themes

FULL = Post(
    post_id="1001/12",
    text="Річниця 🌍\n=SUM(A1)",
    model_text="Річниця =SUM(A1)",
    created_at=datetime(2024, 1, 3, 9, 0, 0, 123456, tzinfo=UTC),
    channel="МЗС",
    author="press",
    forwarded_from="Embassy",
    lang="uk",
    hashtags=("#SCO", "#ООН"),
    reactions={"👍": 8, "custom:5": 1},
    media="photo",
    url="https://t.me/mfa/12",
    duplicate_of="1001/11",
    labels=("order", "frame"),
    source="result.json: message 12",
)
BARE = Post(post_id="2", text="", model_text="", labels=())


def themes() -> Themes:
    return Themes(
        post_ids=("a", "b", "c"),
        theme=np.array([0, -1, 1], np.int32),
        membership=np.array([1, 0, 0.25], np.float32),
        xy=np.array([[0, 1], [2, 3], [-4, 5.5]], np.float32),
    )


def test_a_post_comes_back_with_all_that_it_held(tmp_path):
    write_posts(tmp_path / "p.parquet", [FULL, BARE], force=False)
    assert list(read_posts(str(tmp_path / "p.parquet"))) == [FULL, BARE]


def test_unlabelled_and_labelled_with_none_stay_apart(tmp_path):
    posts = [Post(post_id=str(i), text="x", labels=labels) for i, labels in enumerate([None, ()])]
    write_posts(tmp_path / "p.parquet", posts, force=False)
    assert [post.labels for post in read_posts(str(tmp_path / "p.parquet"))] == [None, ()]


def test_posts_are_written_in_row_groups_in_their_order(tmp_path):
    posts = (Post(post_id=f"{i}", text="x") for i in range(20_001))
    write_posts(tmp_path / "p.parquet", posts, force=False)
    with pq.ParquetFile(tmp_path / "p.parquet") as file:
        assert [file.metadata.row_group(i).num_rows for i in range(3)] == [10_000, 10_000, 1]
        assert file.read(["post_id"])["post_id"].to_pylist() == [str(i) for i in range(20_001)]


def test_the_same_posts_are_the_same_bytes(tmp_path):
    for name in ("one.parquet", "two.parquet"):
        write_posts(tmp_path / name, [FULL, BARE], force=False)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_posts_that_are_there_are_kept_unless_forced(tmp_path):
    write_posts(tmp_path / "p.parquet", [FULL], force=False)
    with pytest.raises(OutputError, match=r"p\.parquet: exists already.*--force"):
        write_posts(tmp_path / "p.parquet", [BARE], force=False)
    write_posts(tmp_path / "p.parquet", [BARE], force=True)
    assert list(read_posts(str(tmp_path / "p.parquet"))) == [BARE]


def test_a_source_of_posts_that_fails_leaves_no_table(tmp_path):
    def broken():
        yield FULL
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_posts(tmp_path / "p.parquet", broken(), force=False)
    assert list(tmp_path.iterdir()) == []


def test_themes_come_back_as_they_were(tmp_path):
    write_themes(tmp_path / "t.parquet", themes())
    back = read_themes(tmp_path / "t.parquet")
    assert back.post_ids == ("a", "b", "c")
    for name in Themes.ROWS:
        found, given = getattr(back, name), getattr(themes(), name)
        np.testing.assert_array_equal(found, given)
        assert (found.dtype, found.shape) == (given.dtype, given.shape)


def test_a_post_whose_theme_is_null_is_told(tmp_path):
    row = {"post_id": "a", "theme": None, "membership": 1.0, "x": 0.0, "y": 0.0}
    pq.write_table(pa.Table.from_pylist([row], schema=THEMES), tmp_path / "themes.parquet")
    with pytest.raises(TableError, match=r"themes\.parquet: is damaged: .*no nulls.*Run the stage"):
        read_themes(tmp_path / "themes.parquet")


def test_no_themes_come_back_as_none(tmp_path):
    none = Themes((), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros((0, 2), np.float32))
    write_themes(tmp_path / "t.parquet", none)
    assert read_themes(tmp_path / "t.parquet").xy.shape == (0, 2)


def test_all_faults_of_a_table_are_listed_at_once(tmp_path):
    table = pa.table({"post_id": ["a"], "theme": ["first"], "x": pa.array([1.0], pa.float32())})
    pq.write_table(table, tmp_path / "t.parquet")
    what = (
        r"column 'theme' is string, not int32; column 'membership' is missing; "
        r"column 'y' is missing\. Run the stage"
    )
    with pytest.raises(TableError, match=what):
        read_themes(tmp_path / "t.parquet")


def test_more_columns_than_documented_do_no_harm(tmp_path):
    write_themes(tmp_path / "t.parquet", themes())
    wider = pq.read_table(tmp_path / "t.parquet").append_column("mine", pa.array([1, 2, 3]))
    pq.write_table(wider, tmp_path / "t.parquet")
    assert read_themes(tmp_path / "t.parquet").post_ids == ("a", "b", "c")


def test_a_missing_table_and_a_file_that_is_none_are_told_apart(tmp_path):
    with pytest.raises(TableError, match=r"t\.parquet: there is no such table.*Run the stage"):
        read_themes(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").write_text("post_id,theme\n")
    with pytest.raises(TableError, match=r"t\.parquet: is not a Parquet table"):
        read_themes(tmp_path / "t.parquet")


def test_a_table_whose_pages_are_damaged_is_named(tmp_path):
    path = tmp_path / "t.parquet"
    write_themes(path, themes())
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(bytes(data))
    with pytest.raises(TableError, match=r"t\.parquet: is damaged"):
        read_themes(path)


def test_embeddings_are_a_vector_a_post_and_name_their_encoder(tmp_path):
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_embeddings(tmp_path / "e.parquet", Embeddings(("a", "b"), vectors, "mini@1"), force=False)
    table = pq.read_table(tmp_path / "e.parquet")
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 3)
    assert table.to_pylist()[1] == {"post_id": "b", "vector": [3.0, 4.0, 5.0]}
    assert table.schema.metadata[b"encoder"] == b"mini@1"


def test_scores_are_read_a_row_group_at_a_time_and_only_the_columns_asked_for(tmp_path):
    row = dict.fromkeys(SCORES.names) | {"post_id": "a", "reason": "no text"}
    with pq.ParquetWriter(tmp_path / "s.parquet", SCORES) as writer:
        for _ in range(2):
            writer.write_table(pa.Table.from_pylist([row], SCORES))
    blocks = list(iter_scores(tmp_path / "s.parquet", columns=("post_id", "reason")))
    assert [block.to_pylist() for block in blocks] == [[{"post_id": "a", "reason": "no text"}]] * 2


def test_every_table_needs_a_post_id():
    assert [schema.field("post_id").nullable for schema in (POSTS, THEMES, SCORES)] == [False] * 3
