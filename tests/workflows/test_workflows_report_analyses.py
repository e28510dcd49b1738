"""What a report adds by itself: each part stands alone, and one that fails is a warning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from topic_study import LABELS, MODEL, TopicStudy, said, text, truth

from narraframe.cli import run
from narraframe.embeddings.hashing import HashingEncoder
from narraframe.errors import EncoderError
from narraframe.io.codebook import read_codebook
from narraframe.io.rows import open_rows
from narraframe.io.scores import score_rows
from narraframe.io.tables import SCORES
from narraframe.io.themes import ThemesFolder
from narraframe.records import Scores, Themes, ThemeSummary
from narraframe.workflows import report_analyses
from narraframe.workflows.prevalence import prevalence_of
from narraframe.workflows.report_analyses import (
    CHANNELS,
    COVERAGE,
    DRIFT,
    RISES,
    SHARES,
    SPREAD,
    AtHand,
    analyse,
)
from narraframe.workflows.watch import Silent

N = 120
IDS = tuple(f"p{i:03}" for i in range(N))


class Study(TopicStudy):
    """A workspace with 120 posts of two channels and eight months, every fourth of farming."""

    def __init__(self, folder) -> None:
        super().__init__(
            folder,
            n=N,
            month_of=lambda i: 1 + i % 8,
            text_of=lambda i: text(i - 1 if i == N - 1 else i),
        )
        self.scores_path = folder / "scores.parquet"
        self.watch = Silent()

    @property
    def scores(self) -> Scores:
        yes = np.arange(N) % 4 == 0
        decision = np.column_stack([yes, np.zeros(N, bool)])
        return Scores(
            post_ids=IDS,
            label_ids=LABELS,
            probability=np.where(decision, 0.8, 0.1).astype(np.float32),
            decision=decision,
            abstained=np.zeros((N, 2), bool),
            thresholds=np.array([0.5, 0.5]),
            reasons=("",) * N,
            model=MODEL,
        )

    @property
    def themes(self) -> ThemesFolder:
        theme = (np.arange(N) % 4 > 0).astype(np.int32)
        summaries = tuple(
            ThemeSummary(
                theme=t,
                name=name,
                keywords=((name, 1.0),),
                n_posts=int((theme == t).sum()),
                n_groups=int((theme == t).sum()),
                representative_post_ids=(),
                confidence=0.9,
                stability=0.9,
            )
            for t, name in enumerate(("fields", "songs"))
        )
        xy = np.zeros((N, 2), np.float32)
        themes = Themes(post_ids=IDS, theme=theme, membership=np.ones(N, np.float32), xy=xy)
        return ThemesFolder(themes=themes, summaries=summaries, figures={}, warnings=())

    @property
    def hand(self) -> AtHand:
        return AtHand(
            self.posts, self.scores, read_codebook(self.workspace.codebook), themes=self.themes
        )

    def audit(self, n: int = 40, *, answered: bool = True) -> None:
        """Draw an audit, and answer it: farming where it is so."""
        drawn = self.draw(n)
        if answered:
            self.annotate([row for i in drawn for row in said(i, *truth(IDS.index(i)))])

    def analyse(self, hand: AtHand | None = None):
        return analyse(hand or self.hand, workspace=self.workspace, watch=self.watch)

    def page(self, capsys) -> str:
        """Run the command on the tables, without themes; the page."""
        names = {"farming": "Farming", "voting": "Voting"}
        with open_rows(self.scores_path, SCORES, force=True) as writer:
            writer.write(score_rows(self.scores, names=names, reasons=("", "")))
        out = self.workspace.root / "page.html"
        words = ["report", self.path, "--scores", self.scores_path, "-o", out, "--force"]
        code = run([*map(str, words), "--workspace", str(self.workspace.root)])
        said = capsys.readouterr()
        assert code == 0, said.err
        return out.read_text(encoding="utf-8")


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "study")


def test_with_scores_and_themes_all_is_made_that_needs_neither_audit_nor_encoder(study):
    found = study.analyse()
    assert found.against.themes == (0, 1)
    assert found.against.n[:, 0].tolist() == [N // 4, 0]
    assert [one.name for one in found.uncovered] == ["songs"]
    assert np.isnan(found.uncovered[0].likeness)
    assert {line.key for line in found.trends.lines} == {*LABELS, "T0", "T1"}
    assert found.trends.by == "month"
    assert found.spread.n_posts == N
    assert set(found.left_out) == {SHARES, DRIFT}
    assert study.watch.warnings == []


def test_posts_alone_are_looked_at_for_who_repeats_whom_and_nothing_is_missed(study):
    found = study.analyse(AtHand(study.posts))
    assert found == replace(found, prevalence=None, trends=None, against=None, drift=None)
    assert found.spread is not None
    assert found.left_out == {}


def test_the_audit_speaks_of_each_channel_and_plans_what_would_tell_more(study):
    study.audit()
    found = study.analyse()
    shares = [found.prevalence.of("farming", by="channel", value=name) for name in "AB"]
    assert [share.n_posts for share in shares] == [N // 2, N // 2]
    assert sum(share.n_audit for share in shares) == 40
    more = {(p.by, p.value): p.n_more for p in found.plans if p.label_id == "farming"}
    assert set(more) == {("all", ""), ("channel", "A"), ("channel", "B")}
    assert more["all", ""] > 0
    assert {trends.channel for trends in found.by_channel.over_time} == {"A", "B"}


def test_channels_that_go_by_one_name_are_one_slice(study):
    study.audit()
    plain = prevalence_of(study.posts, study.scores, workspace=study.workspace, by=("channel",))
    together = prevalence_of(
        study.posts,
        study.scores,
        workspace=study.workspace,
        by=("channel",),
        channels={"A": "both", "B": "both"},
    )
    both = together.of("farming", by="channel", value="both")
    whole = plain.of("farming")
    assert (both.n_posts, both.n_audit, both.design) == (N, 40, whole.design)
    assert together.of("farming") == whole


def test_an_audit_without_answers_plans_the_labelling_all_the_same(study):
    study.audit(answered=False)
    found = study.analyse()
    assert found.prevalence is None
    assert found.left_out[SHARES] == "none of 40 posts drawn at random has been labelled yet"
    assert all(plan.n_more > 0 for plan in found.plans)


def test_a_short_time_is_followed_by_week(study):
    few = [post for post in study.posts if post.created_at.month < 4]
    assert study.analyse(replace(study.hand, posts=few)).trends.by == "week"


def test_without_dates_nothing_is_followed_and_the_page_says_why(study):
    undated = [replace(post, created_at=None) for post in study.posts]
    found = study.analyse(replace(study.hand, posts=undated))
    assert found.trends is None
    assert found.left_out[RISES] == "no post has a date"


def test_one_channel_repeats_nobody(study):
    alone = [replace(post, channel="A") for post in study.posts]
    found = study.analyse(replace(study.hand, posts=alone))
    assert found.spread is None
    assert "two channels" in found.left_out[SPREAD]


def test_without_a_codebook_themes_are_not_held_against_labels(study):
    found = study.analyse(replace(study.hand, codebook=None))
    assert found.against is None
    assert "codebook" in found.left_out[COVERAGE]


@pytest.mark.parametrize(
    ("broken", "part"),
    [
        ("trace", SPREAD),
        ("follow", RISES),
        ("coverage_of", COVERAGE),
        ("shares_and_plans", SHARES),
        ("labels_by_channel", CHANNELS),
    ],
)
@pytest.mark.parametrize(
    "fault", [EncoderError("broke", where="/secret/place"), ValueError("broke")]
)
def test_a_part_that_fails_is_a_warning_and_the_others_are_made(
    study, monkeypatch, broken, part, fault
):
    def fail(*_, **__):
        raise fault

    study.audit()
    whole = study.analyse()
    monkeypatch.setattr(report_analyses, broken, fail)
    found = study.analyse()
    assert found.left_out[part] == "broke"
    assert [line for line in study.watch.warnings if part in line and "broke" in line]
    fields = {SPREAD: "spread", RISES: "trends", COVERAGE: "against", SHARES: "prevalence"}
    for of, name in fields.items():
        assert (getattr(found, name) is None) == (of == part)
        assert getattr(whole, name) is not None


def test_an_audit_without_answers_gives_no_shares(study):
    study.audit(answered=False)
    found = study.analyse()
    assert found.prevalence is None
    assert found.left_out[SHARES] == "none of 40 posts drawn at random has been labelled yet"


def test_an_answered_audit_gives_shares_with_an_interval_around_the_truth(study):
    study.audit()
    share = study.analyse().prevalence.of("farming")
    assert share.n_audit == 40
    assert share.design.low <= 0.25 <= share.design.high


def test_the_page_shows_the_interval_where_there_is_an_audit(study, capsys):
    study.audit()
    page = study.page(capsys)
    assert "Shares with intervals" in page
    assert "drawn at random and labelled by people" in page
    assert "95 % interval; 40 randomly drawn posts" in page
    assert "To get shares with intervals" not in page


def test_the_page_says_how_to_get_shares_where_there_is_no_audit(study, capsys):
    page = study.page(capsys)
    assert "counts of classifier decisions, not prevalence" in page
    assert "To get shares with intervals" in page
    assert "narraframe queue" in page
    assert "no posts were drawn at random and labelled" in page
    assert "the model that made the scores is not in this workspace" in page
    assert "Who repeats whom" in page


class Opened:
    """Stands for a scorer whose labels stand in another order than those of the table."""

    encoder = HashingEncoder(16)
    bundle = type("Bundle", (), {"reference": object()})
    classifier = type("Classifier", (), {"label_ids": ("voting", "other", "farming")})


def test_drift_is_asked_of_scores_in_the_order_of_posts_and_of_the_models_labels(
    study, monkeypatch
):
    seen = {}

    class Watching:
        def __init__(self, scorer, cache):
            assert cache is not None

        def update(self, posts, scores):
            seen.update(posts=posts, scores=scores)

        def result(self):
            return "told"

    monkeypatch.setattr(report_analyses, "open_registered", lambda *_, **__: Opened)
    monkeypatch.setattr(report_analyses, "DriftWatch", Watching)
    backward = list(reversed(study.posts))[:-1]
    hand = replace(study.hand, posts=[*backward, replace(study.posts[0], post_id="new")])
    found = study.analyse(replace(hand, model=object(), themes=None))
    assert found.drift == "told"
    assert [post.post_id for post in seen["posts"]] == list(seen["scores"].post_ids)
    assert seen["scores"].post_ids == tuple(reversed(IDS[1:]))
    scores = seen["scores"]
    assert scores.decision[:, 2].tolist() == [IDS.index(i) % 4 == 0 for i in scores.post_ids]
    assert np.isnan(scores.probability[:, 1]).all()
    assert not scores.decision[:, :2].any()


def test_a_model_without_a_reference_and_an_encoder_that_is_not_there_are_told(study, monkeypatch):
    bare = type("Bare", (Opened,), {"bundle": type("Bundle", (), {"reference": None})})
    monkeypatch.setattr(report_analyses, "open_registered", lambda *_, **__: bare)
    hand = replace(study.hand, model=object(), themes=None)
    assert "train it again" in study.analyse(hand).left_out[DRIFT]

    def missing(*_, **__):
        raise EncoderError("is not to be found", where="some/encoder")

    monkeypatch.setattr(report_analyses, "open_registered", missing)
    assert study.analyse(hand).left_out[DRIFT] == "is not to be found"
    assert "some/encoder" in study.watch.warnings[-1]
