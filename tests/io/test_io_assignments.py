from __future__ import annotations

import csv
import gzip
import json

import pyarrow.parquet as pq
import pytest

from narraframe.errors import OutputError
from narraframe.io.assignments import ASSIGNMENTS, AssignedPost, write_assignments

POSTS = (
    AssignedPost(post_id="a", theme=3, name="Grain", probability=0.875, suggested=3),
    AssignedPost(post_id="=b", probability=0.25, suggested=12, reason="between themes"),
    AssignedPost(post_id="c", probability=0.5, reason="new", candidate=0),
    AssignedPost(post_id="д", reason="no text"),
)
EXPECTED = [
    {
        "post_id": "a",
        "theme": 3,
        "name": "Grain",
        "probability": 0.875,
        "suggested": 3,
        "reason": None,
        "candidate": None,
    },
    {
        "post_id": "=b",
        "theme": None,
        "name": None,
        "probability": 0.25,
        "suggested": 12,
        "reason": "between themes",
        "candidate": None,
    },
    {
        "post_id": "c",
        "theme": None,
        "name": None,
        "probability": 0.5,
        "suggested": None,
        "reason": "new",
        "candidate": 0,
    },
    {
        "post_id": "д",
        "theme": None,
        "name": None,
        "probability": None,
        "suggested": None,
        "reason": "no text",
        "candidate": None,
    },
]


def test_a_parquet_table_has_the_documented_schema_and_a_row_a_post(tmp_path):
    write_assignments(tmp_path / "a.parquet", POSTS, force=False)
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.equals(ASSIGNMENTS)
    assert table.to_pylist() == EXPECTED


def test_json_lines_hold_the_same_rows(tmp_path):
    for name in ("a.jsonl", "a.jsonl.gz"):
        write_assignments(tmp_path / name, POSTS, force=False)
    lines = (tmp_path / "a.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == EXPECTED
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode().splitlines() == lines


def test_a_csv_has_empty_cells_for_what_is_not_known_and_no_formula(tmp_path):
    write_assignments(tmp_path / "a.csv", POSTS, force=False)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    assert rows == [
        ASSIGNMENTS.names,
        ["a", "3", "Grain", "0.875", "3", "", ""],
        ["'=b", "", "", "0.25", "12", "between themes", ""],
        ["c", "", "", "0.5", "", "new", "0"],
        ["д", "", "", "", "", "no text", ""],
    ]


def test_posts_are_taken_from_a_stream(tmp_path):
    write_assignments(tmp_path / "a.parquet", iter(POSTS), force=False)
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 4


def test_no_posts_are_a_table_without_rows(tmp_path):
    write_assignments(tmp_path / "a.csv", [], force=False)
    assert (tmp_path / "a.csv").read_text() == ",".join(ASSIGNMENTS.names) + "\n"


def test_what_exists_is_kept_without_force(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.csv: exists already\. Pass --force"):
        write_assignments(tmp_path / "a.csv", POSTS, force=False)
    assert (tmp_path / "a.csv").read_text() == "mine"
