"""Two runs compared on posts that neither was trained on."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from registry_cases import register_version, said

from narraframe.config import Config, Workspace
from narraframe.errors import ModelError, OutputError, UsageError
from narraframe.metrics.paired import Predictions, paired_difference
from narraframe.workflows.compare import compare

pytestmark = pytest.mark.filterwarnings("ignore:.*Add type hints:UserWarning")
POOR, GOOD = said(wrong_every=3), said(wrong_every=10)
A, B = "models:/topics/1", "models:/topics/2"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace with a poor topics/1: a fresh database costs five seconds, a copy none."""
    folder = tmp_path_factory.mktemp("compare")
    workspace = Workspace(folder / "workspace", Config(), is_set_up=True)
    register_version(workspace, folder / "one", held_out=POOR)
    return workspace


@pytest.fixture
def workspace(template, tmp_path):
    shutil.copytree(template.root, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace", Config(), is_set_up=True)


@pytest.fixture
def compared(workspace, tmp_path):
    """Register topics/2 with other tables, and compare it with topics/1."""

    def run(*, codebook="1.0.0", output=None, **tables):
        register_version(workspace, tmp_path / "two", codebook=codebook, **tables)
        return compare(A, B, workspace=workspace, output=output)

    return run


def test_a_run_that_errs_less_is_better_beyond_doubt_on_the_same_posts(compared):
    found = compared(held_out=GOOD)
    assert (found.a, found.b) == ("topics/1", "topics/2")
    assert found.basis == "90 posts of out-of-fold predictions"
    assert (found.notes, found.only_a, found.only_b) == ((), (), ())
    assert found.verdict.startswith(
        "topics/2 against topics/1, on 90 posts of out-of-fold predictions: better beyond doubt"
    )


def test_the_difference_is_that_of_the_aligned_predictions(compared):
    order = np.random.default_rng(0).permutation(90)
    rows = {name: getattr(GOOD, name)[order] for name in GOOD.ROWS}
    shuffled = replace(GOOD, post_ids=tuple(GOOD.post_ids[i] for i in order), **rows)
    found = compared(held_out=shuffled).found
    in_order = paired_difference(
        POOR.y,
        POOR.mask,
        Predictions(POOR.probability, POOR.decision),
        Predictions(GOOD.probability, GOOD.decision),
        GOOD.groups,
        GOOD.label_ids,
        seed=0,
    )
    assert found.macro_f1.a == pytest.approx(in_order.macro_f1.a)
    assert found.macro_f1.b == pytest.approx(in_order.macro_f1.b)
    assert [x.n_positive for x in found.labels] == [x.n_positive for x in in_order.labels]


def test_runs_are_compared_by_the_digits_of_their_ids_too(workspace, tmp_path):
    one = compare(A, A, workspace=workspace)
    second = register_version(workspace, tmp_path / "two", held_out=GOOD)
    found = compare(A, second.run_id[:8], workspace=workspace)
    assert found.b == f"run {second.run_id[:8]}"
    assert one.found.macro_f1.difference.value == 0
    assert not one.found.is_better


def test_posts_of_one_run_only_do_not_count_and_are_told(compared):
    found = compared(held_out=said(60, wrong_every=10, start=50))
    assert found.found.n_posts == 40
    assert found.notes == ("40 posts are in both, of 90 and 60: the others do not count",)
    assert (found.n_only_a, found.misses_test) == (50, False)


def test_a_frozen_test_set_that_both_have_goes_before_out_of_fold_predictions(workspace, tmp_path):
    for i, wrong_every in enumerate((3, 10)):
        register_version(
            workspace,
            tmp_path / str(i),
            held_out=said(wrong_every=5),
            test=said(30, wrong_every=wrong_every, start=500),
        )
    found = compare("models:/topics/2", "models:/topics/3", workspace=workspace)
    assert found.basis == "30 posts of the frozen test set"
    assert found.found.n_posts == 30
    assert (found.n_only_a, found.misses_test, found.notes) == (0, False, ())


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"split.by": "group"}, {"split.by": "time"}, "split.by is 'group' in topics/2 and 'time'"),
        ({"split.folds": 2}, {"split.folds": 15}, "split.folds is '2' in topics/2 and '15' in"),
        ({"seed": 0}, {"seed": 1}, "seed is '0' in topics/2 and '1' in topics/3"),
        ({"split.by": "time", "split.folds": 2}, {"split.by": "time", "split.folds": 5}, None),
        ({"split.since": "2024-01-01"}, {"split.since": "2025-01-01"}, None),
        (
            {"split.by": "time", "split.since": ""},
            {"split.by": "time", "split.since": "2024-01-01"},
            "split.since is '' in topics/2 and '2024-01-01' in topics/3",
        ),
        ({}, {"split.by": "time"}, None),
    ],
)
def test_predictions_by_splits_that_differ_are_told(workspace, tmp_path, one, other, told):
    register_version(workspace, tmp_path / "2", held_out=POOR, parameters=one)
    register_version(workspace, tmp_path / "3", held_out=GOOD, parameters=other)
    found = compare(B, "models:/topics/3", workspace=workspace)
    assert told in found.notes[0] if told else found.notes == ()


def test_splits_do_not_matter_on_the_frozen_test_set(workspace, tmp_path):
    for version, by in enumerate(("group", "time"), start=2):
        tables = {"held_out": POOR, "test": said(60, wrong_every=3, start=500)}
        register_version(workspace, tmp_path / str(version), parameters={"split.by": by}, **tables)
    found = compare(B, "models:/topics/3", workspace=workspace)
    assert (found.on_test, found.other_split, found.notes) == (True, "", ())


def test_figures_beside_the_frozen_test_set_of_the_first_run_are_told(workspace, tmp_path):
    register_version(workspace, tmp_path / "two", held_out=GOOD, test=said(wrong_every=5, start=90))
    found = compare(B, A, workspace=workspace)
    assert found.misses_test
    assert found.notes == ("topics/1 was not tested on the frozen test set of topics/2",)
    assert not compare(A, B, workspace=workspace).misses_test


def test_a_post_that_one_run_trained_on_does_not_count_in_the_test_set_of_the_other(compared):
    """topics/1 has no test set, and predicted p0 to p89 out of fold: p60 to p89 are no match."""
    found = compared(held_out=said(60, wrong_every=10), test=said(30, wrong_every=10, start=60))
    assert found.basis == "60 posts of out-of-fold predictions"


def test_the_truth_is_that_of_the_second_run_and_differences_are_told(compared):
    y, mask = GOOD.y.copy(), GOOD.mask.copy()
    y[0] = 1 - y[0]
    mask[1, 0] = False
    y[2, 1], mask[2, 1] = 1, False
    found = compared(held_out=replace(GOOD, y=y, mask=mask))
    assert found.notes == (
        "3 posts are labelled otherwise in the second: its labels are taken as the truth",
    )
    assert [label.n_positive for label in found.found.labels] == [29, 30]
    assert found.n_relabelled == 3


def test_a_gain_that_rests_on_relabelling_is_measured_by_the_labels_of_the_first_run_too(
    compared, tmp_path
):
    turned = replace(GOOD, y=np.roll(GOOD.y, 1, axis=1), decision=np.roll(GOOD.decision, 1, axis=1))
    found = compared(held_out=turned, output=tmp_path / "c.json")
    expected = paired_difference(
        POOR.y,
        POOR.mask,
        Predictions(POOR.probability, POOR.decision),
        Predictions(turned.probability, turned.decision),
        turned.groups,
        turned.label_ids,
        seed=0,
    )
    assert found.found.is_better
    assert repr(found.by_labels_of_a) == repr(expected)
    assert expected.is_worse
    assert found.notes[1:] == (
        f"by the labels of topics/1 it comes out otherwise: {expected.verdict}",
    )
    data = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert data["verdict_by_labels_of_a"] == expected.verdict


def test_without_relabelled_posts_there_is_one_truth(compared, tmp_path):
    found = compared(held_out=GOOD, output=tmp_path / "c.json")
    assert (found.n_relabelled, found.by_labels_of_a) == (0, None)
    assert json.loads((tmp_path / "c.json").read_text("utf-8"))["verdict_by_labels_of_a"] is None


def test_labels_of_one_run_only_are_named_and_not_compared(compared):
    found = compared(held_out=said(wrong_every=10, labels=("peace", "victory")), codebook="1.1.0")
    assert [label.label_id for label in found.found.labels] == ["peace"]
    assert (found.only_a, found.only_b) == (("war",), ("victory",))
    assert found.notes[2:] == (
        "their codebooks differ (1.0.0 and 1.1.0), and so may what a label means",
        "only in topics/1, not compared: war",
        "only in topics/2, not compared: victory",
    )


def test_runs_without_a_common_label_or_post_cannot_be_compared(compared, workspace, tmp_path):
    with pytest.raises(ModelError, match=r"topics/1, topics/2: the runs share no label"):
        compared(held_out=said(wrong_every=10, labels=("victory",)))
    register_version(workspace, tmp_path / "three", held_out=said(wrong_every=10, start=500))
    with pytest.raises(ModelError, match=r"no post in common.*same frozen test set"):
        compare(A, "models:/topics/3", workspace=workspace)


def test_a_run_that_kept_no_predictions_is_named(compared):
    with pytest.raises(ModelError, match=r"topics/2: kept no held-out predictions.*Train it again"):
        compared()


def test_figures_are_written_as_csv_one_row_each(compared, tmp_path):
    found = compared(held_out=GOOD, output=tmp_path / "c.csv")
    macro, micro, mean, war, peace = csv.DictReader((tmp_path / "c.csv").read_text().splitlines())
    assert [row["figure"] for row in (macro, micro, mean)] == [
        "macro_f1",
        "micro_f1",
        "mean_average_precision",
    ]
    assert float(macro["difference"]) == pytest.approx(
        found.found.macro_f1.difference.value, abs=1e-4
    )
    assert (war["figure"], war["label_id"], war["n_positive"]) == ("f1", "war", "30")
    assert peace["label_id"] == "peace"


def test_figures_are_written_as_json_with_the_verdict(compared, tmp_path):
    y = np.zeros_like(GOOD.y)
    y[:, 0] = GOOD.y[:, 0]
    found = compared(held_out=replace(GOOD, y=y), output=tmp_path / "c.json")
    data = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert (data["a"], data["b"], data["n_posts"]) == ("topics/1", "topics/2", 90)
    assert (data["verdict"], data["is_better"]) == (found.found.verdict, True)
    assert data["figures"][4]["label_id"] == "peace"
    assert data["figures"][4]["difference"] is None


def test_an_output_is_checked_before_the_work(workspace, tmp_path):
    with pytest.raises(UsageError, match=r"names no format.*\.csv or \.json"):
        compare(A, A, workspace=workspace, output=tmp_path / "c.txt")
    (tmp_path / "c.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        compare(A, A, workspace=workspace, output=tmp_path / "c.csv")


def test_runs_of_a_copied_workspace_are_compared_there(workspace, template, tmp_path):
    register_version(workspace, tmp_path / "two", held_out=GOOD)
    copy = Workspace(tmp_path / "copy", Config(), is_set_up=True)
    shutil.copytree(workspace.root, copy.root)
    shutil.rmtree(workspace.root)
    assert compare(A, B, workspace=copy).found.is_better
