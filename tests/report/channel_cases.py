"""Posts of three channels over a year, with a burst in one of them, and a report of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from report_cases import codebook, moment, whole

from narraframe.metrics.trends import Line, period_of
from narraframe.metrics.trends import trends as follow
from narraframe.records import (
    Estimate,
    LabelPlan,
    LabelShare,
    Post,
    Prevalence,
    Scores,
    Themes,
    ThemeSummary,
)
from narraframe.workflows.columns import decisions_of, group_column, lines_of
from narraframe.workflows.report_shares import labels_by_channel

CHANNELS = ("North", "South", "East")
A_MONTH = 12  # posts of each channel
N = len(CHANNELS) * 12 * A_MONTH
RAISED = (6, 7)  # June and July, in the North: three of four posts instead of one of twelve


def posts() -> tuple[Post, ...]:
    return tuple(
        Post(
            post_id=f"p{i}",
            text=f"Note {i} on the port",
            channel=CHANNELS[i % 3],
            created_at=moment(f"2024-{1 + i // 36:02}-01") + timedelta(days=i % 28),
            lang="en",
        )
        for i in range(N)
    )


def carries() -> np.ndarray:
    """Whether each post is of trade: one of twelve, more in the North while it is raised."""
    place = np.arange(N)
    number, month = place // 3 % A_MONTH, 1 + place // 36
    raised = (place % 3 == 0) & np.isin(month, RAISED)
    return np.where(raised, number % 4 > 0, number == 0)


def scores() -> Scores:
    decision = np.stack([carries(), np.zeros(N, bool)], axis=1)
    return Scores(
        post_ids=tuple(f"p{i}" for i in range(N)),
        label_ids=("trade", "warm"),
        probability=np.where(decision, 0.9, 0.1).astype(np.float32),
        decision=decision,
        abstained=np.zeros((N, 2), bool),
        thresholds=np.array([0.5, 0.5]),
        reasons=("",) * N,
        model="small/3",
    )


def decisions():
    names = {label.label_id: label.name for label in codebook().labels}
    return decisions_of(scores(), posts(), names=names)


def share(by: str, value: str, design: Estimate, *, n_audit: int, note: str = "") -> LabelShare:
    return LabelShare(
        label_id="trade", by=by, value=value, n_posts=144, n_scored=144, n_audit=n_audit,
        n_positive=4, effective_size=30.0, naive=Estimate(0.15, 0.1, 0.2, 144),
        calibrated=design, classical=design, design=design, method="audit", power=0.0, note=note,
    )  # fmt: skip


def prevalence() -> Prevalence:
    """The audit speaks of all posts and of the North; in the South nobody has answered."""
    nan = float("nan")
    return Prevalence(
        model="small/3", label_ids=("trade",), by=("month", "channel"),
        shares=(
            share("all", "", Estimate(0.12, 0.03, 0.24, 20), n_audit=20,
                  note="too small an audit: 20 answers"),
            share("channel", "North", Estimate(0.25, 0.1, 0.45, 20), n_audit=20),
            share("channel", "South", Estimate(nan, nan, nan, 0), n_audit=0),
        ),
        n_posts=N, n_unscored=0, n_drawn=20, n_answered=20, n_copied=0, n_skipped=0, n_uncovered=0,
    )  # fmt: skip


def plans() -> tuple[LabelPlan, ...]:
    return (
        LabelPlan(label_id="trade", by="all", value="", n_posts=N, n_audit=20, width_now=0.21,
                  n_more=87),
        LabelPlan(label_id="trade", by="channel", value="North", n_posts=144, n_audit=20,
                  width_now=0.35, n_more=61),
    )  # fmt: skip


def trends():
    """Labels by month, and a theme that is the same posts as trade."""
    place = [period_of(post.created_at, "month") for post in posts()]
    theme = Line("theme", "T0", "port", carries(), np.ones(N, bool))
    lines = [*lines_of(decisions(), None), theme]
    return follow(lines, place, group_column(posts()), by="month")


def report():
    """The report of these posts, with an audit that reaches one channel."""
    theme = np.where(carries(), 0, -1).astype(np.int32)
    at = np.arange(N, dtype=np.float32)
    return replace(
        whole(),
        posts=posts(),
        scores=scores(),
        themes=Themes(scores().post_ids, theme, np.ones(N, np.float32), np.stack([at, at], 1)),
        summaries=(ThemeSummary(0, "port", (("port", 1.0),), 0, 0, ("p0",)),),
        prevalence=prevalence(),
        plans=plans(),
        trends=trends(),
        by_channel=labels_by_channel(posts(), decisions(), by="month"),
    )
