import csv
import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import OutputError, TableError, UsageError
from narraframe.io.rows import JsonLines, check_suffix, open_rows
from narraframe.io.scores import add_evidence, read_scores, score_rows, unscored_rows
from narraframe.io.tables import EXPLAINED, SCORES
from narraframe.records import Scores

NAMES = {"order": "World order", "order.un": "=UN Charter", "frame.other": "Other"}
UNTRAINED = ("", "", "too few positives")
NAN = float("nan")


def scores(first: str = "a", *, model: str = "topics/1") -> Scores:
    """Three posts: scored, without text, scored; the third label was not trained."""
    return Scores(
        post_ids=(first, f"{first}-media", f"@{first} «Київ»"),
        label_ids=tuple(NAMES),
        probability=np.array([[0.1, 0.9, NAN], [NAN] * 3, [1 / 3, 1e-7, NAN]], np.float32),
        decision=np.array([[False, True, False], [False] * 3, [True, False, False]]),
        abstained=np.zeros((3, 3), dtype=bool),
        thresholds=np.array([0.3, 0.5, NAN]),
        reasons=("", "no text", ""),
        model=model,
    )


def rows(given: Scores) -> pa.Table:
    return score_rows(given, names=NAMES, reasons=UNTRAINED)


def written(path, *blocks: Scores):
    return written_from(path, blocks)


def written_from(path, blocks):
    with open_rows(path, SCORES, force=False) as writer:
        for block in blocks:
            writer.write(rows(block))
    return path


def from_json(lines) -> list[dict]:
    return [json.loads(line) for line in lines]


def from_csv(path) -> list[dict]:
    """Read what a program would: guards off, empty cells null, numbers as numbers."""
    number = {"probability", "threshold"}
    words = {"true": True, "false": False}

    def value(name, cell):
        if cell == "":
            return None
        if name in number:
            return float(cell)
        return words[cell] if name == "decision" else cell.removeprefix("'")

    with path.open(newline="", encoding="utf-8") as text:
        return [{k: value(k, v) for k, v in row.items()} for row in csv.DictReader(text)]


def read_parquet(path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def same_floats(found: list[dict]) -> list[dict]:
    """Round to the float32 that was meant: decimal digits are as many as float32 needs."""
    return [
        {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in row.items()}
        for row in found
    ]


def test_a_post_has_a_row_a_label_and_without_a_score_one_row_that_says_why():
    table = rows(scores()).to_pylist()
    assert [(row["post_id"], row["label_id"], row["reason"]) for row in table] == [
        ("a", "order", None),
        ("a", "order.un", None),
        ("a", "frame.other", "too few positives"),
        ("a-media", None, "no text"),
        ("@a «Київ»", "order", None),
        ("@a «Київ»", "order.un", None),
        ("@a «Київ»", "frame.other", "too few positives"),
    ]


def test_a_row_names_label_threshold_decision_and_model():
    first = rows(scores()).to_pylist()[1]
    assert first == {
        "post_id": "a",
        "label_id": "order.un",
        "label_name": "=UN Charter",
        "probability": pytest.approx(0.9),
        "threshold": 0.5,
        "decision": True,
        "reason": None,
        "model": "topics/1",
    }


def test_an_untrained_label_has_neither_probability_nor_threshold_nor_decision():
    row = rows(scores()).to_pylist()[2]
    assert [row[name] for name in ("probability", "threshold", "decision")] == [None] * 3


@pytest.mark.parametrize("name", ["s.jsonl", "s.csv", "s.parquet"])
def test_a_parent_that_follows_its_children_has_a_probability_no_threshold_and_no_reason(
    tmp_path, name
):
    follows = replace(scores(), thresholds=np.array([NAN, 0.5, NAN]))
    table = score_rows(follows, names=NAMES, reasons=("no negatives", "", "too few positives"))
    with open_rows(tmp_path / name, SCORES, force=False) as writer:
        writer.write(table)
    text = (tmp_path / name).read_bytes()
    assert b"NaN" not in text
    assert b",nan," not in text
    if name == "s.jsonl":
        row = from_json(text.decode().splitlines())[0]
    else:
        row = (from_csv if name == "s.csv" else read_parquet)(tmp_path / name)[0]
    assert row["probability"] == pytest.approx(0.1)
    assert [row[key] for key in ("threshold", "decision", "reason")] == [None, False, None]


@given(
    p=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=8),
    at=st.integers(0, 7),
    step=st.sampled_from([-1, 0, 1]),
)
def test_the_decision_follows_from_the_numbers_as_written(p, at, step):
    cut = np.float32(p[at % len(p)])
    cut = np.nextafter(cut, np.float32(2 * step)) if step else cut
    probability = np.array(p, np.float32)[:, None]
    one = Scores(
        post_ids=tuple(map(str, range(len(p)))),
        label_ids=("order",),
        probability=probability,
        decision=probability >= cut,
        abstained=np.zeros(probability.shape, dtype=bool),
        thresholds=np.array([cut], np.float64),
        reasons=("",) * len(p),
        model="topics/1",
    )
    table = score_rows(one, names=NAMES, reasons=("",))
    stream = io.StringIO()
    JsonLines(stream).write(table)
    for row in [*from_json(stream.getvalue().splitlines()), *table.to_pylist()]:
        assert row["decision"] == (row["probability"] >= row["threshold"])


def test_rows_have_the_documented_schema():
    assert rows(scores()).schema.equals(SCORES)


def test_all_formats_hold_the_same_rows(tmp_path):
    blocks = (scores("a"), scores("b"))
    parquet = pq.read_table(written(tmp_path / "s.parquet", *blocks)).to_pylist()
    plain = written(tmp_path / "s.jsonl", *blocks).read_text("utf-8").splitlines()
    with gzip.open(written(tmp_path / "s.jsonl.gz", *blocks), "rt", encoding="utf-8") as text:
        packed = text.read().splitlines()
    stream = io.StringIO()
    for block in blocks:
        JsonLines(stream).write(rows(block))
    assert len(parquet) == 14
    assert plain == packed == stream.getvalue().splitlines()
    assert same_floats(from_json(plain)) == parquet
    assert same_floats(from_csv(written(tmp_path / "s.csv", *blocks))) == parquet


def test_probabilities_are_written_with_the_digits_that_float32_needs(tmp_path):
    lines = from_json(written(tmp_path / "s.jsonl", scores()).read_text("utf-8").splitlines())
    assert [line["probability"] for line in lines[:2]] == [0.1, 0.9]
    text = written(tmp_path / "s.csv", scores()).read_text("utf-8")
    assert "a,order,World order,0.1,0.3,false,,topics/1" in text
    assert "0.0000001" in text, "no exponent, which some spreadsheets take for text"


def test_csv_is_no_formula_in_any_cell(tmp_path):
    with written(tmp_path / "s.csv", scores()).open(newline="", encoding="utf-8") as text:
        cells = [cell for row in csv.reader(text) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert {"'=UN Charter", "'@a «Київ»"} <= set(cells)


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.parquet", "s.csv", "s.jsonl"])
def test_the_same_scores_are_the_same_bytes(tmp_path, name):
    (tmp_path / "later").mkdir()
    one = written(tmp_path / name, scores())
    other = written(tmp_path / "later" / f"other-{name}", scores())
    assert one.read_bytes() == other.read_bytes()


def test_scores_come_back_as_they_were(tmp_path):
    back, given = read_scores(written(tmp_path / "s.parquet", scores())), scores()
    assert (back.post_ids, back.label_ids) == (given.post_ids, given.label_ids)
    assert (back.reasons, back.model) == (given.reasons, given.model)
    np.testing.assert_array_equal(back.probability, given.probability)
    np.testing.assert_array_equal(back.decision, given.decision)
    np.testing.assert_allclose(back.thresholds, given.thresholds, rtol=1e-7)


def test_blocks_come_back_as_one_record_in_order(tmp_path):
    back = read_scores(written(tmp_path / "s.parquet", scores("a"), scores("b")))
    assert back.post_ids == (*scores("a").post_ids, *scores("b").post_ids)
    assert back.reasons == ("", "no text", "") * 2


def test_scores_of_posts_that_all_lack_a_score_come_back_with_their_reasons(tmp_path):
    table = rows(scores()).slice(3, 1)
    with open_rows(tmp_path / "s.parquet", SCORES, force=False) as writer:
        writer.write(table)
    back = read_scores(tmp_path / "s.parquet")
    assert (back.post_ids, back.reasons, back.label_ids) == (("a-media",), ("no text",), ())
    assert back.probability.shape == (1, 0)


def test_an_empty_table_of_scores_comes_back_empty(tmp_path):
    with open_rows(tmp_path / "s.parquet", SCORES, force=False):
        pass
    assert read_scores(tmp_path / "s.parquet").post_ids == ()


def test_scores_of_several_models_are_refused(tmp_path):
    path = written(tmp_path / "s.parquet", scores(), scores("b", model="topics/2"))
    with pytest.raises(TableError, match=r"several models.*topics/1.*topics/2"):
        read_scores(path)


def test_scores_without_a_column_are_refused_by_its_name(tmp_path):
    pq.write_table(rows(scores()).drop_columns(["reason", "threshold"]), tmp_path / "s.parquet")
    with pytest.raises(TableError, match=r"'threshold' is missing; column 'reason' is missing"):
        read_scores(tmp_path / "s.parquet")


@pytest.mark.parametrize("name", ["s.json", "s.xlsx", "scores", "s.csv.gz", "s.parquet.tmp"])
def test_an_ending_that_names_no_format_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"names no format.*\.parquet, \.csv, \.jsonl"):
        check_suffix(tmp_path / name)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    path = written(tmp_path / "s.csv", scores())
    with pytest.raises(OutputError, match="exists already"):
        written(path, scores("b"))
    assert "b-media" not in path.read_text("utf-8")
    with open_rows(path, SCORES, force=True) as writer:
        writer.write(rows(scores("b")))
    assert "b-media" in path.read_text("utf-8")


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.parquet", "s.csv", "s.jsonl"])
def test_a_run_that_fails_half_way_leaves_no_file(tmp_path, name):
    def broken():
        yield scores()
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        written_from(tmp_path / name, broken())
    assert list(tmp_path.iterdir()) == []


def test_what_was_left_open_has_a_probability_and_no_decision_whatever_it_would_be(tmp_path):
    given = replace(scores(), abstained=np.array([[False, True, False], [False] * 3, [False] * 3]))
    row = rows(given).to_pylist()[1]
    assert [row[key] for key in ("threshold", "decision", "reason")] == [
        0.5,
        None,
        "too close to call",
    ]
    back = read_scores(written(tmp_path / "s.parquet", given))
    np.testing.assert_array_equal(back.abstained, given.abstained)
    np.testing.assert_array_equal(back.decision, given.decision & ~given.abstained)
    np.testing.assert_array_equal(back.probability, given.probability)


# --- evidence


EVIDENCE = {
    ("a", "order.un"): [("=1+1 is signed.", (40, 55)), ("Said the UN.", (0, 12))],
    ("@a «Київ»", "order"): [("Київ | Kyiv.", None)],
}


def test_evidence_stands_beside_the_decision_that_it_carries():
    table = add_evidence(rows(scores()), EVIDENCE)
    assert table.schema.equals(EXPLAINED)
    assert table.select(SCORES.names).equals(rows(scores()))
    found = {
        (row["post_id"], row["label_id"]): (row["evidence"], row["evidence_spans"])
        for row in table.to_pylist()
    }
    assert found.pop(("a", "order.un")) == ("=1+1 is signed. | Said the UN.", "40-55;0-12")
    assert found.pop(("@a «Київ»", "order")) == ("Київ | Kyiv.", None)
    assert len(found) == 5
    assert set(found.values()) == {(None, None)}


@pytest.mark.parametrize(
    ("name", "read"),
    [("s.parquet", read_parquet), ("s.csv", from_csv), ("s.jsonl", None)],
)
def test_every_format_holds_the_evidence_and_csv_guards_it(tmp_path, name, read):
    table = add_evidence(rows(scores()), EVIDENCE)
    with open_rows(tmp_path / name, EXPLAINED, force=False) as writer:
        writer.write(table)
    text = (tmp_path / name).read_bytes()
    found = read(tmp_path / name) if read else from_json(text.decode().splitlines())
    assert same_floats(found) == same_floats(table.to_pylist())
    if name == "s.csv":
        assert b",'=1+1 is signed. | Said the UN.,40-55;0-12\n" in text


def test_scores_with_evidence_are_read_as_those_without(tmp_path):
    with open_rows(tmp_path / "s.parquet", EXPLAINED, force=False) as writer:
        writer.write(add_evidence(rows(scores()), EVIDENCE))
    back, plain = read_scores(tmp_path / "s.parquet"), scores()
    assert (back.post_ids, back.label_ids) == (plain.post_ids, plain.label_ids)
    np.testing.assert_array_equal(back.probability, plain.probability)
    np.testing.assert_array_equal(back.decision, plain.decision)


def test_a_folder_of_parts_is_read_in_the_order_of_their_names(tmp_path):
    (tmp_path / "parts").mkdir()
    written(tmp_path / "parts" / "part-000001.parquet", scores("b"))
    written(tmp_path / "parts" / "part-000000.parquet", scores("a"))
    back = read_scores(tmp_path / "parts")
    assert back.post_ids == scores("a").post_ids + scores("b").post_ids
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="is not a Parquet table"):
        read_scores(tmp_path / "empty")


def read_slowly(table) -> Scores:
    """What `read_scores` means, one row at a time."""
    rows = table.to_pylist()
    post_ids = tuple(dict.fromkeys(row["post_id"] for row in rows))
    label_ids = tuple(dict.fromkeys(r["label_id"] for r in rows if r["label_id"] is not None))
    shape = (len(post_ids), len(label_ids))
    found = {
        "probability": np.full(shape, NAN, np.float32),
        "decision": np.zeros(shape, bool),
        "abstained": np.zeros(shape, bool),
        "thresholds": np.full(shape[1], NAN),
    }
    reasons = [""] * shape[0]
    for row in rows:
        i = post_ids.index(row["post_id"])
        if row["label_id"] is None:
            reasons[i] = row["reason"] or "no score"
        elif row["probability"] is not None:
            j = label_ids.index(row["label_id"])
            found["probability"][i, j] = row["probability"]
            found["decision"][i, j] = bool(row["decision"])
            found["abstained"][i, j] = row["decision"] is None
            found["thresholds"][j] = NAN if row["threshold"] is None else row["threshold"]
    return Scores(
        post_ids=post_ids, label_ids=label_ids, reasons=tuple(reasons), model="m", **found
    )


_floats = st.one_of(st.none(), st.floats(0, 1, width=32))
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "post_id": st.sampled_from(["a", "b", "é", ""]),
            "label_id": st.sampled_from([None, "x", "y", "z"]),
            "probability": _floats,
            "threshold": _floats,
            "decision": st.sampled_from([None, True, False]),
            "reason": st.sampled_from([None, "", "no text"]),
            "model": st.just("m"),
        }
    ),
    min_size=1,
    max_size=30,
)


@given(_rows, st.booleans(), st.integers(1, 5))
def test_scores_are_read_back_as_row_by_row(tmp_path_factory, found, explained, group):
    table = pa.Table.from_pylist(found, EXPLAINED if explained else SCORES)
    path = tmp_path_factory.getbasetemp() / "read_back.parquet"
    pq.write_table(table, path, row_group_size=group)
    fast, slow = read_scores(path), read_slowly(table)
    for name in ("post_ids", "label_ids", "reasons", "model"):
        assert getattr(fast, name) == getattr(slow, name)
    for name in ("probability", "decision", "abstained", "thresholds"):
        one, other = getattr(fast, name), getattr(slow, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_table_of_posts_without_scores_is_read_back(tmp_path):
    path = tmp_path / "s.parquet"
    pq.write_table(unscored_rows(["a", "b"], ["no text", "language"], "m/1"), path)
    found = read_scores(path)
    assert found.post_ids == ("a", "b")
    assert found.reasons == ("no text", "language")
    assert found.probability.shape == (2, 0)
    assert found.model == "m/1"
