"""A model whose encoder was tuned, from training to scores: the real encoder, and few steps."""

import json
import random
import shutil
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest

from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import EncoderError, ModelError
from narraframe.io.models import load_bundle
from narraframe.io.registry import find_model
from narraframe.records import Post
from narraframe.workflows import embedding, scorer
from narraframe.workflows.evaluate import evaluate
from narraframe.workflows.evidence import explain
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.scorer import open_folder
from narraframe.workflows.train import train_experiment
from narraframe.workflows.watch import Silent

pytestmark = pytest.mark.usefixtures("one_thread")
TOPICS = {
    "Sea trade": ("harbour", "ship", "cargo", "crane", "port", "vessel"),
    "Football": ("goal", "match", "striker", "league", "keeper", "stadium"),
}
COMMON = ("the", "a", "of", "in", "today", "people", "said", "again", "after", "many")
EXPERIMENT = """purpose = "Test"
model = "topics"
[data]
posts = "posts.jsonl"
labelled = true
[heads]
features = ["words", "tuned"]
tune_layers = 1
tune_steps = 2
[split]
folds = 2
inner_folds = 2
resamples = 20
test = 0.2
"""
N_TUNINGS = 2 * 2 + 2  # two folds to measure by, then the model; each is tuned twice


class Stages(Silent):
    def __init__(self):
        super().__init__()
        self.names = []

    def stage(self, name, *, total=None, unit="posts"):
        self.names.append(name)
        return super().stage(name, total=total, unit=unit)


def records(n, *, seed):
    rng = random.Random(seed)
    made = []
    for i in range(n):
        topic = [*TOPICS][i % 2]
        words = [rng.choice(TOPICS[topic] if j % 3 == 0 else COMMON) for j in range(12)]
        made.append({"id": f"{seed}-{i}", "text": " ".join(words), "lang": "en", "labels": [topic]})
    return made


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("all-MiniLM-L6-v2")


@pytest.fixture(scope="module", autouse=True)
def _loaded_once(encoder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "load_encoder", lambda _name, **_: encoder)
        patch.setattr(scorer, "load_encoder", lambda _name, **_: encoder)
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("workspace"), Config(), is_set_up=True)


@pytest.fixture(scope="module")
def watch():
    return Stages()


@pytest.fixture(scope="module")
def trained(workspace, watch):
    lines(workspace.root / "posts.jsonl", records(50, seed=1))
    path = workspace.root / "experiment.toml"
    path.write_text(EXPERIMENT, "utf-8")
    return train_experiment(path, options=ReadOptions(), workspace=workspace, watch=watch)


@pytest.fixture(scope="module")
def opened(trained):
    return open_folder(trained.model.folder)


@pytest.fixture(scope="module")
def posts():
    return [Post(post_id=row["id"], text=row["text"]) for row in records(6, seed=2)]


def test_training_says_that_the_encoder_was_tuned_on_how_many_posts_and_how_long(trained, watch):
    [note] = [note for note in trained.notes if "tuned" in note]
    assert note.startswith(
        "the last 1 of the encoder's 6 layers were tuned on pairs of 40 posts, 2 times, each "
        f"without one fold; with those for the figures, {N_TUNINGS} tunings took "
    )
    assert note[1:] in trained.card.read_text("utf-8")
    assert "tune = pairs, tune_layers = 1, tune_steps = 2" in trained.card.read_text("utf-8")
    assert "read for tuning" in watch.names


def test_a_run_names_how_the_encoder_was_tuned(trained, workspace):
    find_model(workspace.store, "models:/topics@challenger")
    params = mlflow.get_run(trained.model.run_id).data.params
    assert params["heads.features"] == "words; tuned"
    assert [params[f"heads.{key}"] for key in ("tune", "tune_layers", "tune_steps")] == [
        "pairs",
        "1",
        "2",
    ]


def test_the_frozen_test_set_is_scored_by_the_tuned_encoder(trained, opened):
    test = trained.fitted.test
    assert len(test.held_out.post_ids) == 10
    rows = {row["id"]: row["text"] for row in records(50, seed=1)}
    again = opened.score([Post(post_id=i, text=rows[i]) for i in test.held_out.post_ids])
    np.testing.assert_allclose(again.probability, test.held_out.probability, atol=1e-5)


def test_a_copied_model_scores_the_same_in_a_process_of_its_own(trained, opened, posts, tmp_path):
    folder = tmp_path / "elsewhere"
    shutil.copytree(trained.model.folder, folder)
    program = (
        "import sys; from pathlib import Path; from narraframe.records import Post; "
        "from narraframe.workflows.scorer import open_folder; "
        "texts = sys.argv[2:]; scorer = open_folder(Path(sys.argv[1])); "
        "posts = [Post(post_id=str(i), text=text) for i, text in enumerate(texts)]; "
        "print(scorer.score(posts).probability.tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), *(post.text for post in posts)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == opened.score(posts).probability.tobytes().hex()


def test_the_folder_holds_data_only_and_its_digest_covers_the_tuning(trained):
    bundle = load_bundle(trained.model.folder)
    assert not {p.suffix for p in trained.model.folder.rglob("*")} & {".pkl", ".pt", ".bin"}
    weights = bundle.parts["views"][1]["tuned"][0]["weights"]
    name = next(iter(weights))
    before = bundle.digest
    weights[name] = weights[name] + np.float16(0.5)
    bundle.__dict__.pop("digest")  # it is remembered
    assert bundle.digest != before


def test_a_score_does_not_depend_on_the_posts_beside_it(opened, posts):
    together = opened.score(posts).probability
    alone = np.vstack([opened.score([post]).probability for post in posts])
    assert together.tobytes() == alone.tobytes()


def test_mlflow_serves_the_probabilities_of_the_tuned_model(opened, posts, workspace):
    find_model(workspace.store, "models:/topics@challenger")
    served = mlflow.pyfunc.load_model("models:/topics@challenger").predict(
        pd.DataFrame({"text": [post.text for post in posts]})
    )
    np.testing.assert_array_equal(served.to_numpy(np.float32), opened.score(posts).probability)


def test_the_tuned_model_is_evaluated_and_gives_evidence(opened, posts, workspace, tmp_path):
    found = evaluate(
        "models:/topics@challenger",
        [str(lines(tmp_path / "held_out.jsonl", records(8, seed=3)))],
        output=None,
        options=ReadOptions(),
        workspace=workspace,
        force=False,
        watch=Silent(),
    )
    assert found.quality.n_posts == 8
    scores = opened.score(posts)
    evidence = [*explain(opened, posts, scores)]
    assert {(e.post_id, e.label_id) for e in evidence} == {
        (scores.post_ids[i], scores.label_ids[j]) for i, j in np.argwhere(scores.decision)
    }


def test_an_encoder_that_cannot_be_tuned_is_one_clear_error(workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(embedding, "load_encoder", lambda _name, **_: HashingEncoder())
    lines(tmp_path / "posts.jsonl", records(12, seed=1))
    (tmp_path / "x.toml").write_text(EXPERIMENT, "utf-8")
    with pytest.raises(EncoderError, match=r'cannot be tuned.*Leave "tuned" out'):
        train_experiment(
            tmp_path / "x.toml",
            options=ReadOptions(),
            workspace=Workspace(tmp_path, Config(), is_set_up=True),
            watch=Silent(),
        )


def test_weights_that_were_exchanged_are_an_error(trained, monkeypatch):
    def load(parts):
        weights = parts["views"][1]["tuned"][0]["weights"]
        weights.pop(next(iter(weights)))
        return scorer_from_parts(parts)

    scorer_from_parts = scorer.from_parts
    monkeypatch.setattr(scorer, "from_parts", load)
    with pytest.raises(ModelError, match="do not fit the encoder"):
        open_folder(trained.model.folder)
