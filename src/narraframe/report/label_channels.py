"""A label channel by channel: how much of each, and how it went over time there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from narraframe.records import ByChannel, Estimate, LabelPlan, Prevalence, Trend
from narraframe.records.prevalence import ALL, CHANNEL
from narraframe.report.bars import per_cent
from narraframe.report.charts import Chart
from narraframe.report.label_times import line_of, share_points, top_of
from narraframe.report.share_charts import dots
from narraframe.report.shown import DASH, interval, period

Plans = Mapping[tuple[str, str, str], LabelPlan]


@dataclass(frozen=True)
class ChannelRow:
    """One channel of a label: counts, and shares as written; `design` is known where `measured`.

    `counted` is the share of decisions among the channel's distinct posts, with an interval of
    chance alone; `more` how many posts to label until the share is known to within ten points.
    """

    name: str
    posts: int
    distinct: int
    of_distinct: int
    counted: str
    design: str
    measured: bool
    n_audit: int
    more: int | None
    note: str
    length: float


def plans_of(plans: Sequence[LabelPlan]) -> Plans:
    """Return the plans by label, kind of slice and slice."""
    return {(plan.label_id, plan.by, plan.value): plan for plan in plans}


def needed(plans: Plans, label_id: str, channel: str = "") -> int | None:
    """Return how many more posts to label, of all posts or of a channel; None = not known."""
    plan = plans.get((label_id, CHANNEL if channel else ALL, channel))
    return plan.n_more if plan else None


def channel_rows(
    found: ByChannel | None, label_id: str, prevalence: Prevalence | None, plans: Plans
) -> tuple[ChannelRow, ...]:
    """Return a row for every channel, none where channels are not known."""
    line = line_of(found.shares, "label", label_id) if found else None
    if found is None or line is None:
        return ()
    at = {name: i for i, name in enumerate(found.shares.periods)}
    top = max((int(n) for n in line.n), default=0)
    return tuple(
        _row(name, line, at[name], prevalence, plans, top) for name in found.channels if name in at
    )


def _row(
    name: str, line: Trend, at: int, prevalence: Prevalence | None, plans: Plans, top: int
) -> ChannelRow:
    design = prevalence.of(line.key, by=CHANNEL, value=name) if prevalence else None
    measured = design is not None and design.is_known
    return ChannelRow(
        name=name,
        posts=int(line.n[at]),
        distinct=int(line.n_distinct[at]),
        of_distinct=int(line.of_distinct[at]),
        counted=interval(line.shares[at]) if line.of_distinct[at] else DASH,
        design=interval(design.design) if design is not None and measured else DASH,
        measured=measured,
        n_audit=design.n_audit if design else 0,
        more=needed(plans, line.key, name),
        note=design.note if design else "",
        length=per_cent(int(line.n[at]), top),
    )


def channel_chart(
    found: ByChannel, label_id: str, name: str, prevalence: Prevalence | None
) -> Chart | None:
    """Dots with whiskers: shares by design, and hollow ones: counts; None without channels."""
    line = line_of(found.shares, "label", label_id)
    if line is None:
        return None
    at = {channel: i for i, channel in enumerate(found.shares.periods)}
    channels = [channel for channel in found.channels if channel in at]
    designs = [_design(prevalence, label_id, channel) for channel in channels]
    counts = [line.shares[at[channel]] for channel in channels]
    # one interval a row: where the audit speaks, the count is a mark beside its answer
    bare = [
        one if math.isnan(design.value) else Estimate(one.value, math.nan, math.nan, one.n)
        for one, design in zip(counts, designs, strict=True)
    ]
    by_design, by_count = dots(designs, "Share by design"), dots(bare, "Share of decisions")
    return {
        "label": f"Dot chart: share of posts with {name} in each channel, as in the table below",
        "kind": "dots",
        "unit": " %",
        "option": {
            "xAxis": {"type": "value", "min": 0},
            "yAxis": {
                "type": "category",
                "inverse": True,
                "data": [
                    f"{channel}\nn = {int(line.of_distinct[at[channel]]):,}" for channel in channels
                ],
            },
            "series": [
                by_design[0],
                by_design[1],
                _unknown(counts, designs),
                by_count[0],
                by_count[1],
            ],
        },
    }


def channel_times(found: ByChannel, label_id: str, name: str) -> Chart | None:
    """Return small charts, one a channel, of the share over time; None where nothing is drawn.

    Channels that have too few posts in every period are left out.
    """
    panels, drawn = [], []
    for trends in found.over_time:
        line = line_of(trends, "label", label_id)
        if line is None:
            continue
        at = {key: i for i, key in enumerate(trends.periods)}
        own = share_points(line)
        places = [at.get(key) for key in found.periods]
        points = [None if i is None else own[i] for i in places]
        if not any(points):
            continue
        drawn.append(points)
        panels.append(
            {
                "name": trends.channel,
                "points": points,
                "n": [0 if i is None else int(line.n_distinct[i]) for i in places],
                "of": [0 if i is None else int(line.of_distinct[i]) for i in places],
            }
        )
    if sum(point is not None for points in drawn for point in points) < 2:
        return None
    return {
        "label": f"Small charts, one a channel: share of distinct posts with {name} "
        f"by {found.over_time[0].by}",
        "kind": "multiples",
        "option": {},
        "periods": [period(key) for key in found.periods],
        "panels": panels,
        "top": top_of(drawn),
    }


def _design(prevalence: Prevalence | None, label_id: str, channel: str) -> Estimate:
    found = prevalence.of(label_id, by=CHANNEL, value=channel) if prevalence else None
    return found.design if found else Estimate(math.nan, math.nan, math.nan, 0)


def _unknown(counts: Sequence[Estimate], designs: Sequence[Estimate]) -> dict[str, Any]:
    rows = [
        row
        for row, pair in enumerate(zip(counts, designs, strict=True))
        if all(math.isnan(one.value) for one in pair)
    ]
    return {"id": "undefined", "type": "scatter", "data": [[0, row] for row in rows]}
