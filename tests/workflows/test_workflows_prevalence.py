"""Shares of a corpus by the workspace's audit: drawn, answered, skipped, held out, compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from topic_study import BOOK, LABELS, MODEL, TopicStudy, said, text, truth

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.targets import CONSENSUS
from narraframe.cli import cli
from narraframe.config import find_workspace
from narraframe.errors import CodebookError, InputError, ModelError, TableError, UsageError
from narraframe.io.prevalence import read_prevalence
from narraframe.io.queue import frame_path, read_audit, read_queue, write_copies
from narraframe.io.scores import score_rows
from narraframe.io.skips import write_skips
from narraframe.metrics.prevalence_planning import plan_share
from narraframe.records import Annotation, HeldOut, Scores
from narraframe.workflows import prevalence_scores
from narraframe.workflows.prevalence import PrevalenceOptions, prevalence, prevalence_of
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.seen import signatures
from narraframe.workflows.watch import Silent

N = 240
IDS = tuple(f"p{i:03}" for i in range(N))
SILENT = {"id": "silent", "text": "", "channel": "A", "date": "2024-05-07"}


class Study(TopicStudy):
    """A workspace with 240 posts of two channels and months, a model, and an audit of `n`."""

    def __init__(self, folder, patch: pytest.MonkeyPatch, *, n: int = 60) -> None:
        super().__init__(folder, n=N, month_of=lambda i: 5 + (i % 3 == 0), more=[SILENT])
        self.answers: dict[str, list[str]] = {}
        self.more: list[Annotation] = []
        if n:
            self.answers = {i: truth(IDS.index(i)) for i in self.draw(n)}
            self.label()
        self.scores = self.scored(lambda i, yes: 0.8 if yes else 0.1)
        self.seen = np.zeros((0, signatures(["a b"]).shape[1]), dtype=np.uint64)
        self.held: HeldOut | None = None
        self.parameters: dict[str, str] = {}
        patch.setattr(prevalence_scores, "find_model", lambda *_: SimpleNamespace(folder=None))
        patch.setattr(
            prevalence_scores,
            "load_bundle",
            lambda _: SimpleNamespace(digest="0011aabb", seen=self.seen),
        )
        patch.setattr(prevalence_scores, "find_run", lambda *_: self)

    def table(self, _: str) -> HeldOut | None:
        """What the run that trained the model kept: this stands for it."""
        return self.held

    @property
    def drawn(self) -> list[str]:
        """The audit posts, in the order of drawing."""
        return [post.post_id for post in read_audit(self.workspace.path("labels/audit.csv"))]

    def label(self) -> None:
        rows = [row for i, labels in self.answers.items() for row in said(i, *labels)]
        self.annotate([*rows, *self.more])

    def scored(self, p_of) -> Scores:
        p = np.array([[p_of(i, "farming" in truth(i)), 0.02] for i in range(N)], dtype=np.float32)
        return Scores(
            post_ids=(*IDS, "silent"),
            label_ids=LABELS,
            probability=np.vstack([p, [[np.nan, np.nan]]]).astype(np.float32),
            decision=np.vstack([p > 0.5, [[False, False]]]),
            abstained=np.zeros((N + 1, 2), dtype=np.bool_),
            thresholds=np.array([0.5, 0.5]),
            reasons=(*[""] * N, "no text"),
            model=MODEL,
        )

    def find(self, **options):
        return prevalence_of(self.posts, self.scores, workspace=self.workspace, **options)


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    return Study(tmp_path / "study", monkeypatch)


def test_the_share_by_design_is_near_the_truth_and_counts_its_posts(study):
    found = study.find()
    share = found.of("farming")
    assert (found.n_posts, found.left_out, found.n_unscored) == (240, {"no text": 1}, 0)
    assert (found.n_drawn, found.n_answered, found.n_skipped, found.n_uncovered) == (60, 60, 0, 0)
    assert (share.n_posts, share.n_scored, share.n_audit) == (240, 240, 60)
    assert share.method == "ppi++"
    assert share.design.low <= 0.25 <= share.design.high
    assert share.design.value == pytest.approx(0.25, abs=0.02)  # a model that tells all apart
    assert found.notes == ()
    nothing = found.of("voting")
    assert (nothing.n_positive, nothing.method, nothing.note) == (
        0,
        "audit",
        "rare: 0 of 60 answers say yes",
    )


def test_months_and_channels_add_up_to_all_posts(study):
    found = study.find()
    for by in ("month", "channel"):
        parts = [found.of("farming", by=by, value=value) for value in found.slices(by)]
        assert sum(part.n_posts for part in parts) == 240
        assert sum(part.n_audit for part in parts) == 60
    assert found.slices("month") == ("2024-05", "2024-06")
    assert found.slices("channel") == ("A", "B")


def test_without_an_audit_no_figure_by_design_is_made_up(tmp_path, monkeypatch):
    study = Study(tmp_path / "study", monkeypatch, n=0)
    found = study.find()
    share = found.of("farming")
    assert not share.is_known
    assert share.naive.value == 0.25
    assert "nothing bears out any figure" in found.notes[0]


def test_scores_alone_outside_of_a_workspace_give_what_the_model_says(study, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bare = find_workspace(elsewhere, given=elsewhere)
    found = prevalence_of(study.posts, study.scores, workspace=bare)
    assert found.label_ids == LABELS
    assert not any(share.is_known for share in found.shares)
    with pytest.raises(InputError, match="neither scores nor annotations"):
        prevalence_of(study.posts, None, workspace=bare)


def test_a_decision_that_was_left_open_is_no_no(study):
    """A third of the posts without the label is left open: 60 of 180 are."""
    open_ = [bool(i % 4 and i % 3 == 0) for i in range(N)]
    study.scores.abstained[:N, 0] = open_
    share = study.find(by=()).of("farming")
    assert (share.naive.value, share.naive.n) == (60 / 180, 180)
    assert share.n_scored == 240


def test_the_audit_alone_is_enough(study):
    found = prevalence_of(study.posts, None, workspace=study.workspace, by=())
    share = found.of("farming")
    assert (share.method, found.model) == ("audit", "")
    assert np.isnan(share.naive.value)
    assert repr(share.design) == repr(share.classical)


def test_in_sample_predictions_of_training_posts_do_not_count_held_out_ones_do(study):
    """The model knows the answers of its training posts by heart, and nothing of the others."""
    trained = set(study.drawn)
    study.scores = study.scored(
        lambda i, yes: (0.99 if yes else 0.01) if IDS[i] in trained else 0.2 + 0.001 * (i % 7)
    )
    texts = [post.model_text for post in study.posts if post.post_id in trained]
    careless = study.find(by=()).of("farming")
    study.seen = signatures(texts)
    unknown = study.find(by=())
    assert any("were seen in training" in note for note in unknown.notes)
    assert any("were never held out" in note for note in unknown.notes)
    assert unknown.of("farming").method == "audit"
    ids = tuple(sorted(trained))
    y = np.array([["farming" in study.answers[i], False] for i in ids], dtype=np.int8)
    study.held = HeldOut(
        post_ids=ids,
        label_ids=LABELS,
        y=y,
        mask=np.ones(y.shape, dtype=np.bool_),
        probability=np.full(y.shape, 0.2, dtype=np.float32) + 0.001 * np.arange(len(ids))[:, None],
        decision=np.zeros(y.shape, dtype=np.bool_),
        groups=np.arange(len(ids)),
        fold=np.arange(len(ids)) % 5,
    )
    honest = study.find(by=())
    assert not any("never held out" in note for note in honest.notes)

    def width(share):
        return share.design.high - share.design.low

    assert width(careless) < 0.5 * width(honest.of("farming"))
    assert width(honest.of("farming")) == pytest.approx(width(unknown.of("farming")), rel=0.05)


def test_scores_of_a_model_that_is_not_here_leave_the_audit_alone(study, monkeypatch):
    def missing(*_):
        raise ModelError("there is no such model")

    monkeypatch.setattr(prevalence_scores, "find_model", missing)
    found = study.find(by=())
    assert found.of("farming").method == "audit"
    assert "is not in this workspace" in found.notes[0]
    assert found.of("farming").naive.value == 0.25


def test_skipped_audit_posts_are_said_and_the_others_of_their_stratum_stand_for_them(study):
    for post_id in study.drawn[:3]:
        del study.answers[post_id]
    study.label()
    write_skips(study.workspace.path("labels/skipped.csv"), [(i, "ann") for i in study.drawn[:3]])
    found = study.find(by=())
    assert (found.n_answered, found.n_skipped) == (57, 3)
    assert "3 of 60 audit posts were skipped" in found.notes[0]


def test_a_few_posts_that_wait_are_taken_to_be_like_the_others(study):
    for post_id in study.drawn[-4:]:
        del study.answers[post_id]
    study.label()
    found = study.find(by=())
    assert found.n_answered == 56
    assert found.notes == ("4 audit posts wait for an answer, taken to be like the others",)


def test_answers_on_posts_drawn_after_one_that_waits_do_not_count(study):
    """Half of the audit waits; those with an answer were chosen by what they say."""
    study.answers = {i: labels for i, labels in study.answers.items() if labels}
    study.label()
    found = study.find(by=())
    assert found.n_answered < len(study.answers)
    assert "do not count until they are there" in found.notes[0]


def test_a_half_done_audit_counts_as_the_smaller_one_that_it_is(study):
    """Its posts were asked in the order of drawing: the first half has answers."""
    half = study.drawn[:30]
    study.answers = {i: study.answers[i] for i in half}
    study.label()
    found = study.find(by=())
    share = found.of("farming")
    assert (found.n_answered, share.n_audit) == (30, 30)
    assert share.design.low <= 0.25 <= share.design.high < 0.6
    assert not any("do not count" in note for note in found.notes)


def test_posts_on_which_annotators_agree_in_nothing_wait_for_nobody(study):
    """They were answered: that the others of their stratum count does not hang on them."""
    torn = study.drawn[:12]
    study.workspace.codebook.write_text(BOOK.partition('[[labels]]\nid = "voting"')[0])
    for post_id in torn:
        study.more += said(post_id, *([] if study.answers[post_id] else ["farming"]), who="other")
    study.label()
    found = study.find(by=())
    assert (found.n_drawn, found.n_answered) == (60, 48)
    assert not any("wait for an answer" in note for note in found.notes)
    assert any("12 audit posts have answers that agree in nothing" in n for n in found.notes)


def test_several_annotators_are_joined_as_for_the_training_of_the_model(study):
    """One of two said farming of ten more posts: a tie for the majority, a yes for any voice."""
    torn = [i for i in study.drawn if not study.answers[i]][:10]
    study.more = [row for i in torn for row in said(i, "farming", who="other")]
    study.label()
    positive = sum(bool(labels) for labels in study.answers.values())
    by_majority = study.find(by=())
    assert by_majority.consensus == "majority"
    assert (by_majority.of("farming").n_audit, by_majority.of("farming").n_positive) == (
        50,
        positive,
    )
    assert by_majority.notes[-1] == (
        "several annotators answered 10 audit posts: joined by majority"
    )
    study.parameters = {"data.consensus": "any"}
    as_trained = study.find(by=())
    assert (as_trained.consensus, as_trained.of("farming").n_positive) == ("any", positive + 10)
    assert as_trained.notes[-1].endswith("joined by any, as for the training of topics/3")
    asked = study.find(by=(), consensus="majority")
    assert asked.of("farming") == by_majority.of("farming")
    assert asked.notes[-1].endswith(
        "joined by majority, not by any as for the training of topics/3"
    )


def test_the_command_offers_every_consensus_that_there_is():
    option = next(o for o in cli.commands["prevalence"].params if o.name == "consensus")
    assert tuple(option.type.choices) == CONSENSUS


def test_a_near_copy_of_a_labelled_post_takes_its_answer(study):
    asked, copy = study.drawn[0], study.drawn[1]
    before = study.find(by=()).of("farming")
    del study.answers[copy]
    study.answers[asked] = ["farming"]
    study.label()
    write_copies(study.workspace.path("labels/copies.csv"), {copy: asked})
    found = study.find(by=())
    assert (found.n_answered, found.n_copied) == (60, 1)
    changed = [i for i in (asked, copy) if not truth(IDS.index(i))]
    assert found.of("farming").n_positive == before.n_positive + len(changed)


def test_a_second_look_is_no_answer_of_the_audit_and_gold_is(study):
    post_id = next(i for i in study.drawn if not study.answers[i])
    before = study.find(by=()).of("farming")
    study.more = said(post_id, "farming", who="other", design=DOUBTFUL)
    study.label()
    looked = study.find(by=()).of("farming")
    assert (looked.n_audit, looked.n_positive) == (before.n_audit, before.n_positive)
    study.more = said(post_id, "farming", who="judge", gold=True)
    study.label()
    assert study.find(by=()).of("farming").n_positive == before.n_positive + 1


def test_what_annotators_disagree_on_is_unknown_not_zero(study):
    post_id = next(i for i in study.drawn if study.answers[i])
    study.more = said(post_id, who="other")
    study.label()
    share = study.find(by=()).of("farming")
    assert share.n_audit == 59


def test_when_every_post_is_labelled_shares_are_counted(tmp_path, monkeypatch):
    study = Study(tmp_path / "study", monkeypatch, n=0)
    study.answers = {post_id: truth(i) for i, post_id in enumerate(IDS)}
    study.label()
    share = study.find(by=()).of("farming")
    assert (share.design.low, share.design.value, share.design.high) == (0.25, 0.25, 0.25)


def test_posts_of_a_month_that_the_audit_has_not_reached_are_said(study, tmp_path):
    late = tmp_path / "late.jsonl"
    rows = [
        {"id": f"q{i}", "text": f"late {text(i)}", "channel": "A", "date": "2024-09-01"}
        for i in range(9)
    ]
    late.write_text(study.path.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    study.posts = read_ready([str(late)], options=ReadOptions(), watch=Silent()).posts
    found = study.find()
    assert (found.n_posts, found.n_uncovered, found.n_unscored) == (249, 9, 9)
    assert found.unscored == {"not in the scores": 9}
    assert not found.of("farming", by="month", value="2024-09").is_known
    assert any("9 posts are of channels and months" in note for note in found.notes)


def test_posts_that_came_since_the_audit_was_drawn_are_not_stood_for_by_those_before(
    study, tmp_path
):
    """Of months and channels that the audit knows; every one of them is about voting."""
    late = tmp_path / "late.jsonl"
    rows = [
        {"id": f"q{i}", "text": f"late {text(i)}", "channel": "A", "date": "2024-05-20"}
        for i in range(240)
    ]
    late.write_text(study.path.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    study.posts = read_ready([str(late)], options=ReadOptions(), watch=Silent()).posts
    found = study.find(by=())
    assert found.n_drawn > 100  # those of the new ones that lie below the limit too
    assert found.of("voting").design.high > 0.5  # the truth; it was 0.06
    assert any("came after the audit was drawn" in note for note in found.notes)


def test_a_label_that_was_added_later_is_not_known_of_the_months_before(study):
    """Nobody was asked about voting before June: May may be full of it."""
    rows = []
    for post_id, labels in study.answers.items():
        own = said(post_id, *labels)
        if IDS.index(post_id) % 3:
            own = [Annotation(post_id=post_id, annotator="ann", label_id="farming", value=0)]
        rows += own
    study.annotate(rows)
    share = study.find(by=()).of("voting")
    assert (share.n_audit, share.n_positive) == (20, 0)
    assert share.design.high > 2 / 3
    assert share.note == "no answer speaks of 67 % of the posts: any of them may be yes"
    assert not np.isfinite(share.effective_size)
    assert plan_share(share, width=0.3).n_more > 0  # 20 more of June would not help: it said 0


def test_posts_that_are_in_no_slice_are_said(study):
    study.posts = [
        replace(post, channel=None) if post.post_id == IDS[0] else post for post in study.posts
    ]
    notes = study.find(by=("month", "channel")).notes
    assert notes[-1] == "1 posts have no channel: they are in the shares of all posts only"
    assert not any("no month" in note for note in notes)


def test_an_audit_without_its_frame_is_refused(study):
    frame_path(study.workspace.path("labels/audit.csv")).unlink()
    with pytest.raises(TableError, match="not the frame"):
        study.find()


def test_unknown_labels_are_refused(study):
    with pytest.raises(CodebookError, match="there is no label 'farmin'"):
        study.find(labels=["farmin"])


def run(study, *arguments, output=None, **wanted):
    return prevalence(
        [str(study.path)],
        scores_path=None,
        wanted=PrevalenceOptions(**wanted),
        output=output,
        options=ReadOptions(),
        workspace=study.workspace,
        force=False,
        watch=Silent(),
    )


def test_two_months_or_two_channels_are_compared(study):
    for pair in (("2024-05", "2024-06"), ("A", "B")):
        done = run(study, compare=pair)
        change = done.changes[0]
        assert (change.before.value, change.after.value) == pair
        d = change.difference
        assert d.value == pytest.approx(change.after.design.value - change.before.design.value)
        assert d.low < d.value < d.high
        assert {share.by for share in done.prevalence.shares} == {"all"}


@pytest.mark.parametrize("pair", [("2024-05", "2024-11"), ("A", "2024-05"), ("A", "A")])
def test_what_cannot_be_compared_is_refused(study, pair):
    with pytest.raises(UsageError, match="--compare"):
        run(study, compare=pair)


@pytest.mark.parametrize("more", [{"compare": ("A", "B")}, {"width": 0.1}])
def test_changes_and_plans_go_only_where_they_fit(study, tmp_path, more):
    with pytest.raises(UsageError, match="names no format"):
        run(study, output=tmp_path / "shares.csv", **more)
    run(study, output=tmp_path / "shares.json", **more)
    assert '"difference"' in (text := (tmp_path / "shares.json").read_text()) or '"n_more"' in text


def test_scores_that_are_not_there_are_one_clear_error(study):
    common = ["prevalence", str(study.path), "--workspace", str(study.workspace.root)]
    done = CliRunner().invoke(cli, [*common, "--scores", "none.parquet"])
    assert isinstance(done.exception, TableError)


def test_a_plan_says_how_many_more_for_each_share(study):
    done = run(study, width=0.1, by=("month",))
    assert [plan.n_audit for plan in done.plans] == [s.n_audit for s in done.prevalence.shares]
    whole = done.plans[0]
    assert 0 < whole.n_more <= 180


def write_scores(study, path):
    rows = score_rows(study.scores, names={i: i.title() for i in LABELS}, reasons=["", ""])
    pq.write_table(rows, path)


def test_the_command_shows_a_table_and_warns_of_counts_outside_of_the_interval(study, tmp_path):
    study.scores = study.scored(lambda i, yes: 0.7 if yes or i % 4 < 2 else 0.1)
    scores, out = tmp_path / "scores.parquet", tmp_path / "shares.json"
    write_scores(study, scores)
    common = ["prevalence", str(study.path), "--workspace", str(study.workspace.root)]
    done = CliRunner().invoke(cli, [*common, "--scores", str(scores), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "240 posts with text (1 without are left out)" in done.output
    assert "60 of 60 audit posts answered" in done.output
    assert "share by design" in done.output
    assert "1 of 2 counts of decisions lie outside of the interval" in done.output
    assert "Farming: counted 50.0 %" in done.output
    assert read_prevalence(out).of("farming").naive.value == 0.5


def test_the_command_compares_and_plans(study):
    common = ["prevalence", str(study.path), "--workspace", str(study.workspace.root)]
    done = CliRunner().invoke(cli, [*common, "--compare", "A", "B"])
    assert done.exit_code == 0, done.output
    assert "from A (120 posts) to B (120 posts), in percentage points" in done.output
    done = CliRunner().invoke(cli, [*common, "--plan", "--width", "0.1"])
    assert done.exit_code == 0, done.output
    assert "audit posts to label for an interval of 10 points" in done.output
    done = CliRunner().invoke(cli, [*common, "--width", "0.1"])
    assert done.exit_code == 2
    assert "--width goes with --plan" in done.output


def test_the_queue_that_a_plan_names_asks_for_as_many_audit_posts(study):
    """Half of the audit waits: those that wait are among the posts to be asked."""
    study.answers = {i: study.answers[i] for i in study.drawn[:30]}
    study.label()
    where = ["--workspace", str(study.workspace.root)]
    planned = CliRunner().invoke(cli, ["prevalence", str(study.path), *where, "--plan"])
    (command,) = re.findall(r"narraframe (queue POSTS .*) --force", planned.output)
    words = command.replace("POSTS", str(study.path)).split()
    words[words.index("-o") + 1] = str(study.workspace.path("data/queue.csv"))
    done = CliRunner().invoke(cli, [*words, *where])
    assert done.exit_code == 0, done.output
    queued = read_queue(study.workspace.path("data/queue.csv"))
    assert {item.design for item in queued} == {"audit"}
    plans = run(study, width=0.1).plans
    assert len(queued) == max(plan.n_more for plan in plans)
    assert set(study.drawn[:30]) == set(study.answers)
    assert {*study.drawn} == {*study.answers, *(item.post_id for item in queued)}


def test_the_command_tells_a_census_from_an_audit_and_labels_apart(tmp_path, monkeypatch):
    study = Study(tmp_path / "study", monkeypatch, n=0)
    long = "Coercion by those who hold the strings of"
    book = BOOK.replace('"Farming"', f'"{long} grain"').replace('"Voting"', f'"{long} votes"')
    study.workspace.codebook.write_text(book)
    study.answers = {post_id: truth(i) for i, post_id in enumerate(IDS)}
    study.label()
    common = ["prevalence", str(study.path), "--workspace", str(study.workspace.root)]
    done = CliRunner().invoke(cli, common)
    assert done.exit_code == 0, done.output
    assert "audit" not in done.output
    assert "all of them have an answer" in done.output
    assert f"{long} grain" in done.output
    assert f"{long} votes" in done.output


def test_a_label_that_a_tenth_of_the_answers_leave_open_is_named(study):
    """Two annotators disagree on farming in 15 of 60 posts."""
    study.more = [
        Annotation(post_id=i, annotator="other", label_id="farming", value=int(not labels))
        for i, labels in list(study.answers.items())[:15]
    ]
    study.label()
    found = study.find(by=())
    assert found.of("farming").n_audit == 45
    assert any(note.endswith("like the others: farming (15 of 60)") for note in found.notes)


def test_what_chance_alone_would_call_a_change_is_said(study):
    study.answers = {
        i: ["farming", "voting"] if IDS.index(i) % 3 == 0 else [] for i in study.answers
    }
    study.label()
    common = ["prevalence", str(study.path), "--workspace", str(study.workspace.root)]
    done = CliRunner().invoke(cli, [*common, "--compare", "2024-05", "2024-06"])
    assert "of 2 that did not change, about 0.1 would be called so" in done.output
