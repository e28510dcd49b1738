"""Every experiment has its results and its card, and experiments/README.md says what they say."""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest

from narraframe.config import Experiment, load
from narraframe.metrics.quality import measure
from narraframe.workflows.results import results_csv

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))
README = (ROOT / "experiments/README.md").read_text("utf-8")
ROWS = {
    cells[0]: cells
    for line in README.splitlines()
    if line.startswith("| [")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
OVERALL = ("(micro)", "(macro)")


def name_of(path):
    return path.stem


def table_of(model):
    text = (ROOT / f"experiments/results/{model}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def card_of(model):
    return (ROOT / f"models/cards/{model}.md").read_text("utf-8")


def columns():
    y = np.array([[0], [1], [1]], dtype=np.int8)
    quality = measure(
        y,
        np.ones_like(y, dtype=bool),
        y.astype(np.float32),
        y == 1,
        [0, 1, 2],
        ["a"],
        np.array([0.5]),
        how="by hand",
        seed=0,
        n_resamples=0,
    )
    return results_csv(quality).splitlines()[0].split(",")


def mean_of(rows, name):
    return np.mean([float(row[name]) for row in rows if row[name]])


def shown(value, digits):
    return f"{value:.{digits}f}".removeprefix("0")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_an_experiment_is_named_after_its_model(path):
    assert load(Experiment, path).model == path.stem


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_every_experiment_has_its_results(path):
    rows = table_of(path.stem)
    assert list(rows[0]) == columns()
    assert tuple(row["label_id"] for row in rows[-2:]) == OVERALL
    macro = mean_of(rows[:-2], "f1")
    assert math.isclose(float(rows[-1]["f1"]), macro, abs_tol=1e-4)
    for row in rows:
        assert not row["f1_low"] or float(row["f1_low"]) <= float(row["f1_high"])


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_the_card_answers_the_experiment_as_it_stands(path):
    experiment, card = load(Experiment, path), card_of(path.stem)
    assert card.startswith(f"# {path.stem}/")
    assert f"- Purpose: {experiment.purpose}\n" in card
    assert f"- Source: {experiment.data.posts}\n" in card


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_what_is_committed_names_no_folder_of_a_machine(path):
    absolute = re.compile(r"(?<![\w.])/\w+/|[A-Z]:\\")
    assert not absolute.search(card_of(path.stem))
    assert not absolute.search((ROOT / f"experiments/results/{path.stem}.csv").read_text("utf-8"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_the_readme_shows_the_figures_of_the_tables(path):
    rows, card = table_of(path.stem), card_of(path.stem)
    labels, (micro, macro) = rows[:-2], rows[-2:]
    measured = sum(1 for row in labels if row["f1"])
    of_all = str(measured) if measured == len(labels) else f"{measured} of {len(labels)}"
    posts = re.search(r"^- .+: ([\d,]+) posts$", card.split("## Quality")[1], flags=re.M)
    error = re.search(r"expected calibration error: ([\d.]+)", card)
    assert ROWS[f"[{path.stem}]({path.name})"][1:7] == [
        posts[1],
        of_all,
        shown(float(micro["f1"]), 3),
        shown(float(macro["f1"]), 3),
        shown(mean_of(labels, "average_precision"), 3),
        shown(float(error[1]), 3),
    ]


def test_the_readme_and_the_results_know_no_other_experiments():
    stems = {path.stem for path in EXPERIMENTS}
    assert {path.stem for path in (ROOT / "experiments/results").glob("*.csv")} == stems
    assert {re.match(r"\[(.+)\]\(\1\.toml\)", cell)[1] for cell in ROWS} == stems
