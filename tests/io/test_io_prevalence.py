"""Shares of labels as tables and as JSON: written, read back, refused."""

import csv
import json
import math
from dataclasses import replace

import pytest

from narraframe.errors import OutputError, TableError
from narraframe.io.prevalence import (
    SHARES,
    percent,
    points,
    read_prevalence,
    read_shares,
    write_prevalence,
)
from narraframe.records import Estimate, LabelPlan, LabelShare, Prevalence, ShareChange

NAN = float("nan")


def share(by="all", value="", **changes) -> LabelShare:
    return replace(
        LabelShare(
            label_id="frame.a",
            by=by,
            value=value,
            n_posts=900,
            n_scored=880,
            n_audit=200,
            n_positive=31,
            effective_size=310.5,
            naive=Estimate(0.25, 0.22, 0.28, 880),
            calibrated=Estimate(0.19, 0.18, 0.2, 880),
            classical=Estimate(0.155, 0.11, 0.21, 200),
            design=Estimate(0.16, 0.12, 0.2, 200),
            method="ppi++",
            power=0.875,
        ),
        **changes,
    )


UNKNOWN = share(
    by="channel",
    value="=канал | 1",
    n_audit=0,
    n_positive=0,
    effective_size=NAN,
    classical=Estimate(NAN, NAN, NAN, 0),
    design=Estimate(NAN, NAN, NAN, 0),
    method="",
    power=NAN,
    note="no audit post has an answer: nothing bears out any figure",
)
FOUND = Prevalence(
    model="narratives/3@0011aabb",
    label_ids=("frame.a",),
    by=("channel",),
    shares=(share(), UNKNOWN),
    n_posts=900,
    n_unscored=20,
    n_drawn=210,
    n_answered=200,
    n_copied=12,
    n_skipped=4,
    n_uncovered=0,
    unscored={"language uk is not known": 20},
    left_out={"no text": 7},
    notes=("4 of 210 audit posts were skipped by annotators",),
)
CHANGE = ShareChange(
    label_id="frame.a",
    before=share(by="month", value="2024-05"),
    after=share(by="month", value="2024-06"),
    difference=Estimate(0.031, -0.004, 0.066, 90),
    naive=0.12,
)
PLAN = LabelPlan(
    label_id="frame.a", by="all", value="", n_posts=900, n_audit=200, width_now=0.08, n_more=85
)


def test_json_holds_all_there_is_and_gives_it_back(tmp_path):
    path = tmp_path / "shares.json"
    write_prevalence(path, FOUND, changes=(CHANGE,), plans=(PLAN,), force=False)
    back = read_prevalence(path)
    assert replace(back, shares=()) == replace(FOUND, shares=())
    assert back.shares[0] == FOUND.shares[0]
    assert repr(back.shares[1]) == repr(FOUND.shares[1])  # nan is not equal to itself
    record = json.loads(path.read_text("utf-8"))
    assert record["changes"][0]["difference"]["low"] == -0.004
    assert record["plans"][0]["n_more"] == 85
    assert record["shares"][1]["design"]["value"] is None


def test_parquet_gives_the_shares_back(tmp_path):
    path = tmp_path / "shares.parquet"
    write_prevalence(path, FOUND, force=False)
    assert repr(read_shares(path)) == repr(FOUND.shares)


def test_csv_has_a_row_a_label_and_slice_with_undefined_cells_empty(tmp_path):
    path = tmp_path / "shares.csv"
    write_prevalence(path, FOUND, force=False)
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert list(rows[0]) == SHARES.names
    assert (rows[0]["design"], rows[0]["design_low"], rows[0]["n_audit"]) == ("0.16", "0.12", "200")
    assert (rows[1]["design"], rows[1]["power"]) == ("", "")
    assert rows[1]["value"] == "'=канал | 1"  # a spreadsheet must not run it


def test_markdown_is_a_table_that_names_break_not(tmp_path):
    path = tmp_path / "shares.md"
    write_prevalence(path, FOUND, changes=(CHANGE,), plans=(PLAN,), force=False)
    lines = path.read_text("utf-8").splitlines()
    assert lines[2] == "| frame.a | all | 900 | 200 | 16.0 % [12.0, 20.0] | 25.0 % | 19.0 % |  |"
    assert r"=канал \| 1" in lines[3]
    assert "| frame.a | 2024-05 | 2024-06 | +3.1 [-0.4, +6.6] |  |" in lines
    assert "| frame.a | all | 200 | 85 |" in lines
    assert lines[-1] == "- 4 of 210 audit posts were skipped by annotators"


def test_what_exists_is_not_replaced_unless_told_to(tmp_path):
    path = tmp_path / "shares.csv"
    write_prevalence(path, FOUND, force=False)
    with pytest.raises(OutputError, match="exists already"):
        write_prevalence(path, FOUND, force=False)
    write_prevalence(path, FOUND, force=True)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"shares": 3}'])
def test_other_json_is_refused(tmp_path, text):
    path = tmp_path / "shares.json"
    path.write_text(text)
    with pytest.raises(TableError, match="no shares of labels"):
        read_prevalence(path)


def test_other_tables_are_refused(tmp_path):
    path = tmp_path / "shares.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_shares(path)
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_shares(tmp_path / "none.parquet")


def test_figures_that_are_not_there_are_a_dash():
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    assert (percent(nothing), points(nothing)) == ("-", "-")


def test_the_share_of_a_slice_is_found_by_label_and_slice():
    assert FOUND.of("frame.a", by="channel", value="=канал | 1") is UNKNOWN
    assert FOUND.of("frame.a") is FOUND.shares[0]
    assert FOUND.of("frame.b") is None
    assert FOUND.slices("channel") == ("=канал | 1",)
    assert FOUND.shares[0].naive_misses
    assert not CHANGE.is_beyond_chance


def test_a_small_share_is_not_rounded_to_nothing_nor_its_interval_to_a_point():
    assert percent(Estimate(0.0, 0.0, 0.00038, 9000)) == "0.00 % [0.00, 0.04]"
    assert percent(Estimate(0.0003, 0.0001, 0.0009, 9000)) == "0.03 % [0.01, 0.09]"
    assert percent(Estimate(0.123, 0.09, 0.16, 90)) == "12.3 % [9.0, 16.0]"
    assert percent(Estimate(0.0, 0.0, 0.0, 9000)) == "0.0 % [0.0, 0.0]"
    assert points(Estimate(0.004, 0.0004, 0.009, 300)) == "+0.40 [+0.04, +0.90]"
    assert points(Estimate(0.031, -0.004, 0.066, 300)) == "+3.1 [-0.4, +6.6]"
