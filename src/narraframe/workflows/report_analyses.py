"""What a report adds to posts, themes and scores by itself: shares, changes, coverage, drift.

Each part stands alone: one that cannot be made is left out with a reason, and the page is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from narraframe.config import Workspace
from narraframe.embeddings.encoder import stands_in
from narraframe.errors import NarraframeError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.registry import Registered
from narraframe.io.themes import ThemesFolder
from narraframe.metrics.trends import period_of
from narraframe.metrics.trends import trends as follow
from narraframe.posts.spread import copies_of
from narraframe.posts.spread import spread as trace
from narraframe.records import (
    ByChannel,
    Codebook,
    Drift,
    LabelPlan,
    Post,
    Prevalence,
    Scores,
    Spread,
    ThemesAgainstLabels,
    Trends,
    Uncovered,
)
from narraframe.records.prevalence import MONTH
from narraframe.workflows.columns import (
    Decisions,
    Found,
    decisions_of,
    found_of,
    group_column,
    leaves_of_facet,
    lines_of,
)
from narraframe.workflows.coverage import Coverage, coverage_of, likeness
from narraframe.workflows.drift_watch import DriftWatch
from narraframe.workflows.report_shares import Shares, labels_by_channel, shares_and_plans
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.themes import read_state_and_shown
from narraframe.workflows.watch import Watch

SHARES = "shares of posts with intervals"
RISES = "what rose, and when"
CHANNELS = "labels by channel"
COVERAGE = "themes against labels"
SPREAD = "who repeats whom"
DRIFT = "new posts beside the training posts"

_MONTHS_ENOUGH = 6
"""With fewer, labels and themes are followed by week."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class AtHand:
    """What a report was given; `model` is the one that made the scores, None if it is not here."""

    posts: Sequence[Post]
    scores: Scores | None = None
    codebook: Codebook | None = None
    model: Registered | None = None
    themes: ThemesFolder | None = None
    themes_folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Analyses:
    """What was computed of the posts besides themes and scores; None: it was not.

    `left_out` says why, by the name of the part, where a reader could expect it.
    """

    prevalence: Prevalence | None = None
    plans: Sequence[LabelPlan] = ()
    trends: Trends | None = None
    by_channel: ByChannel | None = None
    against: ThemesAgainstLabels | None = None
    uncovered: Sequence[Uncovered] | None = None
    spread: Spread | None = None
    drift: Drift | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


class _Absent(Exception):  # noqa: N818
    """There is nothing to make a part of, which is no fault; says what is missing."""


def analyse(hand: AtHand, *, workspace: Workspace, watch: Watch) -> Analyses:
    """Make every part that can be made of what is at hand.

    A part that fails is a warning; it and a part that lacks something are named in `left_out`.
    """
    left_out: dict[str, str] = {}

    def attempt(part: str, make: Callable[[], Part]) -> Part | None:
        try:
            return make()
        except _Absent as absent:
            left_out[part] = str(absent)
        except (NarraframeError, OSError, ValueError, ArithmeticError) as error:
            watch.warn(f"the page leaves out {part}: {error}")
            # without its place: the page is passed on
            left_out[part] = error.what if isinstance(error, NarraframeError) else str(error)
        return None

    posts, scores, themes = hand.posts, hand.scores, hand.themes
    names = {label.label_id: label.name for label in hand.codebook.labels} if hand.codebook else {}
    decisions = decisions_of(scores, posts, names=names) if scores else None
    found = found_of(themes, posts) if themes else None
    scorer = cache(lambda: _scorer(hand, workspace=workspace, watch=watch))
    coverage = (
        attempt(COVERAGE, lambda: _coverage(hand, decisions, found, scorer))
        if decisions and found
        else None
    )
    shares = attempt(SHARES, lambda: _shares(hand, workspace)) if scores else None
    if shares and shares.why:
        left_out[SHARES] = shares.why
    return Analyses(
        prevalence=shares.prevalence if shares else None,
        plans=shares.plans if shares else (),
        trends=attempt(RISES, lambda: _trends(posts, decisions, found))
        if decisions or found
        else None,
        by_channel=attempt(CHANNELS, lambda: labels_by_channel(posts, decisions, by=_by(posts)))
        if decisions
        else None,
        against=coverage.cross if coverage else None,
        uncovered=coverage.uncovered if coverage else None,
        spread=attempt(SPREAD, lambda: _spread(posts, decisions, found)),
        drift=attempt(DRIFT, lambda: _drift(hand, scorer, workspace=workspace, watch=watch))
        if scores
        else None,
        left_out=left_out,
    )


def _shares(hand: AtHand, workspace: Workspace) -> Shares:
    if not workspace.codebook.exists():
        raise _Absent("there is no codebook in the workspace, and so no audit")
    return shares_and_plans(hand.posts, hand.scores, workspace)


def _trends(posts: Sequence[Post], decisions: Decisions | None, found: Found | None) -> Trends:
    by = _by(posts)
    if not any(post.created_at for post in posts):
        raise _Absent("no post has a date")
    place = [period_of(post.created_at, by) for post in posts]
    return follow(lines_of(decisions, found), place, group_column(posts), by=by)


def _by(posts: Sequence[Post]) -> str:
    """Return the period that labels and themes are followed by."""
    months = {period_of(post.created_at, MONTH) for post in posts if post.created_at}
    return MONTH if len(months) >= _MONTHS_ENOUGH else "week"


def _spread(posts: Sequence[Post], decisions: Decisions | None, found: Found | None) -> Spread:
    if len({post.channel for post in posts if post.channel}) < 2:
        raise _Absent("the posts are not of two channels or more")
    copied = (
        copies_of(line.kind, line.key, line.name, rows=np.flatnonzero(line.carries), posts=posts)
        for line in lines_of(decisions, found)
    )
    return trace(posts, copied=copied)


def _coverage(
    hand: AtHand, decisions: Decisions | None, found: Found | None, scorer: Callable[[], Scorer]
) -> Coverage:
    """Cross the themes with the first facet that the model decides on."""
    assert decisions is not None
    assert found is not None
    if hand.codebook is None:
        raise _Absent("there is no codebook that says which labels belong together")
    for facet in hand.codebook.facets:
        leaves = leaves_of_facet(hand.codebook, facet.facet_id)
        chosen = decisions.only(leaves)
        if chosen.decided.any():
            near = _likeness(hand, leaves, scorer)
            return coverage_of(hand.posts, chosen, found, near=near)
    raise _Absent("the scores have no label of the codebook")


def _likeness(
    hand: AtHand, leaves: Sequence[str], scorer: Callable[[], Scorer]
) -> Mapping[int, tuple[str, float]] | None:
    """Compare themes with definitions, if the model's encoder is the one of the themes."""
    if hand.codebook is None or hand.themes_folder is None:
        return None
    try:
        encoder = scorer().encoder
    except (_Absent, NarraframeError):
        return None  # drift says so: it needs the model as well
    state, content = read_state_and_shown(hand.themes_folder)
    if not stands_in(encoder.name, state.encoder):
        return None
    return likeness(state, content, hand.codebook, leaves, encoder=encoder)


def _scorer(hand: AtHand, *, workspace: Workspace, watch: Watch) -> Scorer:
    if hand.model is None:
        raise _Absent("the model that made the scores is not in this workspace")
    return open_registered(hand.model, workspace=workspace, watch=watch)


def _drift(
    hand: AtHand, scorer: Callable[[], Scorer], *, workspace: Workspace, watch: Watch
) -> Drift:
    assert hand.scores is not None
    opened = scorer()
    if opened.bundle.reference is None:
        raise _Absent("the model keeps nothing of its training posts: train it again")
    vectors = EmbeddingCache(workspace.cache, opened.encoder.name)
    seen = DriftWatch(opened, vectors)
    seen.update(*_together(hand.posts, hand.scores, opened.classifier.label_ids))
    for fault in vectors.faults:
        watch.warn(fault)
    return seen.result()


def _together(
    posts: Sequence[Post], scores: Scores, label_ids: tuple[str, ...]
) -> tuple[list[Post], Scores]:
    """Return the posts that are among the scores, and their scores in the order of both."""
    place = {post_id: i for i, post_id in enumerate(scores.post_ids)}
    column = {label_id: j for j, label_id in enumerate(scores.label_ids)}
    kept = [post for post in posts if post.post_id in place]
    rows = [place[post.post_id] for post in kept]
    there = np.array([label_id in column for label_id in label_ids], dtype=np.bool_)
    cells = np.ix_(rows, [column.get(label_id, 0) for label_id in label_ids])
    return kept, Scores(
        post_ids=tuple(post.post_id for post in kept),
        label_ids=label_ids,
        probability=np.where(there, scores.probability[cells], np.float32(np.nan)),
        decision=scores.decision[cells] & there,
        abstained=scores.abstained[cells] & there,
        thresholds=np.where(there, scores.thresholds[cells[1][0]], np.nan),
        reasons=tuple(scores.reasons[i] for i in rows),
        model=scores.model,
    )
