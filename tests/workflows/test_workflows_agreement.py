"""narraframe agreement: from a workspace to figures, words and files."""

import csv
import json
import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from narraframe.cli.agreement import agreement as command
from narraframe.config import find_workspace
from narraframe.errors import OutputError, TableError, UsageError
from narraframe.io.annotations import read_annotations, write_annotations
from narraframe.io.codebook import read_codebook
from narraframe.workflows.agreement import HEADER, agreement
from narraframe.workflows.agreement_text import sections
from narraframe.workflows.watch import Silent

SAMPLE = Path(str(files("narraframe.sample")))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A workspace with the annotations of the bundled sample: two annotators."""
    root = tmp_path_factory.mktemp("agreement")
    (root / "labels").mkdir()
    (root / "narraframe.toml").write_text("")
    shutil.copy(SAMPLE / "codebook.toml", root / "labels")
    shutil.copytree(SAMPLE / "annotations", root / "labels/annotations")
    return root


def measure(root, output=None, *, force=False):
    workspace = find_workspace(root, given=root)
    return agreement(output=output, workspace=workspace, force=force, watch=Silent())


def rewrite(root, target, change):
    """Copy a workspace, `change` applied to its annotations."""
    shutil.copytree(root, target)
    folder = target / "labels/annotations"
    rows = read_annotations(folder, read_codebook(target / "labels/codebook.toml"))
    shutil.rmtree(folder)
    write_annotations(folder / "a.csv", change(rows), provenance={}, force=False)
    return target


def text(found):
    lines = []
    for section in sections(found.agreement, found.disputes, found.preannotation):
        lines += [section.title, *(" ".join(row) for row in section.rows), *section.notes]
    return "\n".join(lines)


def test_the_sample_shows_which_labels_need_work(sample):
    found = measure(sample)
    shown = text(found)
    assert shown.startswith("275 posts by 2 annotators (ann-01, ann-02), 275 by two or more")
    assert [label.label_id for label in found.agreement.needs_work] == [
        "frame.political",
        "frame.external_regulation",
    ]
    assert "frame.political: alpha 0.16 [0.00, 0.32]; of 39 disagreements ann-02 alone" in shown
    assert "None was shown to any annotator." in shown
    assert f"Posts in dispute: {len(found.disputes.disputes)} of 275" in shown


def test_the_table_holds_every_figure_once(sample, tmp_path):
    output = tmp_path / "agreement.csv"
    found = measure(sample, output)
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HEADER
    keys = [(r["about"], r["id"], r["annotators"], r["measure"]) for r in rows]
    assert len(set(keys)) == len(keys)
    k, f = len(found.codebook.labels), len(found.codebook.facets)
    assert len(rows) == f + 2 * k + f + k
    alphas = {r["id"]: r for r in rows if r["about"] == "label" and r["measure"] == "alpha"}
    for label in found.agreement.labels:
        assert float(alphas[label.label_id]["value"]) == pytest.approx(label.alpha.value, abs=1e-6)
        assert alphas[label.label_id]["note"] == label.verdict


def test_json_holds_everything_and_no_nan(sample, tmp_path):
    output = tmp_path / "agreement.json"
    alone = rewrite(
        sample, tmp_path / "ws", lambda rows: [r for r in rows if r.annotator[-1] == "1"]
    )
    for root in (sample, alone):
        found = measure(root, output, force=True)
        document = json.loads(output.read_text(), parse_constant=pytest.fail)
        assert len(document["disputes"]["disputes"]) == len(found.disputes.disputes)
        assert len(document["agreement"]["labels"]) == len(found.codebook.labels)


def test_markdown_has_a_table_for_each_section(sample, tmp_path):
    output = tmp_path / "agreement.md"
    measure(sample, output)
    lines = output.read_text().splitlines()
    assert lines[0] == "# Agreement"
    assert "| facet | posts | alpha | distance |" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_one_annotator_is_told_that_two_are_needed(sample, tmp_path):
    root = rewrite(
        sample, tmp_path / "ws", lambda rows: [r for r in rows if r.annotator[-1] == "1"]
    )
    assert "No post was answered by two annotators" in text(measure(root))


def test_acceptance_and_anchoring_are_told_in_words(sample, tmp_path):
    def shown(rows):
        kinds = {p: i % 3 for i, p in enumerate(sorted({r.post_id for r in rows}))}
        origins = {0: "blind", 1: "accepted", 2: "changed"}
        return [replace(r, origin=origins[kinds[r.post_id]]) for r in rows]

    said = text(measure(rewrite(sample, tmp_path / "ws", shown)))
    assert "all facets 1,098 552" in said
    assert "183 posts with pre-annotations shown, 92 with them held back" in said
    assert "cannot be told from none: 92 blind posts." in said


def test_without_blind_posts_anchoring_cannot_be_told(sample, tmp_path):
    root = rewrite(
        sample, tmp_path / "ws", lambda rows: [replace(r, origin="accepted") for r in rows]
    )
    assert "Cannot be told" in text(measure(root))


def test_a_workspace_without_annotations_says_how_to_get_them(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "ws", ignore=shutil.ignore_patterns("annotations"))
    with pytest.raises(TableError, match=r"no annotations.*narraframe pull"):
        measure(tmp_path / "ws")


def test_an_output_is_checked_before_the_work(sample, tmp_path):
    with pytest.raises(UsageError, match="names no format"):
        measure(sample, tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        measure(sample, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_the_command_reads_well_at_eighty_columns(sample):
    shown = CliRunner().invoke(
        command, ["--workspace", str(sample)], env={"COLUMNS": "80"}, catch_exceptions=False
    )
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    assert "  frame        275  0.49 [0.44, 0.55]  MASI, sets of labels\n" in shown.output
