import tomllib

import pytest

from narraframe.config import Config, Experiment, LabelStudioSettings, find_workspace, load
from narraframe.errors import OutputError
from narraframe.io.codebook import read_codebook
from narraframe.workflows.init import init


def test_init_lays_out_a_workspace_that_is_sound(tmp_path):
    written = init(tmp_path / "study", model="topics")
    root = tmp_path / "study"
    assert {path.relative_to(root).as_posix() for path in written} == {
        "labels/codebook.toml",
        "labels/guidelines.md",
        "labels/label_studio.xml",
        "experiments/topics.toml",
        ".gitignore",
        "narraframe.toml",
    }
    workspace = find_workspace(root)
    assert workspace.is_set_up
    titled = LabelStudioSettings(project="study")
    assert workspace.config == Config(labelstudio=titled)
    experiment = load(Experiment, root / "experiments/topics.toml")
    assert experiment.model == "topics"
    assert root / experiment.data.codebook == workspace.codebook
    assert len(read_codebook(workspace.codebook).leaf_ids) > 10
    assert (root / experiment.data.annotations).is_dir()


def test_init_keeps_posts_and_models_out_of_git(tmp_path):
    init(tmp_path)
    assert (tmp_path / ".gitignore").read_text().split() == [
        "data/",
        "reports/",
        "models/store/",
        ".labelstudio/",
    ]


def test_init_replaces_nothing(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/codebook.toml").write_text("mine")
    written = {path.name for path in init(tmp_path)}
    # nor is there a labelling page, which would be of another codebook
    assert not written & {"codebook.toml", "label_studio.xml"}
    assert (tmp_path / "labels/codebook.toml").read_text() == "mine"
    with pytest.raises(OutputError, match="is a workspace already"):
        init(tmp_path)


def test_init_says_what_stands_in_its_way(tmp_path):
    (tmp_path / "study").write_text("a file")
    with pytest.raises(OutputError, match=r"study"):
        init(tmp_path / "study")


def test_the_settings_that_init_writes_name_every_key_it_shows(tmp_path):
    init(tmp_path / "study")
    shown = tomllib.loads((tmp_path / "study/narraframe.toml").read_text("utf-8"))
    assert shown == {
        "encoder": {"name": Config().encoder.name},
        "themes": {"engine": "hdbscan", "granularity": 0.0, "min_cluster_size": 0, "seed": 0},
        "labelstudio": {"url": "", "project": "study"},
    }


@pytest.mark.parametrize(
    ("folder", "title"),
    [("my-study", "my-study"), ('a"b\\c', "a_b_c"), ("x" * 60, "x" * 36), ("  ", "narraframe")],
)
def test_the_project_on_label_studio_is_called_after_the_folder(tmp_path, folder, title):
    init(tmp_path / folder)
    found = find_workspace(tmp_path, given=tmp_path / folder)
    assert found.config.labelstudio.project == title
