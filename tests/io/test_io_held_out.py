"""Held-out predictions come back exactly as they were, or not at all."""

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from narraframe.errors import OutputError, TableError
from narraframe.io.held_out import HELD_OUT, read_held_out, write_held_out
from narraframe.records import HeldOut

NAN = float("nan")
TINY = HeldOut(
    post_ids=("b", "a", "Київ, №1"),
    label_ids=("frame.moral", "ставлення"),
    y=np.array([[1, 0], [0, 1], [0, 0]], np.int8),
    mask=np.array([[True, True], [False, True], [True, False]]),
    probability=np.array([[0.9, NAN], [NAN, 0.25], [0.125, 1]], np.float32),
    decision=np.array([[True, False], [False, False], [False, True]]),
    groups=np.array([0, 0, 7], np.intp),
    fold=np.array([2, 2, 0], np.intp),
)


def assert_same(back: HeldOut, held_out: HeldOut) -> None:
    for field in fields(HeldOut):
        one, other = getattr(back, field.name), getattr(held_out, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@st.composite
def held_outs(draw):
    n, k = draw(st.integers(0, 5)), draw(st.integers(1, 4))

    def matrix(dtype, elements):
        return draw(arrays.arrays(dtype, (n, k), elements=elements))

    def numbers():
        return draw(arrays.arrays(np.intp, n, elements=st.integers(0, 99)))

    names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    return HeldOut(
        post_ids=tuple(draw(st.lists(names, min_size=n, max_size=n, unique=True))),
        label_ids=tuple(draw(st.lists(names, min_size=k, max_size=k, unique=True))),
        y=matrix(np.int8, st.integers(0, 1)),
        mask=matrix(np.bool_, st.booleans()),
        probability=matrix(np.float32, st.floats(0, 1, width=32) | st.just(NAN)),
        decision=matrix(np.bool_, st.booleans()),
        groups=numbers(),
        fold=numbers(),
    )


@pytest.fixture
def path(tmp_path):
    write_held_out(tmp_path / "held_out.parquet", TINY)
    return tmp_path / "held_out.parquet"


def test_predictions_come_back_with_unknown_cells_and_missing_probabilities(path):
    assert_same(read_held_out(path), TINY)


@given(held_outs())
@settings(max_examples=50, deadline=None)
def test_any_predictions_come_back_exactly(tmp_path_factory, held_out):
    path = tmp_path_factory.mktemp("held") / "held_out.parquet"
    write_held_out(path, held_out)
    assert_same(read_held_out(path), held_out)


def test_predictions_without_a_post_keep_their_labels(tmp_path):
    none = replace(
        TINY,
        post_ids=(),
        **{name: getattr(TINY, name)[:0] for name in HeldOut.ROWS},
    )
    write_held_out(tmp_path / "none.parquet", none)
    assert_same(read_held_out(tmp_path / "none.parquet"), none)


def test_any_tool_reads_one_row_a_post_and_label(path):
    rows = pq.read_table(path).to_pylist()
    assert rows[0] == {
        "post_id": "b",
        "label_id": "frame.moral",
        "y": 1,
        "known": True,
        "probability": pytest.approx(0.9),
        "decision": True,
        "group": 0,
        "fold": 2,
    }
    assert [row["label_id"] for row in rows] == [*TINY.label_ids] * 3


def test_an_existing_table_is_kept_unless_forced(path):
    with pytest.raises(OutputError, match="exists already"):
        write_held_out(path, TINY)
    write_held_out(path, replace(TINY, fold=TINY.fold + 1), force=True)
    assert read_held_out(path).fold.tolist() == [3, 3, 1]


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TableError, match=r"none\.parquet: there is no such table.*Train again"):
        read_held_out(tmp_path / "none.parquet")


@pytest.mark.parametrize("keep", [0, 20, -20])
def test_a_cut_or_empty_file_is_damaged(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TableError, match="is damaged, or no Parquet table"):
        read_held_out(path)


def test_a_table_of_another_kind_is_refused(path):
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["known"]), path)
    with pytest.raises(TableError, match="is no table of held-out predictions"):
        read_held_out(path)
    pq.write_table(table.replace_schema_metadata({}), path)
    with pytest.raises(TableError, match="is no table of held-out predictions"):
        read_held_out(path)


@pytest.mark.parametrize(
    "order",
    [[0, 1, 2, 3, 4], [0, 0, 2, 3, 4, 5], [1, 0, 2, 3, 4, 5], [0, 3, 2, 1, 4, 5], [0, 1, 0, 1]],
)
def test_rows_that_are_not_all_labels_of_each_post_are_refused(path, order):
    pq.write_table(pq.read_table(path).take(pa.array(order)), path)
    assert pq.read_schema(path).equals(HELD_OUT)
    with pytest.raises(TableError, match="not one for each post and label"):
        read_held_out(path)
