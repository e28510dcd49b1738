"""Train, evaluate, promote and score on invented posts, with an encoder that counts words."""

import io
import json
import random
import re
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from narraframe.classifiers.classifier import from_parts
from narraframe.classifiers.structure import Choice, Structure
from narraframe.classifiers.thresholds import NEVER
from narraframe.config import Config, Workspace
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import CodebookError, InputError, ModelError, TrainingError, UsageError
from narraframe.io.models import load_bundle
from narraframe.io.registry import aliases, find_model
from narraframe.io.scores import read_scores
from narraframe.io.store import open_store
from narraframe.records import Post
from narraframe.workflows import embedding, scorer
from narraframe.workflows.doctor import examine
from narraframe.workflows.evaluate import evaluate
from narraframe.workflows.promote import promote
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.score import score
from narraframe.workflows.train import train_labelled
from narraframe.workflows.train_notes import choice_note, never_note
from narraframe.workflows.watch import Silent

TOPICS = {
    "Sea trade": ("harbour", "ship", "cargo", "crane", "port", "tariff", "vessel", "dock"),
    "Weather": ("rain", "storm", "cloud", "flood", "wind", "snow", "forecast", "thunder"),
    "Football": ("goal", "match", "striker", "league", "keeper", "penalty", "coach", "stadium"),
}
COMMON = ("the", "a", "of", "in", "on", "today", "people", "said", "again", "after", "many", "new")
CHALLENGER = "models:/topics@challenger"


class EnglishEncoder(HashingEncoder):
    @property
    def languages(self):
        return frozenset({"en"})


def load_english(name, **_):
    return EnglishEncoder()


def records(n: int, *, seed: int) -> list[dict]:
    """Posts of 24 words; every fourth has no label, and no two are near-copies."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        topic = [*TOPICS, None][i % 4]
        own = TOPICS[topic] if topic else COMMON
        words = [rng.choice(own if j % 3 == 0 else COMMON) for j in range(24)]
        labels = [topic] if topic else []
        made.append({"id": f"{seed}-{i}", "text": " ".join(words), "lang": "en", "labels": labels})
    return made


def lines(path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "load_encoder", load_english)
        patch.setattr(scorer, "load_encoder", load_english)
        yield patch


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """100 posts, and altered copies of ten of them."""
    rows = records(100, seed=1)
    copies = [
        row | {"id": f"c{i}", "text": row["text"] + " now"} for i, row in enumerate(rows[:10])
    ]
    return lines(tmp_path_factory.mktemp("training") / "train.jsonl", rows + copies)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("workspace"), Config(), is_set_up=True)


@pytest.fixture(scope="module", autouse=True)
def trained(patched, training, workspace):
    return train_labelled(
        [training], name="topics", options=ReadOptions(), workspace=workspace, watch=Silent()
    )


@pytest.fixture
def evaluated(workspace, tmp_path):
    def run(rows: list[dict], *, model: str = CHALLENGER, output=None, watch=None):
        return evaluate(
            model,
            [lines(tmp_path / "held_out.jsonl", rows)],
            output=output,
            options=ReadOptions(),
            workspace=workspace,
            force=False,
            watch=watch or Silent(),
        )

    return run


@pytest.fixture
def scored(workspace, tmp_path):
    def run(rows: list[dict]):
        summary = score(
            [lines(tmp_path / "new.jsonl", rows)],
            output=tmp_path / "scores.parquet",
            stdout=io.StringIO(),
            model_uri=CHALLENGER,
            options=ReadOptions(),
            workspace=workspace,
            force=True,
            watch=Silent(),
        )
        return summary, read_scores(tmp_path / "scores.parquet")

    return run


@pytest.fixture
def altered(monkeypatch):
    """Have models loaded with other heads than they were trained with."""

    def run(**changed):
        def load(parts):
            classifier = from_parts(parts)
            return replace(classifier, heads=replace(classifier.heads, **changed))

        monkeypatch.setattr(scorer, "from_parts", load)

    return run


# --- train


def test_training_measures_registers_and_leaves_small_files(trained, workspace):
    root = workspace.root
    assert trained.model.title == "topics/1"
    assert aliases(workspace.store, "topics") == {"challenger": 1}
    assert trained.quality.how == "5-fold cross-validation by near-duplicate group"
    assert (trained.quality.n_posts, trained.quality.n_groups) == (110, 100)
    assert trained.quality.macro_f1.value > 0.9
    assert trained.card == root / "models/cards/topics.md"
    assert trained.card.read_text("utf-8").startswith("# topics/1\n")
    registry = tomllib.loads((root / "models/registry.toml").read_text("utf-8"))
    assert registry["topics"]["version"] == 1
    assert registry["topics"]["run"] == trained.model.run_id
    results = (root / "experiments/results/topics.csv").read_text("utf-8").splitlines()
    assert [row.split(",")[0] for row in results[1:]] == [
        "sea_trade",
        "weather",
        "football",
        "(micro)",
        "(macro)",
    ]


def test_training_says_what_a_careless_split_would_have_leaked(trained):
    (note,) = [note for note in trained.notes if "leaked" in note]
    assert "of 110 posts" in note


def test_a_run_records_settings_data_and_where_the_codebook_came_from(trained, workspace):
    run = open_store(workspace.store).get_run(trained.model.run_id)
    assert (
        run.data.params.items()
        >= {
            "data.posts": "train.jsonl",
            "data.codebook": "made from the labels",
            "heads.features": "embedding; words; characters; definitions",
            "seed": "0",
            "encoder": "hashing-256@1",
        }.items()
    )
    assert run.data.metrics["macro_f1"] == trained.quality.macro_f1.value
    assert len(run.data.tags["data_sha256"]) == 64


def test_a_model_knows_its_languages_posts_and_encoder(trained):
    record = load_bundle(trained.model.folder).record
    assert (record.languages, record.any_language) == (("en",), False)
    assert (record.n_posts, record.n_groups) == (110, 100)
    assert (record.encoder, record.encoder_source) == ("hashing-256@1", "all-MiniLM-L6-v2")


def test_a_name_that_a_model_cannot_have_is_refused_before_any_work(workspace, training):
    with pytest.raises(UsageError, match="is no name for a model"):
        train_labelled(
            [training], name="../out", options=ReadOptions(), workspace=workspace, watch=Silent()
        )


def test_too_few_distinct_posts_are_refused(workspace, tmp_path):
    rows = [row | {"text": records(1, seed=3)[0]["text"]} for row in records(12, seed=3)]
    with pytest.raises(TrainingError, match=r"too few distinct posts.*1 groups of near-copies"):
        train_labelled(
            [lines(tmp_path / "few.jsonl", rows)],
            name="few",
            options=ReadOptions(),
            workspace=workspace,
            watch=Silent(),
        )
    assert aliases(workspace.store, "few") == {}


# --- evaluate


def test_evaluation_on_new_posts_leaves_none_out(evaluated):
    found = evaluated(records(40, seed=2))
    assert found.counts == {
        "labelled posts": 40,
        "left out: copies or near-copies of training posts": 0,
        "without a score (counted as nothing decided)": 0,
        "labels not measured, as no post carries any of their facet": 0,
        "decisions left open, as too close to call": 0,
    }
    assert (found.selective, found.notes) == (None, ())
    assert (found.quality.n_posts, found.quality.n_groups) == (40, 40)
    assert found.quality.micro_f1.value > 0.8
    assert re.fullmatch(
        r"topics/1(@[0-9a-f]{8})? on labelled posts that it was not trained on", found.quality.how
    )


def test_evaluation_leaves_out_the_training_posts_whatever_their_ids(evaluated):
    again = [row | {"id": f"new-{i}"} for i, row in enumerate(records(100, seed=1)[:30])]
    found = evaluated(again + records(40, seed=2))
    assert found.counts["left out: copies or near-copies of training posts"] == 30
    assert found.quality == evaluated(records(40, seed=2)).quality


def test_evaluation_leaves_out_near_copies_of_training_posts(evaluated):
    near = [
        row | {"id": f"near-{i}", "text": f"Breaking: {row['text'].upper()}!! 🎉"}
        for i, row in enumerate(records(100, seed=1)[20:40])
    ]
    found = evaluated(near + records(40, seed=2))
    assert found.counts["left out: copies or near-copies of training posts"] == 20
    assert found.quality.n_posts == 40


def test_a_group_goes_as_a_whole_if_one_of_it_was_seen(evaluated):
    """A copy of a copy may be farther from the training post than near-copies are."""
    words = records(100, seed=1)[50]["text"].split()
    near = {"id": "near", "text": " ".join([*words, "now", "then"]), "lang": "en", "labels": []}
    farther = near | {
        "id": "farther",
        "text": " ".join([*words, "now", "then", "when", "where", "who"]),
    }
    found = evaluated([near, farther, *records(40, seed=2)])
    assert found.counts["left out: copies or near-copies of training posts"] == 2


def test_nothing_left_to_measure_on_is_an_error_that_counts(evaluated):
    with pytest.raises(InputError, match=r"no labelled post is left.*8 labelled, 8 of them copies"):
        evaluated(records(100, seed=1)[:8])
    with pytest.raises(InputError, match=r"no labelled post is left.*0 labelled, 0 of them"):
        evaluated([{"id": "1", "text": "no label at all"}])


def test_a_post_that_cannot_be_scored_counts_as_nothing_decided(evaluated):
    rows = records(40, seed=2)
    foreign = [row | {"lang": "uk"} if row["labels"] == ["Weather"] else row for row in rows]
    found = evaluated(foreign)
    assert found.counts["without a score (counted as nothing decided)"] == 10
    weather = next(row for row in found.quality.labels if row.label_id == "weather")
    assert (weather.n_positive, weather.recall.value) == (10, 0)
    assert weather.average_precision.n == found.quality.calibration_error.n / 3 == 30


def test_labels_that_the_model_does_not_have_are_refused(evaluated):
    rows = [row | {"labels": ["Wether"]} for row in records(4, seed=2)]
    with pytest.raises(CodebookError, match=r"'Wether' \(did you mean 'Weather'\?\)"):
        evaluated(rows)


def test_labels_that_training_never_saw_are_left_out_of_the_figures(evaluated, tmp_path):
    rows = records(40, seed=2)
    with_strange = [
        row | {"labels": row["labels"] + ["Chess"] * (i < 6) + ["Wether"] * (i == 8)}
        for i, row in enumerate(rows)
    ]
    watch = Silent()
    found = evaluated(with_strange, output=tmp_path / "q.csv", watch=watch)
    plain = evaluated(rows, output=tmp_path / "plain.csv")
    assert found.quality == plain.quality
    assert found.counts == plain.counts | {
        "labels left out, as the model was not taught them": 2,
        "posts that carry such labels": 7,
    }
    assert watch.warnings == [
        "2 labels on 7 of 40 posts are not among those that the model was taught: 'Chess', "
        "'Wether' (did you mean 'Weather'?). They are left out of the figures; a post that carries "
        "no other counts as one to which none of the known labels applies"
    ]
    header, *rest = table = (tmp_path / "plain.csv").read_text().splitlines()
    assert rest, "and the rows of the labels"
    row = "(2 labels left out),0,7" + "," * (header.count(",") - 2)
    assert (tmp_path / "q.csv").read_text().splitlines() == [*table, row]
    evaluated(with_strange, output=tmp_path / "q.json")
    assert json.loads((tmp_path / "q.json").read_text())["labels_left_out"] == {
        "Chess": 6,
        "Wether": 1,
    }


def test_a_label_that_an_analysts_codebook_lacks_is_refused(evaluated, monkeypatch):
    load = scorer.load_bundle

    def of_an_analyst(folder):
        bundle = load(folder)
        data = bundle.record.experiment["data"] | {"labelled": False}
        experiment = {**bundle.record.experiment, "data": data}
        return replace(bundle, record=replace(bundle.record, experiment=experiment))

    monkeypatch.setattr(scorer, "load_bundle", of_an_analyst)
    rows = records(40, seed=2)
    rows[0]["labels"].append("Chess")
    with pytest.raises(
        CodebookError, match="1 labels of the posts are not in the model's codebook"
    ):
        evaluated(rows)


def test_posts_whose_labels_say_nothing_are_counted_by_what_is_wrong(evaluated):
    rows = records(40, seed=2)
    strange = [row | {"labels": {"Weather": 1}} for row in rows[:3]]
    watch = Silent()
    found = evaluated([*strange, rows[3] | {"labels": None}, *rows[4:]], watch=watch)
    assert found.counts["labelled posts"] == 36
    assert watch.warnings[0].startswith("held_out.jsonl: line 1: the first of 3 posts whose")
    assert [note.partition(",")[0] for note in found.notes] == [
        "3 of 40 posts are left out",
        "1 of 40 posts are left out",
    ]


def test_figures_are_written_as_csv_and_as_json(evaluated, tmp_path):
    found = evaluated(records(40, seed=2), output=tmp_path / "q.csv")
    evaluated(records(40, seed=2), output=tmp_path / "q.json")
    assert (tmp_path / "q.csv").read_text().startswith("label_id,n_known,n_positive,threshold")
    figures = json.loads((tmp_path / "q.json").read_text())
    assert figures["micro_f1"]["value"] == found.quality.micro_f1.value


def test_an_output_of_another_kind_is_refused_before_any_work(evaluated, tmp_path):
    with pytest.raises(UsageError, match=r"names no format.*\.csv or \.json"):
        evaluated(records(4, seed=2), output=tmp_path / "q.xlsx")


def test_what_a_model_leaves_open_is_measured_as_it_would_decide(evaluated, altered):
    rows = records(40, seed=2)
    plain = evaluated(rows)
    altered(abstain=0.05)
    found = evaluated(rows)
    n_open = found.counts["decisions left open, as too close to call"]
    assert 0 < n_open < 120
    assert found.quality == plain.quality
    assert found.selective.coverage.value == pytest.approx(1 - n_open / 120)
    assert found.selective.without.macro_f1.value == plain.quality.macro_f1.value
    assert found.selective.without.macro_f1.n == 120
    assert found.selective.with_abstention.macro_f1.n == 120 - n_open


def test_labels_whose_precision_is_out_of_reach_are_named(evaluated, scored, altered):
    altered(thresholds=np.array([NEVER, 0.5, NEVER]))
    note = "never decided, as a precision of 0.9 is out of reach: sea_trade, football"
    assert evaluated(records(40, seed=2)).notes == (note,)
    summary, scores = scored(records(40, seed=2))
    assert summary.warnings == [note]
    assert scores.decision.any(axis=0).tolist() == [False, True, False]


def test_a_parent_is_decided_with_its_child_whatever_its_own_threshold(trained):
    classifier = from_parts(load_bundle(trained.model.folder).parts)
    heads = replace(
        classifier.heads,
        thresholds=np.array([NEVER, 0.5, NEVER]),
        structure=Structure(links=((1, 0),), choices=()),
    )
    (note,) = never_note(replace(classifier, heads=heads))
    assert note.endswith(": football")
    assert never_note(classifier) == ()


def test_aiming_at_a_precision_says_which_labels_it_does_not_reach(trained):
    classifier = from_parts(load_bundle(trained.model.folder).parts)
    facet = Structure(links=(), choices=(Choice(leaves=(0, 2), parents=()),))
    single = replace(classifier, heads=replace(classifier.heads, structure=facet))
    aiming = replace(single, settings=replace(classifier.settings, aim="precision"))
    (note,) = choice_note(aiming)
    assert "at whatever precision: sea_trade, football;" in note
    assert choice_note(single) == choice_note(replace(aiming, heads=classifier.heads)) == ()


# --- score


def test_what_a_model_leaves_open_is_scored_but_neither_decided_nor_counted(scored, altered):
    rows = records(40, seed=2)
    _, plain = scored(rows)
    altered(abstain=0.05)
    summary, scores = scored(rows)
    np.testing.assert_array_equal(scores.probability, plain.probability)
    np.testing.assert_array_equal(scores.decision, plain.decision & ~scores.abstained)
    assert (plain.decision & scores.abstained).any()
    assert summary.tally.decisions == dict(
        zip(scores.label_ids, scores.decision.sum(axis=0).tolist(), strict=True)
    )
    assert summary.warnings == [
        f"{scores.abstained.sum()} decisions were left open, as too close to call"
    ]


def test_a_scorer_keeps_the_decision_that_is_left_open(trained, altered):
    posts = [Post(post_id=row["id"], text=row["text"], lang="en") for row in records(40, seed=2)]
    plain = scorer.open_folder(trained.model.folder).score(posts)
    altered(abstain=0.05)
    scores = scorer.open_folder(trained.model.folder).score(posts)
    assert scores.abstained.any()
    np.testing.assert_array_equal(scores.decision, plain.decision)


def test_scores_find_the_labels_of_new_posts(scored):
    rows = records(40, seed=2)
    summary, scores = scored(rows)
    assert (summary.tally.n_posts, summary.tally.n_scored, summary.tally.n_seen) == (40, 40, 0)
    assert summary.warnings == []
    by_name = {"Sea trade": "sea_trade", "Weather": "weather", "Football": "football"}
    wanted = [{by_name[name] for name in row["labels"]} for row in rows]
    said = [{scores.label_ids[j] for j in np.flatnonzero(decided)} for decided in scores.decision]
    assert sum(a == b for a, b in zip(said, wanted, strict=True)) > 30
    assert summary.tally.decisions == dict(
        zip(scores.label_ids, scores.decision.sum(axis=0).tolist(), strict=True)
    )


def test_a_post_without_text_or_in_another_language_gets_a_reason(scored):
    rows = [
        {"id": "text", "text": "rain and storm", "lang": "en"},
        {"id": "none", "text": "", "photo": "x.jpg", "media": "photo"},
        {"id": "foreign", "text": "Дощ і буря цієї ночі", "lang": "uk"},
        {"id": "unsure", "text": "rain!"},
    ]
    summary, scores = scored(rows)
    assert dict(zip(scores.post_ids, scores.reasons, strict=True)) == {
        "text": "",
        "none": "no text",
        "foreign": "language 'uk' is not one that the model learnt",
        "unsure": "",
    }
    assert summary.tally.reasons == {
        "no text": 1,
        "language 'uk' is not one that the model learnt": 1,
    }
    assert np.isnan(scores.probability[1:3]).all()
    assert not scores.decision[1:3].any()


def test_scores_of_training_posts_are_warned_of(scored):
    summary, _ = scored(records(100, seed=1)[:5] + records(3, seed=2))
    assert summary.tally.n_seen == 5
    (warning,) = summary.warnings
    assert warning.startswith("5 of 8 posts are copies or near-copies")


def test_a_decision_is_the_probability_at_its_threshold(scored):
    _, scores = scored(records(40, seed=2))
    np.testing.assert_array_equal(scores.decision, scores.probability >= scores.thresholds)


def test_a_score_does_not_depend_on_the_posts_beside_it(scored):
    rows = records(40, seed=2)
    alone, together = scored(rows[7:8])[1], scored(rows)[1]
    np.testing.assert_array_equal(alone.probability[0], together.probability[7])


def test_an_encoder_that_is_not_that_of_the_training_is_refused(scored, patched, monkeypatch):
    monkeypatch.setattr(scorer, "load_encoder", lambda name, **_: HashingEncoder(64))
    with pytest.raises(
        ModelError, match=r"hashing-64@1, but the model was trained with hashing-256"
    ):
        scored(records(4, seed=2))


def test_heads_and_codebook_that_name_different_labels_are_refused(trained, monkeypatch):
    book = load_bundle(trained.model.folder).codebook
    other = replace(book, labels=book.labels[1:] + book.labels[:1])
    bundle = replace(load_bundle(trained.model.folder), codebook=other)
    monkeypatch.setattr(scorer, "load_bundle", lambda folder: bundle)
    with pytest.raises(ModelError, match="heads and its codebook name different labels"):
        scorer.open_folder(trained.model.folder)


def test_any_language_is_scored_by_an_encoder_that_takes_any(trained):
    opened = scorer.open_folder(trained.model.folder)
    record = replace(opened.bundle.record, any_language=True)
    free = replace(opened, bundle=replace(opened.bundle, record=record))
    post = Post(post_id="1", text="Дощ і буря", model_text="Дощ і буря", lang="uk")
    assert opened.score([post]).reasons == ("language 'uk' is not one that the model learnt",)
    assert free.score([post]).reasons == ("",)


def test_mlflow_serves_the_probabilities_that_score_writes(scored, workspace):
    import mlflow

    rows = [*records(6, seed=2), {"id": "none", "text": "", "media": "photo"}]
    _, scores = scored(rows)
    find_model(workspace.store, CHALLENGER)
    served = mlflow.pyfunc.load_model(CHALLENGER).predict(
        pd.DataFrame({"text": [row["text"] for row in rows]})
    )
    assert list(served.columns) == list(scores.label_ids)
    np.testing.assert_array_equal(served.to_numpy(np.float32), scores.probability)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_mlflow_gives_no_probability_to_a_row_that_is_missing(trained, missing):
    import mlflow

    frame = pd.DataFrame({"text": ["rain and storm", missing]}, dtype=object)
    model = mlflow.pyfunc.load_model(str(trained.model.folder.parents[1])).unwrap_python_model()
    context = type("Context", (), {"artifacts": {"bundle": str(trained.model.folder)}})
    model.load_context(context)
    served = model.predict(context, frame)
    assert served.iloc[0].notna().all()
    assert served.iloc[1].isna().all()


# --- promote


def test_the_challenger_becomes_champion_and_what_was_before_is_told(workspace):
    first = promote("topics", version=None, workspace=workspace)
    assert (first.version, first.before) == (1, None)
    again = promote("topics", version=1, workspace=workspace)
    assert (again.version, again.before) == (1, 1)
    assert aliases(workspace.store, "topics") == {"challenger": 1, "champion": 1}
    assert "model topics @challenger=1 @champion=1" in [f.what for f in examine(workspace)]


def test_a_version_or_model_that_is_not_there_is_not_promoted(workspace):
    with pytest.raises(ModelError, match="topics has versions 1"):
        promote("topics", version=9, workspace=workspace)
    with pytest.raises(ModelError, match="Registered models: topics"):
        promote("other", version=None, workspace=workspace)
