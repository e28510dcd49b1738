"""Labelled posts that the model doubts are queued for a second look, and sent once more."""

from __future__ import annotations

import json

import numpy as np
import pytest

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.targets import build_targets
from narraframe.config import Workspace, find_workspace
from narraframe.errors import InputError, ModelError, OutputError, UsageError
from narraframe.io.annotations import write_annotations
from narraframe.io.codebook import read_codebook
from narraframe.io.held_out import write_held_out
from narraframe.io.mirror import Mirror
from narraframe.io.queue import read_queue
from narraframe.io.registry import Registered
from narraframe.io.runs import Run
from narraframe.records import Annotation, HeldOut
from narraframe.workflows import doubting
from narraframe.workflows.doubting import (
    DoubtSummary,
    first_answers,
    queue_doubtful,
    second_looks,
    still_said,
)
from narraframe.workflows.init import init
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.watch import Silent

BOOK = """\
version = "1.0.0"
title = "Topics"
[[facets]]
id = "topic"
name = "Topic"
[[labels]]
id = "land"
facet = "topic"
name = "Land"
[[labels]]
id = "farming"
facet = "topic"
name = "Farming"
parent = "land"
[[labels]]
id = "voting"
facet = "topic"
name = "Voting"
"""
IDS = tuple(f"p{i:02}" for i in range(40))
N_FARMING = 20
MODEL = Registered(name="topics", version=3, run_id="ab12", folder=None)  # type: ignore[arg-type]


def truth(i: int) -> str:
    return "farming" if i < N_FARMING else "voting"


def said(post_id: str, *labels: str, who: str = "ann", **rest) -> list[Annotation]:
    rows = [("topic", int(bool(labels))), *((label, 1) for label in labels)]
    return [
        Annotation(post_id=post_id, annotator=who, label_id=i, value=v, **rest) for i, v in rows
    ]


def held_out(y: np.ndarray) -> HeldOut:
    """What a good model says that was trained on `y` (n, 3)."""
    true = np.array([[truth(i) == "farming", truth(i) == "farming", truth(i) == "voting"]
                     for i in range(len(IDS))])  # fmt: skip
    p = np.where(true, 0.9, 0.05).astype(np.float32)
    n = len(IDS)
    return HeldOut(
        post_ids=IDS,
        label_ids=("land", "farming", "voting"),
        y=y,
        mask=np.ones(y.shape, bool),
        probability=p,
        decision=p > 0.5,
        groups=np.arange(n),
        fold=np.arange(n) % 5,
    )


class Study:
    """A workspace in which `ann` answered all posts, some wrongly, and a model that was trained."""

    def __init__(self, folder, patch: pytest.MonkeyPatch) -> None:
        init(folder)
        self.workspace: Workspace = find_workspace(folder, given=folder)
        self.workspace.codebook.write_text(BOOK)
        self.posts = folder / "posts.jsonl"
        self.write_posts({})
        self.answers = {post_id: [truth(i)] for i, post_id in enumerate(IDS)}
        self.answers |= {"p03": ["farming", "voting"], "p07": [], "p30": ["farming"]}
        self.more: list[Annotation] = []
        self.label()
        self.held = held_out(self.targets().y)
        patch.setattr(doubting, "find_source", lambda *_: type("", (), {"model": MODEL}))
        patch.setattr(doubting, "held_out_of", lambda *_, **__: self.held)

    def write_posts(self, other: dict[str, str]) -> None:
        texts = {i: f"the {truth(n)} of day {n} in village {7 * n}" for n, i in enumerate(IDS)}
        rows = [{"id": i, "text": t, "lang": "en"} for i, t in (texts | other).items()]
        self.posts.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def label(self) -> None:
        rows = [row for i, labels in self.answers.items() for row in said(i, *labels)]
        path = self.workspace.path("labels/annotations") / "a.csv"
        write_annotations(path, [*rows, *self.more], provenance={}, force=True)

    def targets(self):
        codebook = read_codebook(self.workspace.codebook)
        return build_targets(doubting.annotations_of(self.workspace, codebook), codebook).targets

    def doubt(self, *, n: int = 10, force: bool = True, watch=None, model="") -> DoubtSummary:
        return queue_doubtful(
            [str(self.posts)],
            output=self.workspace.path("data/doubtful.csv"),
            n=n,
            model=model,
            options=ReadOptions(),
            workspace=self.workspace,
            force=force,
            watch=watch or Silent(),
        )


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    return Study(tmp_path / "study", monkeypatch)


def asked(done: DoubtSummary) -> set[str]:
    return {item.post_id for item in done.items}


def test_wrong_answers_are_queued_blind_and_say_why(study):
    done = study.doubt()
    assert asked(done) == {"p03", "p07", "p30"}
    assert read_queue(study.workspace.path("data/doubtful.csv")) == done.items
    for rank, item in enumerate(done.items):
        assert (item.rank, item.design, item.blind, item.n_annotators) == (rank, DOUBTFUL, True, 1)
        assert item.inclusion_probability is None
    reasons = {item.post_id: item.reason for item in done.items}
    assert reasons["p07"] == "Farming: said no, the model 90%, of all labelled posts 50%"
    assert reasons["p30"].count("said") == 2
    assert (done.model, done.n_doubtful, done.n_judged) == ("topics/3", 3, 40)
    assert done.posts[0].said_by == ("ann",)


def test_no_more_posts_are_queued_than_asked_for_the_worst_first(study):
    every = study.doubt()
    assert study.doubt(n=1).items == every.items[:1]
    doubts = [one.post.doubt for one in every.posts]
    assert doubts == sorted(doubts, reverse=True)


def test_parents_are_not_named_beside_their_leaves(study):
    done = study.doubt()
    labels = {cell.label_id for one in done.posts for cell in one.post.cells}
    assert labels == {"farming", "voting"}


def test_what_was_corrected_since_is_not_doubted(study):
    study.answers["p07"] = ["farming"]
    study.label()
    assert asked(study.doubt()) == {"p03", "p30"}


@pytest.mark.parametrize("how", [{"design": DOUBTFUL}, {"gold": True}])
def test_posts_that_were_looked_at_again_or_settled_are_not_asked_a_third_time(study, how):
    study.more = said("p07", who="other", **how)
    study.label()
    assert asked(study.doubt()) == {"p03", "p30"}


def test_what_two_said_is_asked_only_where_the_model_is_sure(study):
    study.more = said("p07", who="other")
    study.label()
    assert asked(study.doubt()) == {"p03", "p30"}
    study.held.probability[7, 1] = 0.99
    assert "p07" in asked(study.doubt())


def test_a_second_answer_joins_the_consensus_and_a_settled_one_decides(study):
    row, column = IDS.index("p07"), 1
    first = study.targets()
    assert (first.y[row, column], first.mask[row, column]) == (0, True)
    study.more = said("p07", "farming", who="other", design=DOUBTFUL)
    study.label()
    assert not study.targets().mask[row, column]
    study.more += said("p07", "farming", who="judge", gold=True, design=DOUBTFUL)
    study.label()
    assert (study.targets().y[row, column], study.targets().mask[row, column]) == (1, True)


def test_near_copies_that_were_answered_alike_are_asked_once(study):
    text = "the same long text about the farming of this land in the village by the river " * 3
    study.answers |= {"p08": [], "p09": []}
    study.write_posts({"p07": text, "p08": text, "p09": "another text of its own altogether"})
    study.label()
    study.held = held_out(study.targets().y)
    assert len(asked(study.doubt()) & {"p07", "p08"}) == 1
    assert "p09" in asked(study.doubt())


def test_doubtful_posts_that_are_not_at_hand_are_counted(study):
    study.posts.write_text(json.dumps({"id": "p07", "text": "some words here", "lang": "en"}))
    watch = Silent()
    assert asked(study.doubt(watch=watch)) == {"p07"}
    assert any("2 posts that topics/3 doubts are not among the posts" in w for w in watch.warnings)


def test_unknown_cells_of_the_model_stay_unknown(study):
    codebook = read_codebook(study.workspace.codebook)
    study.held.mask[7] = False
    rows = [row for i in ("p07", "p30") for row in said(i, *study.answers[i])]
    held, voices = still_said(study.held, rows, codebook)
    assert (held.post_ids, held.label_ids) == (("p07", "p30"), ("farming", "voting"))
    assert held.mask.tolist() == [[False, False], [True, True]]
    assert voices.tolist() == [[1, 1], [1, 1]]


# --- mistakes


def test_without_a_champion_there_is_nobody_to_doubt(study, monkeypatch):
    monkeypatch.setattr(doubting, "find_source", lambda *_: type("", (), {"model": None}))
    with pytest.raises(ModelError, match=r"there is no champion.*promote it"):
        study.doubt()


def test_a_model_that_was_trained_on_other_posts_is_refused(study):
    study.held = held_out(study.held.y)
    object.__setattr__(study.held, "post_ids", tuple(f"x{i}" for i in range(len(IDS))))
    with pytest.raises(InputError, match="judges no answer that is in the workspace"):
        study.doubt()


def test_where_nothing_is_doubtful_it_is_said_and_nothing_written(study):
    study.answers = {post_id: [truth(i)] for i, post_id in enumerate(IDS)}
    study.label()
    with pytest.raises(InputError, match="doubts no answer that can be looked at again"):
        study.doubt()
    assert not study.workspace.path("data/doubtful.csv").exists()


def test_an_existing_queue_is_kept_without_force(study):
    study.doubt()
    with pytest.raises(OutputError, match="exists already"):
        study.doubt(force=False)


def test_the_queue_has_to_be_a_csv(study):
    with pytest.raises(UsageError, match=r"End it in \.csv"):
        queue_doubtful(
            [str(study.posts)], output=study.workspace.path("x.txt"), n=1, model="",
            options=ReadOptions(), workspace=study.workspace, force=True, watch=Silent(),
        )  # fmt: skip


def test_held_out_predictions_come_from_the_run_of_the_model(tmp_path, monkeypatch):
    held = held_out(np.zeros((len(IDS), 3), np.int8))
    addresses = []

    def run(store, address):
        addresses.append(address)
        return Run(run_id="ab12", title="topics/3", tags={}, folder=tmp_path)

    monkeypatch.setattr(doubting, "find_run", run)
    with pytest.raises(ModelError, match=r"topics/3: left no held-out predictions.*Train it again"):
        doubting.held_out_of(MODEL, store=tmp_path)
    write_held_out(tmp_path / "held_out.parquet", held)
    found = doubting.held_out_of(MODEL, store=tmp_path)
    assert found.post_ids == IDS
    assert addresses == ["models:/topics/3"] * 2


# --- on the server's side


def task(task_id, post_id, *answers, **data):
    annotations = [{"completed_by": who, "was_cancelled": skip} for who, skip in answers]
    return {"id": task_id, "data": {"post_id": post_id} | data, "annotations": annotations}


def test_the_tasks_tell_who_answered_and_which_posts_have_their_second_look():
    tasks = [
        task(1, "p", (7, False), (9, True)),
        task(2, "p", design=DOUBTFUL),
        task(3, "q", (7, False), (8, False), design="audit"),
        task(4, "gone", design=DOUBTFUL),
    ]
    mirror = Mirror("u", 1, "", {t["id"]: t for t in tasks}, frozenset({4}))
    assert second_looks(mirror) == {"p"}
    assert first_answers(mirror, server_key="ab") == {"p": "ann-ab-07", "q": "ann-ab-07, ann-ab-08"}
