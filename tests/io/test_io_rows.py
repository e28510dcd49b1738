from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import OutputError, UsageError
from narraframe.io.cells import unguard
from narraframe.io.rows import SUFFIXES, JsonLines, check_suffix, open_rows

SCHEMA = pa.schema(
    [("id", pa.string()), ("n", pa.int32()), ("share", pa.float32()), ("yes", pa.bool_())]
)
ROWS = [
    {"id": "a", "n": 1, "share": 0.1, "yes": True},
    {"id": "=SUM(1)", "n": -2, "share": 1e-7, "yes": False},
    {"id": 'Київ, "quoted"\nline', "n": None, "share": None, "yes": None},
    {"id": None, "n": 0, "share": 1.0, "yes": True},
]


def table(rows=ROWS) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def written(path: Path, *blocks: pa.Table, force: bool = False) -> Path:
    with open_rows(path, SCHEMA, force=force) as writer:
        for block in blocks:
            writer.write(block)
    return path


def read(path: Path) -> list[dict]:
    """Read what a program would: floats to single precision, empty cells null, guards off."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as text:
            rows = [
                {name: None if cell == "" else CELLS[name](cell) for name, cell in row.items()}
                for row in csv.DictReader(text)
            ]
    else:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
    return [row | {"share": row["share"] and np.float32(row["share"])} for row in rows]


CELLS = {"id": unguard, "n": int, "share": float, "yes": {"true": True, "false": False}.get}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same_rows(tmp_path, suffix):
    expected = [row | {"share": row["share"] and np.float32(row["share"])} for row in ROWS]
    assert read(written(tmp_path / f"rows{suffix}", table())) == expected


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_follow_each_other_as_one_table(tmp_path, suffix):
    parts = [table(ROWS[:1]), table([]), table(ROWS[1:])]
    several = written(tmp_path / f"several{suffix}", *parts)
    assert read(several) == read(written(tmp_path / f"one{suffix}", table()))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_rows_is_a_file_all_the_same(tmp_path, suffix):
    path = written(tmp_path / f"empty{suffix}")
    assert path.exists()
    assert read(path) == []


def test_an_empty_csv_has_its_header(tmp_path):
    assert written(tmp_path / "empty.csv").read_text() == "id,n,share,yes\n"


def test_an_empty_parquet_has_its_schema(tmp_path):
    assert pq.read_schema(written(tmp_path / "empty.parquet")).equals(SCHEMA)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_rows_are_the_same_bytes(tmp_path, suffix):
    one, other = (written(tmp_path / f"{name}{suffix}", table()) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_no_cell_of_a_csv_is_a_formula(tmp_path):
    lines = written(tmp_path / "rows.csv", table()).read_text().splitlines()
    assert lines[2] == "'=SUM(1),-2,0.0000001,false"


def test_a_null_is_an_empty_cell_and_a_json_null(tmp_path):
    assert written(tmp_path / "rows.csv", table(ROWS[3:])).read_text().endswith("\n,0,1.0,true\n")
    text = written(tmp_path / "rows.jsonl", table(ROWS[2:3])).read_text()
    assert json.loads(text) == ROWS[2]


def test_letters_of_all_scripts_are_written_as_they_are(tmp_path):
    for name in ("rows.csv", "rows.jsonl"):
        assert "Київ" in written(tmp_path / name, table()).read_text("utf-8")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_has_no_more_digits_than_single_precision_needs(value):
    text = io.StringIO()
    JsonLines(text).write(table([ROWS[0] | {"share": value}]))
    shown = json.loads(text.getvalue())["share"]
    assert np.float32(shown) == np.float32(value)
    digits = np.format_float_scientific(shown, trim="-").split("e")[0]
    assert len(digits.strip("-").replace(".", "")) <= 9


def test_a_failed_block_leaves_nothing(tmp_path):
    def stop():
        with open_rows(tmp_path / "rows.csv", SCHEMA, force=False) as writer:
            writer.write(table())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_exists_is_kept_without_force_and_replaced_with_it(tmp_path, suffix):
    path = written(tmp_path / f"rows{suffix}", table())
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"exists already\. Pass --force"):
        written(path, table(ROWS[:1]))
    assert path.read_bytes() == before
    assert len(read(written(path, table(ROWS[:1]), force=True))) == 1


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.json", "rows.csv.gz", "rows.parquet "])
def test_an_ending_that_names_no_format_is_refused(name):
    with pytest.raises(UsageError, match=r"the ending names no format\. End it in \.parquet, "):
        check_suffix(Path(name))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_endings_of_the_formats_are_taken(suffix):
    assert check_suffix(Path(f"a.b{suffix}")) is None
