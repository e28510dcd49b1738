"""From no annotated post to a few: the bundled sample, by an encoder without weights."""

import io
import json
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from narraframe.config import Workspace, find_workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import TooFewError
from narraframe.io.annotations import write_annotations
from narraframe.io.blocks import cut_into_blocks
from narraframe.io.codebook import read_codebook
from narraframe.io.scores import read_scores
from narraframe.records import Codebook, Scores
from narraframe.workflows import embedding, scorer
from narraframe.workflows.block_contents import look_into, read_before
from narraframe.workflows.block_scoring import ScoringTask, run_folder
from narraframe.workflows.evaluate import evaluate
from narraframe.workflows.ingest import ingest
from narraframe.workflows.init import init
from narraframe.workflows.labelled import annotations_in
from narraframe.workflows.pyfunc_model import NarraframeModel
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.score import Extras, score
from narraframe.workflows.score_notes import score_notes
from narraframe.workflows.scored_window import Tally
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.train import Trained, train_experiment, train_labelled
from narraframe.workflows.watch import Silent

EXPERIMENT = """
purpose = "How few will do?"
model = "few"
[data]
posts = "data/posts.parquet"
codebook = "labels/codebook.toml"
annotations = "labels/annotations"
[heads]
min_positive = 5
{heads}
[split]
folds = 3
resamples = 20
"""
QUIET = {"options": ReadOptions(), "watch": Silent()}


@dataclass(frozen=True)
class Study:
    """A workspace of the sample whose posts have been ingested, and its annotations."""

    workspace: Workspace
    codebook: Codebook
    annotations: tuple

    def train(self, n: int, *, heads: str = "") -> Trained:
        """Train on the annotations of `n` posts, drawn at random: more of them hold the fewer."""
        ids = sorted({row.post_id for row in self.annotations})
        kept = {ids[i] for i in np.random.default_rng(0).permutation(len(ids))[:n]}
        path = self.workspace.root / "labels/annotations/a.csv"
        path.unlink(missing_ok=True)
        path.with_suffix(".provenance.toml").unlink(missing_ok=True)
        rows = [row for row in self.annotations if row.post_id in kept]
        if rows:
            write_annotations(path, rows, provenance={}, force=True)
        toml = self.workspace.root / "experiments/few.toml"
        toml.write_text(EXPERIMENT.format(heads=heads), "utf-8")
        return train_experiment(toml, workspace=self.workspace, **QUIET)

    def open(self, trained: Trained) -> Scorer:
        return open_registered(trained.model, workspace=self.workspace, watch=Silent())

    @property
    def posts(self) -> list:
        path = str(self.workspace.root / "data/posts.parquet")
        return [p for p in read_ready([path], **QUIET).posts if p.model_text]

    def score(self, trained: Trained) -> Scores:
        return self.open(trained).score(self.posts)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("few") / "study"
    init(root)
    workspace = find_workspace(root, given=root)
    sample = files("narraframe.sample")
    with pytest.MonkeyPatch.context() as patch:
        for room in (embedding, scorer):
            patch.setattr(room, "load_encoder", lambda _name, **_: HashingEncoder())
        with as_file(sample.joinpath("result.json")) as export:
            output = root / "data/posts.parquet"
            ingest([str(export)], output=output, force=False, **QUIET)
        codebook = read_codebook(workspace.codebook)
        with as_file(sample.joinpath("annotations")) as folder:
            annotations = annotations_in(folder, codebook)
        yield Study(workspace, codebook, tuple(annotations))


@pytest.fixture(scope="module")
def cold(study):
    return study.train(0)


@pytest.fixture(scope="module")
def mixed(study):
    trained = study.train(40)
    # the card of a later training takes its place
    (study.workspace.root / "mixed.md").write_bytes(Path(trained.card).read_bytes())
    return trained


@pytest.fixture(scope="module")
def before(study, cold):
    return study.score(cold)


@pytest.mark.parametrize("n", [2, 9])
def test_a_few_posts_of_which_nothing_is_learnt_leave_the_model_of_the_codebook(
    study, cold, before, n
):
    trained = study.train(n)
    assert study.score(trained).probability.tobytes() == before.probability.tobytes()
    notes = " ".join(trained.notes)
    assert "likeness to the codebook, neither calibrated nor measured" in notes
    missing = {
        2: "too few distinct posts to measure a model",
        9: "each needs at least 5 posts with it, as many without",
    }
    assert missing[n] in notes
    assert missing[n] in Path(trained.card).read_text("utf-8").replace("\n", " ")
    assert trained.quality.n_posts == 0
    seen = study.open(trained).bundle.seen
    np.testing.assert_array_equal(seen, study.open(cold).bundle.seen)


def test_with_more_posts_each_label_keeps_a_score_and_the_codebook_s_own_is_the_same(
    study, before, mixed
):
    found = study.score(mixed)
    assert np.isfinite(before.probability).all()
    assert np.isfinite(found.probability).all()
    classifier = mixed.fitted.classifier
    fallen = classifier.from_codebook
    assert 5 < fallen.sum() < 36
    ids = found.label_ids
    stance = study.codebook.facet_label_ids("stance")
    # a parent follows its children, and an answer of one stance its rivals
    same = [
        j
        for j, label_id in enumerate(ids)
        if fallen[j]
        and label_id not in stance
        and all(fallen[ids.index(child)] for child in study.codebook.children(label_id))
    ]
    assert len(same) > 5
    np.testing.assert_array_equal(found.probability[:, same], before.probability[:, same])
    np.testing.assert_array_equal(found.decision[:, same], before.decision[:, same])


def test_ten_posts_give_each_label_a_score(study, before):
    trained = study.train(10)
    found = study.score(trained)
    classifier = trained.fitted.classifier
    assert 0 < sum(why == "" for why in classifier.reasons) < 5
    assert np.isfinite(found.probability).all()
    j = found.label_ids.index("order.multipolarity")
    np.testing.assert_array_equal(found.probability[:, j], before.probability[:, j])


def test_parents_and_choices_hold_in_a_mixed_model(study, mixed):
    found = study.score(mixed)
    column = {label_id: j for j, label_id in enumerate(found.label_ids)}
    for label in study.codebook.labels:
        if label.parent:
            child, parent = column[label.label_id], column[label.parent]
            assert (found.probability[:, parent] >= found.probability[:, child]).all()
            assert (found.decision[:, parent] >= found.decision[:, child]).all()
    stances = [column[label_id] for label_id in study.codebook.facet_label_ids("stance")]
    assert (found.decision[:, stances].sum(axis=1) <= 1).all()
    assert (found.probability[:, stances].sum(axis=1) <= 1 + 1e-5).all()


def test_the_figures_count_what_the_codebook_says_of_each_fold(mixed):
    held_out = mixed.fitted.measured.held_out
    fallen = mixed.fitted.classifier.from_codebook
    assert np.isfinite(held_out.probability).all()
    assert held_out.decision[:, fallen].any()


def test_notes_and_card_say_which_labels_are_from_the_codebook_and_why(study, mixed):
    classifier = mixed.fitted.classifier
    ids = [
        i for i, is_so in zip(classifier.label_ids, classifier.from_codebook, strict=True) if is_so
    ]
    said = f"from the codebook, not calibrated (too few positives): {', '.join(ids)}"
    raised = "at least as probable as such a label below, so not calibrated: "
    assert said in mixed.notes
    assert not any(note.startswith("not learnt") for note in mixed.notes)
    (above,) = (note for note in mixed.notes if note.startswith(raised))
    trained = {
        i for i, why in zip(classifier.label_ids, classifier.reasons, strict=True) if not why
    }
    expected = {
        label.parent for label in study.codebook.labels if label.label_id in ids and label.parent
    }
    assert set(above.removeprefix(raised).split(", ")) == expected & trained
    assert said[1:] in (study.workspace.root / "mixed.md").read_text("utf-8")
    assert mixed.notes == study.open(mixed).bundle.record.notes
    notes = score_notes(Tally(n_posts=1), study.open(mixed).classifier)
    assert said in notes


def test_the_table_the_blocks_and_mlflow_s_model_give_the_same_scores(study, mixed, tmp_path):
    uri = f"models:/few/{mixed.model.version}"
    source, output = str(study.workspace.root / "data/posts.parquet"), tmp_path / "scores.parquet"
    score(
        [source],
        output=output,
        stdout=io.StringIO(),
        model_uri=uri,
        workspace=study.workspace,
        force=False,
        extras=Extras(evidence=True),
        **QUIET,
    )
    posts, expected = study.posts, study.score(mixed)
    table = read_scores(output)
    rows = [table.post_ids.index(post.post_id) for post in posts]
    assert table.label_ids == expected.label_ids
    np.testing.assert_array_equal(table.probability[rows], expected.probability)
    np.testing.assert_array_equal(table.decision[rows], expected.decision)
    np.testing.assert_array_equal(table.thresholds, np.float32(expected.thresholds))

    task = ScoringTask(
        folder=tmp_path / "run",
        title=mixed.model.title,
        encoder=study.workspace.config.encoder,
        options=ReadOptions(),
        evidence=True,
        drift=False,
    )
    blocks = cut_into_blocks([source], n_blocks=3, fewest=1)
    contents = [look_into(block, task.options) for block in blocks]
    with run_folder(task.folder, model=mixed.model.folder):
        opened = task.open_scorer()
        for number, again in enumerate(read_before(contents)):
            task.score(opened, blocks[number], number=number, again=again)
    parts = [pq.read_table(path) for path in sorted(task.folder.glob("part-*.parquet"))]
    assert pa.concat_tables(parts).equals(pq.read_table(output).replace_schema_metadata(None))
    explained = pq.read_table(output).to_pylist()
    fallen = {
        i for i, ok in zip(expected.label_ids, opened.classifier.from_codebook, strict=True) if ok
    }
    assert any(row["evidence"] for row in explained if row["label_id"] in fallen)

    served = NarraframeModel()
    served.load_context(SimpleNamespace(artifacts={"bundle": mixed.model.folder}))
    answer = served.predict(None, pd.DataFrame({"text": [post.text for post in posts]}))
    np.testing.assert_allclose(
        answer.to_numpy(dtype=np.float64), expected.probability.astype(np.float64), atol=1e-7
    )


def test_a_mixed_model_is_evaluated_on_new_posts(study, mixed, tmp_path):
    texts = {"nato": "The alliance moves its bases closer to our borders year after year."}
    rows = [{"id": i, "text": text, "labels": ["security.nato"]} for i, text in texts.items()]
    path = tmp_path / "new.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = evaluate(
        f"models:/few/{mixed.model.version}",
        [str(path)],
        output=None,
        workspace=study.workspace,
        force=False,
        **QUIET,
    )
    assert found.quality.n_posts == 1
    assert any(note.startswith("from the codebook, not calibrated") for note in found.notes)


def test_a_model_of_words_alone_takes_the_codebook_for_what_it_cannot_learn(study, before):
    trained = study.train(40, heads='features = ["words"]')
    classifier = trained.fitted.classifier
    assert classifier.settings.features == ("words", "definitions")
    found = study.score(trained)
    assert np.isfinite(found.probability).all()
    j = found.label_ids.index("order.multipolarity")
    assert classifier.from_codebook[j]
    np.testing.assert_array_equal(found.probability[:, j], before.probability[:, j])


def test_a_codebook_made_of_labels_says_nothing_so_nothing_falls_back(study, tmp_path):
    words = {"trade": ["ship", "port", "cargo", "tariff"], "weather": ["rain", "storm", "cloud"]}
    rng = np.random.default_rng(0)
    rows = [
        {
            "id": f"{topic}{i}",
            "text": " ".join([*rng.choice(own, 4), *map(str, rng.integers(0, 900, 8))]),
            "labels": [topic, "rare"] if topic == "trade" and i == 0 else [topic],
        }
        for topic, own in words.items()
        for i in range(20)
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    trained = train_labelled([str(path)], name="given", workspace=study.workspace, **QUIET)
    classifier = trained.fitted.classifier
    assert classifier.label_ids == ("trade", "weather", "rare")
    assert not classifier.from_codebook.any()
    assert "not learnt (too few positives): rare" in trained.notes
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]), "utf-8")
    with pytest.raises(TooFewError, match="too few distinct posts to measure a model"):
        train_labelled([str(path)], name="given", workspace=study.workspace, **QUIET)
