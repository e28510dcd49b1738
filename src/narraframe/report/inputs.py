"""What a report is made of: `ReportInput`, and the check that its parts belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from narraframe.errors import TableError
from narraframe.records import (
    ByChannel,
    Codebook,
    Drift,
    HeldOut,
    LabelPlan,
    Post,
    Prevalence,
    Quality,
    Scores,
    Spread,
    Themes,
    ThemesAgainstLabels,
    ThemeSummary,
    Trends,
    Uncovered,
)
from narraframe.report.curves import Curve

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """Everything that one report shows; a part that is None or empty is named as missing.

    `theme_figures` holds those of `themes.quality` by name (nan = unknown), and any others; `model`
    says what made the scores (name, version, encoder, ...); `reading` counts what was
    read, kept and dropped, and why, in the order in which it is to be shown.

    `evidence` gives, by post and label id, the code points of a post's text that carry a decision.
    `held_out` are predictions on posts that the model was not trained on, `reliability` the curves
    of these: of all labels, then of each. `plans` say how many more posts are to be labelled until
    a share is known well, of all posts and by channel. `uncovered` are the themes that no label
    covers, None where nobody looked. `left_out` says why, by the name of a part that could not be
    made.
    """

    title: str
    posts: Sequence[Post]
    made_at: datetime
    themes: Themes | None = None
    summaries: Sequence[ThemeSummary] = ()
    theme_figures: Mapping[str, float] = field(default_factory=dict)
    theme_warnings: Sequence[str] = ()
    codebook: Codebook | None = None
    scores: Scores | None = None
    quality: Quality | None = None
    model: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, int] = field(default_factory=dict)
    source_note: str = ""
    evidence: Mapping[tuple[str, str], Spans] = field(default_factory=dict)
    held_out: HeldOut | None = None
    reliability: Sequence[Curve] = ()
    prevalence: Prevalence | None = None
    plans: Sequence[LabelPlan] = ()
    trends: Trends | None = None
    by_channel: ByChannel | None = None
    uncovered: Sequence[Uncovered] | None = None
    spread: Spread | None = None
    drift: Drift | None = None
    against: ThemesAgainstLabels | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def check(report: ReportInput) -> None:
    """Refuse parts that cannot be joined by post_id.

    Raises
    ------
    TableError
        If a post_id repeats among the posts, the themes or the scores, or if the themes or the
        scores share no post at all with the report.
    """
    post_ids = [post.post_id for post in report.posts]
    _refuse_repeats("the posts", post_ids)
    known = set(post_ids)
    for name, rows in (("themes", report.themes), ("scores", report.scores)):
        if rows is None:
            continue
        _refuse_repeats(f"the {name}", rows.post_ids)
        if known and rows.post_ids and known.isdisjoint(rows.post_ids):
            raise TableError(
                f"the {name} share no post with the report",
                got=rows.post_ids[0],
                remedy="They were computed from other posts: run that stage again.",
            )


def _refuse_repeats(where: str, post_ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for post_id in post_ids:
        if post_id in seen:
            raise TableError("a post_id occurs twice", where=where, got=post_id)
        seen.add(post_id)
