"""Files that must agree with one another."""

import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from narraframe.annotations.labelling_page import labelling_page
from narraframe.cli import options
from narraframe.config import Config, Experiment, load
from narraframe.io.annotations import altered_files, read_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.posts import FORMATS

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "src/narraframe/sample"


def plain_name(requirement):
    return re.split(r"[=<>\[; ]", requirement)[0].lower().replace("_", "-")


@pytest.mark.parametrize("name", ["codebook.toml", "guidelines.md"])
def test_labels_hold_what_init_lays_out(name):
    assert (ROOT / "labels" / name).read_bytes() == (SAMPLE / name).read_bytes()


def test_the_labelling_page_is_the_one_of_the_codebook():
    page = labelling_page(read_codebook(ROOT / "labels/codebook.toml"))
    # to mend it: narraframe codebook config
    assert (ROOT / "labels/label_studio.xml").read_text("utf-8") == page


def test_the_formats_offered_are_the_formats_read():
    assert tuple(options.FORMATS) == tuple(FORMATS)


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {plain_name(line) for line in lock.splitlines() if "==" in line}
    # Spark is large and has a lock of its own
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != "spark"}
    wanted = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    assert {plain_name(name) for name in wanted} - pinned == {"narraframe"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda p: p.name
)
def test_every_experiment_is_sound(path):
    experiment = load(Experiment, path)
    assert (ROOT / experiment.data.codebook).exists()
    assert experiment.purpose.endswith("?")


def test_the_settings_of_the_checkout_are_sound():
    load(Config, ROOT / "narraframe.toml")


def test_the_sample_is_annotated_in_the_terms_of_its_codebook():
    codebook = read_codebook(SAMPLE / "codebook.toml")
    annotations = read_annotations(SAMPLE / "annotations", codebook)
    assert {a.annotator for a in annotations} == {"ann-01", "ann-02"}
    assert altered_files(SAMPLE / "annotations") == ()
    assert {a.label_id for a in annotations} <= {"narrative", "frame", "stance", *codebook.leaf_ids}


def test_every_leaf_of_the_sample_codebook_is_defined_with_an_example():
    codebook = read_codebook(SAMPLE / "codebook.toml")
    leaves = [codebook.by_id[label_id] for label_id in codebook.leaf_ids]
    assert all(x.definition and x.include and x.exclude and x.examples and x.source for x in leaves)
    assert len([x for x in leaves if x.facet_id == "narrative"]) >= 12


def test_the_package_carries_its_sample_and_its_page():
    names = {entry.name for entry in files("narraframe.sample").iterdir()}
    assert {"result.json", "codebook.toml", "guidelines.md", "annotations"} <= names


def test_help_imports_nothing_heavy():
    heavy = ("torch", "mlflow", "pandas", "sklearn", "umap", "pyarrow", "matplotlib")
    program = (
        "import sys; from narraframe.cli import run; run(['score', '--help']); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
