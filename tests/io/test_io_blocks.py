import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narraframe.errors import InputError, UsageError
from narraframe.io.blocks import Block, cut_into_blocks, read_block
from narraframe.io.posts import Columns, read_posts
from narraframe.records import BadRecord, Post

ROWS = [
    {"id": str(i), "text": f"Post {i} of «Київ» 🔥" * (1 + i % 5), "lang": "en"} for i in range(50)
]
LINES = [json.dumps(row, ensure_ascii=False) for row in ROWS]


def cut(path, n_blocks: int, **options):
    return cut_into_blocks([str(path)], n_blocks=n_blocks, fewest=1, **options)


def read(blocks, **options):
    return [item for block in blocks for item in read_block(block, **options)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("n_blocks", [1, 2, 7, 50, 300])
def test_lines_in_blocks_are_the_lines_of_the_file(tmp_path, n_blocks, end):
    path = tmp_path / "posts.jsonl"
    lines = [*LINES[:9], '[{"id": "an array", "text": "x"}]', '{"id": ', *LINES[9:]]
    path.write_bytes(end.join(lines).encode())
    blocks = cut(path, n_blocks)
    assert (len(blocks) == 1) == (n_blocks == 1)
    assert read(blocks) == list(read_posts(str(path)))


@pytest.mark.parametrize("rows_per_group", [3, 20, 100])
@pytest.mark.parametrize("n_blocks", [2, 7, 50])
def test_rows_in_blocks_are_the_rows_of_the_table(tmp_path, n_blocks, rows_per_group):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=rows_per_group)
    blocks = cut(path, n_blocks)
    assert len(blocks) == n_blocks
    assert read(blocks) == list(read_posts(str(path)))


@pytest.mark.parametrize("name", ["packed", "csv", "array"])
def test_what_cannot_be_cut_is_one_block(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(
        {
            "packed": gzip.compress("\n".join(LINES).encode()),
            "csv": "\n".join(["id,text", *(f"{r['id']},{r['text']}" for r in ROWS)]).encode(),
            "array": json.dumps(ROWS).encode(),
        }[name]
    )
    assert cut(path, 7) == [Block(str(path), path.name)]
    assert len(read(cut(path, 7))) == 50


def test_lines_whose_columns_are_named_are_one_block_as_the_whole_file_must_have_them(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "said": "Hello"}) for i in range(50)))
    columns = Columns(text="said")
    assert cut(path, 7, columns=columns) == [Block(str(path), path.name)]
    assert len(read(cut(path, 7, columns=columns), columns=columns)) == 50


def test_blocks_have_neither_too_few_posts_nor_too_many(tmp_path):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    assert len(cut_into_blocks([str(path)], n_blocks=40)) == 1
    assert len(cut_into_blocks([str(path)], n_blocks=1, fewest=1, most=10)) == 5


def test_files_are_cut_each_by_its_size_and_keep_their_order(tmp_path):
    small, large = tmp_path / "small.parquet", tmp_path / "large.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS[:10]), small)
    pq.write_table(pa.Table.from_pylist(ROWS[10:]), large)
    blocks = cut_into_blocks([str(small), str(large)], n_blocks=5, fewest=1)
    assert [block.path for block in blocks] == [str(small), *[str(large)] * 4]
    assert [item.post_id for item in read(blocks)] == [row["id"] for row in ROWS]


def test_a_table_that_breaks_off_loses_its_block_alone(tmp_path):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=10)
    blocks = cut(path, 5)
    start = pq.ParquetFile(path).metadata.row_group(3).column(1).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 30] = b"\xff" * 30
    path.write_bytes(content)
    items = read(blocks)
    assert len([item for item in items if isinstance(item, Post)]) == 40
    [bad] = [item for item in items if isinstance(item, BadRecord)]
    assert bad.where == "posts.parquet: row 31"
    assert "breaks off here" in bad.what


def test_standard_input_and_files_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(UsageError, match="standard input cannot be read by several machines"):
        cut_into_blocks(["-"], n_blocks=2)
    with pytest.raises(InputError, match="there is no such file"):
        cut(tmp_path / "nothing.jsonl", 2)
