"""Runs are found by a few digits of their id or by the model that they made."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from store_cases import HELD_OUT, log

from narraframe.errors import ModelError, TableError
from narraframe.io.registry import find_model
from narraframe.io.runs import OUT_OF_FOLD, TEST, find_run

pytestmark = pytest.mark.filterwarnings("ignore:.*Add type hints:UserWarning")


@pytest.fixture
def run_id(store):
    return find_model(store, "models:/topics@challenger").run_id


def test_a_run_is_found_by_six_digits_or_all_of_its_id(store, run_id):
    by_digits = find_run(store, run_id[:6])
    assert by_digits == find_run(store, run_id)
    assert (by_digits.run_id, by_digits.title) == (run_id, f"run {run_id[:8]}")
    assert by_digits.tags["codebook"] == "1.0.0"
    assert (by_digits.folder / "results.csv").read_text() == "label_id,f1\n"


def test_a_run_is_found_by_its_model_and_bears_the_models_title(store, run_id):
    found = find_run(store, "models:/topics@challenger")
    assert (found.run_id, found.title) == (run_id, "topics/1")
    assert found == find_run(store, "models:/topics/1")


@pytest.mark.parametrize("address", ["abc", "ABCDEF", "topics", "12345g", ""])
def test_what_is_neither_run_nor_model_is_refused(store, address):
    with pytest.raises(ModelError, match=r"neither a run nor the address of a model.*six digits"):
        find_run(store, address)


def test_a_run_that_is_not_there_is_answered_by_those_that_are(store, run_id):
    other = "0" * 6 if not run_id.startswith("0" * 6) else "1" * 6
    with pytest.raises(ModelError, match=rf"no such run.*{run_id[:8]} \(topics\)"):
        find_run(store, other)


def test_digits_that_several_runs_begin_with_are_refused_with_their_ids(store, tmp_path):
    log(store, tmp_path / "second")
    with closing(sqlite3.connect(store / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE runs SET run_uuid = 'abcdef' || substr(run_uuid, 7)")
    with pytest.raises(ModelError, match=r"more than one run begins so.*abcdef.*more digits"):
        find_run(store, "abcdef")


def test_a_workspace_without_runs_says_so_and_gets_no_store(tmp_path):
    with pytest.raises(ModelError, match=r"no run yet.*narraframe train"):
        find_run(tmp_path / "store", "abcdef")
    assert not (tmp_path / "store").exists()


def test_tables_are_read_where_the_run_left_some(store, tmp_path):
    made = log(store, tmp_path / "second", tables={OUT_OF_FOLD: HELD_OUT})
    run = find_run(store, made.run_id)
    assert run.table(TEST) is None
    np.testing.assert_array_equal(run.table(OUT_OF_FOLD).probability, HELD_OUT.probability)
    (run.folder / OUT_OF_FOLD).write_bytes(b"PAR1")
    with pytest.raises(TableError, match=r"held_out\.parquet: is damaged"):
        run.table(OUT_OF_FOLD)
