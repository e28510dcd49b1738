"""An experiment's grid, splits, frozen test set and cold start, on invented posts."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from narraframe.classifiers.classifier import from_parts
from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import ConfigError, TableError, TrainingError
from narraframe.io.annotations import write_annotations
from narraframe.io.models import load_bundle
from narraframe.io.runs import OUT_OF_FOLD, TEST, find_run
from narraframe.records import Annotation
from narraframe.workflows import embedding
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.train import train_experiment
from narraframe.workflows.vectors import label_vectors, needs_encoder, view_vectors
from narraframe.workflows.watch import Silent

TOPICS = {
    "Trade": ("harbour", "ship", "cargo", "crane", "port", "tariff", "vessel", "dock"),
    "Weather": ("rain", "storm", "cloud", "flood", "wind", "snow", "forecast", "thunder"),
}
COMMON = ("the", "a", "of", "in", "on", "today", "people", "said", "again", "after", "many", "new")
CODEBOOK = """
version = "1.0.0"
title = "Topics"

[[facets]]
id = "topic"
name = "Topic"

[[labels]]
id = "trade"
facet = "topic"
name = "Trade"
definition = "harbour ship cargo crane port tariff vessel dock"

[[labels]]
id = "weather"
facet = "topic"
name = "Weather"
definition = "rain storm cloud flood wind snow forecast thunder"
"""


class Encoder(HashingEncoder):
    @property
    def languages(self):
        return frozenset({"en"})


def posts(n: int, *, seed: int = 1) -> list[dict]:
    """Posts of two years and four channels; every third has no label; ten have a near-copy."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        topic = [*TOPICS, None][i % 3]
        own = TOPICS[topic] if topic else COMMON
        text = " ".join(rng.choice(own if j % 3 == 0 else COMMON) for j in range(24))
        made.append(
            {
                "id": f"{seed}-{i}",
                "text": text,
                "lang": "en",
                "labels": [topic] if topic else [],
                "date": f"20{23 + i // (n // 2 + 1)}-{1 + i % 12:02d}-05",
                "channel": f"channel {i % 4}",
            }
        )
    copies = [row | {"id": f"c{row['id']}", "text": row["text"] + " now"} for row in made[:10]]
    return made + copies


@pytest.fixture(autouse=True)
def _encoder(monkeypatch):
    monkeypatch.setattr(embedding, "load_encoder", lambda _name, **_: Encoder())


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path, Config(), is_set_up=True)


def run(workspace, toml: str, *, rows: list[dict] | None = None):
    root = workspace.root
    rows = posts(120) if rows is None else rows
    (root / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    path = root / "experiment.toml"
    path.write_text(f'purpose = "Test"\nmodel = "topics"\n{toml}', "utf-8")
    return train_experiment(path, options=ReadOptions(), workspace=workspace, watch=Silent())


LABELLED = '[data]\nposts = "posts.jsonl"\nlabelled = true\n'


def test_a_grid_is_nested_runs_and_the_choice_is_made_on_training_sides(workspace):
    trained = run(
        workspace,
        LABELLED + '[grid]\nfeatures = [["words"], ["embedding", "words"]]\n'
        'head = ["ridge", "logistic"]\n[split]\nfolds = 3\nresamples = 50\n',
    )
    fitted = trained.fitted
    assert [(c.settings.features, c.settings.head) for c in fitted.candidates] == [
        (("words",), "ridge"),
        (("words",), "logistic"),
        (("embedding", "words"), "ridge"),
        (("embedding", "words"), "logistic"),
    ]
    best = max(fitted.candidates, key=lambda c: c.evidence)
    assert fitted.classifier.settings == best.settings
    record = load_bundle(trained.model.folder).record
    assert tuple(record.experiment["heads"]["features"]) == best.settings.features
    found = find_run(workspace.store, trained.model.run_id).table(OUT_OF_FOLD)
    np.testing.assert_array_equal(found.probability, fitted.measured.held_out.probability)


def test_time_and_channel_are_measured_beside_and_no_copy_is_on_both_sides(workspace):
    trained = run(
        workspace,
        LABELLED + '[split]\nalso = ["time", "channel"]\nsince = "2024-01-01"\nfolds = 3\n'
        "resamples = 50\n",
    )
    by = {m.split: m for m in trained.fitted.others}
    assert set(by) == {"time", "channel"}
    assert by["time"].quality.how == "trained on the past, tested on posts since 2024-01-01"
    # the ten copies are of the past, and so are the posts that they copy
    late = {f"1-{i}" for i in range(61, 120)}
    assert set(by["time"].held_out.post_ids) == late
    assert by["channel"].quality.how == "3-fold cross-validation by channel"
    assert {row.split for row in trained.fitted.leak.rows} == {"group", "time", "channel"}


def test_the_frozen_test_set_is_drawn_once_and_never_taught(workspace):
    toml = LABELLED + "[split]\ntest = 0.2\nfolds = 3\nresamples = 50\n"
    first = run(workspace, toml)
    path = workspace.root / "experiments/frozen/topics.csv"
    drawn = path.read_text("utf-8").splitlines()[1:]
    assert set(first.fitted.test.held_out.post_ids) == set(drawn)
    assert 0.1 < len(drawn) / 130 < 0.3
    assert not set(first.fitted.measured.held_out.post_ids) & set(drawn)
    # more posts, and a copy of a test post: the file stays, and the copy does not teach
    text = {row["id"]: row["text"] for row in posts(120)}[next(i for i in drawn if i[0] == "1")]
    late = {"id": "late", "text": text + " indeed", "labels": ["Trade"], "lang": "en"}
    second = run(workspace, toml, rows=[*posts(120), *posts(30, seed=2), late])
    assert path.read_text("utf-8").splitlines()[1:] == drawn
    assert set(second.fitted.test.held_out.post_ids) == {*drawn, "late"}
    assert find_run(workspace.store, second.model.run_id).table(TEST).post_ids == tuple(
        second.fitted.test.held_out.post_ids
    )


def test_a_frozen_test_set_that_does_not_belong_or_cannot_be_read_is_an_error(workspace):
    toml = LABELLED + "[split]\ntest = 0.2\n"
    path = workspace.root / "experiments/frozen/topics.csv"
    path.parent.mkdir(parents=True)
    path.write_text("post_id\nelsewhere\n", "utf-8")
    with pytest.raises(TrainingError, match="none of the posts of the frozen test set"):
        run(workspace, toml)
    path.write_text("id\nelsewhere\n", "utf-8")
    with pytest.raises(TableError, match="the frozen test set cannot be read"):
        run(workspace, toml)


def test_labels_of_the_records_may_be_cut_to_the_frequent_and_to_labelled_posts(workspace):
    rows = [
        row | {"labels": [*row["labels"], "Rare"]} if i < 12 else row
        for i, row in enumerate(posts(120))
    ]
    toml = (
        '[data]\nposts = "$POSTS_OF_TEST/posts.jsonl"\nlabelled = true\nmost_frequent = 2\n'
        "only_labelled = true\nsample = 60\n[split]\nfolds = 3\nresamples = 50\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSTS_OF_TEST", str(workspace.root))
        trained = run(workspace, toml, rows=rows)
    found = trained.fitted.measured.held_out
    assert set(found.label_ids) == {"trade", "weather"}
    assert len(found.post_ids) == 60
    with pytest.raises(ConfigError, match="a variable of the path is not in the environment"):
        run(workspace, toml, rows=rows)


def test_labels_that_rule_each_other_out_are_offered_and_learnt_as_one_choice(workspace):
    rows = [row | {"labels": row["labels"][:1] or ["weather"]} for row in posts(120)]
    split = "[split]\nfolds = 3\nresamples = 50\n"
    apart = run(workspace, LABELLED + split, rows=rows)
    assert sum("one_label = true" in note for note in apart.notes) == 1
    assert not any("one_label" in note for note in run(workspace, LABELLED + split).notes)
    one = run(workspace, LABELLED.rstrip() + "\none_label = true\n" + split, rows=rows)
    assert not any("one_label" in note for note in one.notes)
    held_out = one.fitted.measured.held_out
    assert (held_out.decision.sum(axis=1) == 1).all()
    assert held_out.probability.sum(axis=1) == pytest.approx(1, abs=3e-6)


def test_abstaining_is_measured_and_kept_in_the_model(workspace):
    trained = run(
        workspace, LABELLED + "[heads]\nabstain = 0.01\n[split]\nfolds = 3\nresamples = 50\n"
    )
    kept = trained.fitted.selective
    assert kept is not None
    assert 0 < kept.coverage.value < 1
    assert kept.with_abstention.error_rate.value <= kept.without.error_rate.value
    model = from_parts(load_bundle(trained.model.folder).parts)
    assert model.heads.abstain == 0.01


def test_the_audit_sample_is_measured_by_itself(workspace):
    root, rows = workspace.root, posts(120)
    (root / "codebook.toml").write_text(CODEBOOK, "utf-8")
    (root / "labels").mkdir()
    answers = [
        Annotation(
            post_id=row["id"],
            annotator="ann-01",
            label_id=label_id,
            value=value,
            codebook_version="1.0.0",
            design="audit" if i < 40 else "active",
        )
        for i, row in enumerate(rows)
        for label_id, value in [
            ("topic", int(bool(row["labels"]))),
            *((name.lower(), 1) for name in row["labels"]),
        ]
    ]
    write_annotations(root / "labels/ann-01.csv", answers, provenance={}, force=False)
    trained = run(
        workspace,
        '[data]\nposts = "posts.jsonl"\ncodebook = "codebook.toml"\nannotations = "labels"\n'
        "[split]\nfolds = 3\nresamples = 50\n",
        rows=[{k: v for k, v in row.items() if k != "labels"} for row in rows],
    )
    (audit,) = trained.fitted.others
    assert audit.quality.how.endswith("by near-duplicate group, on the audit sample alone")
    assert set(audit.held_out.post_ids) == {row["id"] for row in rows[:40]}
    assert trained.quality.n_posts == 130


def test_without_annotations_the_codebook_alone_makes_a_model_that_says_so(workspace):
    (workspace.root / "codebook.toml").write_text(CODEBOOK, "utf-8")
    (workspace.root / "labels").mkdir()
    trained = run(
        workspace,
        '[data]\nposts = "posts.jsonl"\ncodebook = "codebook.toml"\nannotations = "labels"\n',
    )
    assert trained.quality.n_posts == 0
    assert "neither calibrated nor measured" in " ".join(trained.notes)
    bundle = load_bundle(trained.model.folder)
    assert not len(bundle.seen)
    model = from_parts(bundle.parts)
    texts = ["harbour ship cargo port dock", "rain storm cloud flood wind"]
    from narraframe.classifiers.predict import predict

    p = predict(model, {"embedding": Encoder().encode(texts)}, texts).probability
    assert p[0, 0] > 2 * p[0, 1]
    assert p[1, 1] > 2 * p[1, 0]
    assert "neither calibrated nor measured" in Path(trained.card).read_text("utf-8")


def test_sentence_vectors_are_mean_and_greatest_of_the_sentences_each_of_length_one():
    encoder = Encoder()
    text = "Rain again. The ship left the port."
    vectors = view_vectors(["a", "b"], [text, "Rain"], ("sentences",), encoder)["sentences"]
    parts = encoder.encode(["Rain again.", "The ship left the port."])
    mean, most = parts.mean(axis=0), parts.max(axis=0)
    expected = np.hstack([mean / np.linalg.norm(mean), most / np.linalg.norm(most)])
    np.testing.assert_allclose(vectors[0], expected, atol=1e-6)
    alone = encoder.encode(["Rain"])[0]
    np.testing.assert_allclose(vectors[1][:256], alone, atol=1e-6)


def test_a_label_is_the_mean_of_its_name_and_all_that_is_said_of_it():
    from narraframe.io.codebook import parse_codebook

    encoder, book = Encoder(), parse_codebook(CODEBOOK, where="test")
    vectors = label_vectors(book, encoder)
    said = ["Trade", "harbour ship cargo crane port tariff vessel dock"]
    mean = encoder.encode(said).mean(axis=0)
    np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (("words",), False),
        (("words", "characters"), False),
        (("words", "definitions"), True),
        (("embedding",), True),
        (("sentences", "words"), True),
    ],
)
def test_posts_are_embedded_only_where_a_view_needs_vectors(features, expected):
    assert needs_encoder(features) is expected


def test_what_a_split_leaves_out_is_counted_and_a_moment_with_its_zone_is_put_in_utc(
    workspace, recwarn
):
    rows = posts(120)
    rows[60]["date"] = "2023-12-31T23:00:00Z"  # an hour into 2024 at the zone's clock
    rows[61]["date"] = "2023-12-31T21:00:00Z"
    for row in rows[:7]:
        del row["date"]
    for row in rows[20:25]:
        row["channel"] = None
    rows[119]["labels"] = ["Lone"]
    rows[118] |= {"text": rows[117]["text"], "labels": ["Weather"]}
    trained = run(
        workspace,
        LABELLED + '[heads]\nfeatures = ["words"]\n[split]\nby = "time"\nalso = ["channel"]\n'
        'since = "2024-01-01T00:00:00+02:00"\nfolds = 3\nresamples = 0\n',
        rows=rows,
    )
    by = {m.split: m for m in (trained.fitted.measured, *trained.fitted.others)}
    assert by["time"].quality.how == (
        "trained on the past, tested on posts since 2024-01-01T00:00:00+02:00, "
        "7 posts without a date left out"
    )
    assert by["channel"].quality.how == (
        "3-fold cross-validation by channel, 2 copies left out, "
        "5 posts of no known channel only taught"
    )
    assert set(by["time"].held_out.post_ids) == {f"1-{i}" for i in (60, *range(62, 120))}
    assert "not learnt (too few positives): lone" in trained.notes
    assert (
        "1 groups of copies (posts of one text) contradict each other, on 2 labels: one says that "
        "the label applies, another that it does not"
    ) in trained.notes
    ours = [w for w in recwarn if "site-packages" not in w.filename]  # a clone is named so too
    assert [str(w.message) for w in ours] == []
