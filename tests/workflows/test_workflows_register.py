"""A registered model stands alone: in a fresh process, in a copied workspace, without pickle."""

import json
import random
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import ModelError
from narraframe.io.models import load_bundle
from narraframe.io.registry import find_model
from narraframe.io.runs import OUT_OF_FOLD, TEST, find_run
from narraframe.io.store import EXPERIMENT, open_store
from narraframe.records import Post
from narraframe.workflows import embedding, scorer
from narraframe.workflows.compare import compare
from narraframe.workflows.promote import promote
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.scorer import open_folder
from narraframe.workflows.train import train_experiment, train_labelled
from narraframe.workflows.watch import Silent

TOPICS = {"war": "tank shell front army", "trade": "ship port cargo tariff"}
FRESH = """
import json
import sys
from pathlib import Path

import mlflow
import pandas as pd

from narraframe.embeddings.hashing import HashingEncoder
from narraframe.io.registry import find_model
from narraframe.io.store import open_store
from narraframe.workflows import scorer

scorer.load_encoder = lambda name, **_: HashingEncoder()
store = Path(sys.argv[1])
open_store(store)
found = find_model(store, "models:/topics@champion")
texts = pd.DataFrame({"text": json.loads(sys.argv[2])})
served = mlflow.pyfunc.load_model("models:/topics@champion").predict(texts)
print(json.dumps({"folder": str(found.folder), "p": served.to_numpy().tolist()}))
"""
EXPERIMENT_TOML = """
purpose = "Can it be told?"
model = "topics"
[data]
posts = "posts.jsonl"
labelled = true
[heads]
features = ["embedding", "words"]
[grid]
head = ["ridge", "logistic"]
[split]
folds = 3
inner_folds = 2
also = ["channel"]
test = 0.2
resamples = 20
"""
TEXTS = ["tank and shell at the front", "a cargo ship leaves the port"]


def records(n: int) -> list[dict]:
    rng = random.Random(0)
    common = ("the", "a", "of", "in", "on", "today", "people", "said", "again", "after", "many")
    made = []
    for i in range(n):
        topic = [*TOPICS, None][i % 3]
        own = TOPICS[topic].split() if topic else common
        words = [rng.choice(own if j % 3 == 0 else common) for j in range(24)]
        labels = [topic] if topic else []
        row = {"id": str(i), "text": " ".join(words), "lang": "en", "channel": f"c{i % 7 % 3}"}
        made.append(row | {"labels": labels})
    return made


def lines(n: int) -> str:
    return "".join(json.dumps(row) + "\n" for row in records(n))


@pytest.fixture(scope="module")
def hashing():
    with pytest.MonkeyPatch.context() as patch:
        for module in (embedding, scorer):
            patch.setattr(module, "load_encoder", lambda name, **_: HashingEncoder())
        yield patch


@pytest.fixture(scope="module")
def workspace(hashing, tmp_path_factory):
    """A workspace with the champion topics/1."""
    folder = tmp_path_factory.mktemp("register")
    path = folder / "posts.jsonl"
    path.write_text(lines(60), "utf-8")
    made = Workspace(folder / "workspace", Config(), is_set_up=True)
    train_labelled(
        [str(path)], name="topics", options=ReadOptions(), workspace=made, watch=Silent()
    )
    promote("topics", version=1, workspace=made)
    return made


def in_a_fresh_process(store: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(store), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def here(workspace: Workspace) -> list:
    found = find_model(workspace.store, "models:/topics@champion")
    posts = [Post(post_id=str(i), text=text) for i, text in enumerate(TEXTS)]
    return open_folder(found.folder).score(posts).probability.tolist()


@pytest.mark.slow
def test_the_champion_is_served_in_a_fresh_process_and_on_a_copied_workspace(workspace, tmp_path):
    expected = here(workspace)
    np.testing.assert_allclose(in_a_fresh_process(workspace.store)["p"], expected, atol=1e-6)
    copy = Path(shutil.copytree(workspace.root, tmp_path / "copy")) / "models/store"
    served = in_a_fresh_process(copy)
    assert Path(served["folder"]).is_relative_to(copy)
    np.testing.assert_allclose(served["p"], expected, atol=1e-6)


def test_no_file_of_a_registered_model_is_a_pickle(workspace):
    folder = find_model(workspace.store, "models:/topics@champion").folder.parents[1]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"MLmodel", "parts.skops", "pyfunc_model.py"} <= {path.name for path in files}
    for path in files:
        assert path.suffix not in {".pkl", ".pickle", ".joblib", ".pt", ".bin"}
        assert not path.read_bytes().startswith(b"\x80"), path
        if zipfile.is_zipfile(path):
            inner = zipfile.ZipFile(path)
            assert not any(inner.read(name).startswith(b"\x80") for name in inner.namelist())


def test_a_registered_model_says_what_goes_in_and_what_comes_out(workspace):
    import mlflow

    open_store(workspace.store)
    signature = mlflow.models.get_model_info("models:/topics@champion").signature
    assert signature.inputs.input_names() == ["text"]
    book = load_bundle(find_model(workspace.store, "models:/topics@champion").folder).codebook
    assert signature.outputs.input_names() == [*book.label_ids] == ["trade", "war"]


def test_a_registered_model_refuses_another_encoder(workspace, monkeypatch):
    folder = find_model(workspace.store, "models:/topics@champion").folder
    monkeypatch.setattr(scorer, "load_encoder", lambda name, **_: HashingEncoder(64))
    with pytest.raises(ModelError, match=r"hashing-64@1, but the model was trained with hashing"):
        open_folder(folder)


def test_a_registered_model_refuses_another_codebook(workspace, tmp_path):
    folder = find_model(workspace.store, "models:/topics@champion").folder
    copy = Path(shutil.copytree(folder, tmp_path / "bundle"))
    book = copy / "codebook.toml"
    book.write_text(book.read_text("utf-8").replace('name = "war"', 'name = "peace"'), "utf-8")
    with pytest.raises(ModelError, match=r"codebook\.toml is not the one it was trained with"):
        open_folder(copy)


# --- what a run keeps


@pytest.fixture(scope="module")
def gridded(workspace):
    """Topics/2: of an experiment with a frozen test set, a grid, and another split."""
    (workspace.root / "posts.jsonl").write_text(lines(90), "utf-8")
    path = workspace.root / "topics.toml"
    path.write_text(EXPERIMENT_TOML, "utf-8")
    return train_experiment(path, options=ReadOptions(), workspace=workspace, watch=Silent())


def candidates(workspace: Workspace) -> list:
    client = open_store(workspace.store)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs([experiment.experiment_id], "tags.kind = 'candidate'")


def test_a_run_keeps_predictions_figures_and_the_quality_on_the_test_set(workspace, gridded):
    run = find_run(workspace.store, gridded.model.run_id)
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {
        "held_out.parquet",
        "test.parquet",
        "quality.json",
        "test_quality.json",
        "channel_quality.json",
        "results.csv",
        "codebook.toml",
        "f1_by_label.png",
        "reliability.png",
    }
    test, held_out = run.table(TEST), run.table(OUT_OF_FOLD)
    assert set(test.post_ids).isdisjoint(held_out.post_ids)
    assert len(test.post_ids) + len(held_out.post_ids) == 90
    metrics = open_store(workspace.store).get_run(run.run_id).data.metrics
    assert metrics["macro_f1"] == gridded.quality.macro_f1.value
    assert metrics["test/macro_f1"] == gridded.fitted.test.quality.macro_f1.value
    assert {"channel/micro_f1", "f1/war", "average_precision/trade.low"} <= set(metrics)


def test_a_card_tells_of_the_test_set_the_channels_and_the_other_split(gridded):
    card = gridded.card.read_text("utf-8")
    assert "- On the frozen test set" in card
    assert "- Channels: 3; " in card
    assert "- Annotators: 1, with 100% of the answers" in card
    assert "| 3-fold cross-validation by channel | " in card


def test_candidates_are_nested_runs_and_the_chosen_one_stands_in_the_run(workspace, gridded):
    found = {run.data.params["head"]: run for run in candidates(workspace)}
    assert set(found) == {"ridge", "logistic"}
    parent = open_store(workspace.store).get_run(gridded.model.run_id)
    evidence = {head: run.data.metrics["evidence"] for head, run in found.items()}
    assert evidence[parent.data.params["chosen.head"]] == max(evidence.values())
    for run in found.values():
        assert run.data.tags["mlflow.parentRunId"] == gridded.model.run_id
        assert "macro_f1" in run.data.metrics
    one, other = (run.info.run_id for run in found.values())
    assert compare(one, other[:8], workspace=workspace).found.n_posts == len(
        find_run(workspace.store, one).table(OUT_OF_FOLD).post_ids
    )


def test_a_new_version_leaves_champion_and_history_in_the_registry_file(workspace, gridded):
    text = (workspace.root / "models/registry.toml").read_text("utf-8")
    entry = tomllib.loads(text)["topics"]
    assert (entry["version"], entry["run"]) == (2, gridded.model.run_id)
    assert (entry["champion"], entry["history"]) == (1, [1])
