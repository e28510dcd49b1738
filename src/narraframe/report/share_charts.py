"""Charts of shares with intervals, and of how far probabilities mean what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from narraframe.records import Codebook, Estimate, LabelShare, Prevalence
from narraframe.report.charts import Chart
from narraframe.report.curves import Curve
from narraframe.report.facets import label_name
from narraframe.report.label_times import top_of
from narraframe.report.shown import month

DESIGN, NAIVE = "design", "naive"
FEWEST = 5
"""Answers of a month of which a share is drawn."""


def share_dots(shares: Sequence[LabelShare], codebook: Codebook | None, *, facet: str) -> Chart:
    """Dots with whiskers: each label's share by design; the count of decisions as a cross."""
    names = [label_name(codebook, share.label_id) for share in shares]
    return {
        "label": f"Dot chart: share of posts with each label of {facet}, as in the table below",
        "kind": "dots",
        "unit": " %",
        "option": {
            "xAxis": {"type": "value", "min": 0},
            "yAxis": {"type": "category", "inverse": True, "data": names},
        },
        "variants": {
            DESIGN: {"series": dots([share.design for share in shares], "Share by design")},
            NAIVE: {"series": dots([_alone(share) for share in shares], "Share of decisions")},
        },
        "variant": DESIGN,
    }


def share_months(prevalence: Prevalence, label_id: str, name: str) -> Chart | None:
    """Return one label's share by design per month with its interval.

    None where fewer than two months have `FEWEST` answers: of fewer, a share says nothing.
    """
    found = [prevalence.of(label_id, by="month", value=m) for m in prevalence.slices("month")]
    shares = [share for share in found if share is not None]
    points = [_point(share) for share in shares]
    if sum(point is not None for point in points) < 2:
        return None
    return {
        "label": f"Share of posts with {name} per month, by design, with its interval",
        "kind": "band",
        "option": {
            "xAxis": {"type": "category", "data": [month(share.value) for share in shares]},
            "yAxis": {"type": "value", "min": 0, "max": top_of([points])},
            "series": [
                {"id": end, "data": [point and point[at] for point in points]}
                for at, end in ((0, "low"), (2, "high"), (1, "value"))
            ],
        },
        "answers": [share.n_audit for share in shares],
    }


def _point(share: LabelShare) -> tuple[float, float, float] | None:
    ends = (share.design.low, share.design.value, share.design.high)
    if share.n_audit < FEWEST or math.isnan(sum(ends)):
        return None
    low, value, high = (round(100 * end, 1) for end in ends)
    return low, value, high


def reliability_chart(curves: Sequence[Curve], names: Sequence[str]) -> Chart:
    """Dots with whiskers along the diagonal: share of positives over probability, a curve each."""
    return {
        "label": "Reliability: share of positives over the probability, with intervals",
        "kind": "reliability",
        "option": {},
        "variants": {
            str(number): {
                "points": [
                    [
                        round(one.probability, 4),
                        _rounded(one.share.value),
                        _rounded(one.share.low),
                        _rounded(one.share.high),
                        one.share.n,
                    ]
                    for one in curve.bins
                ],
                "name": name,
            }
            for number, (curve, name) in enumerate(zip(curves, names, strict=True))
        },
        "variant": "0",
    }


def _alone(share: LabelShare) -> Estimate:
    return Estimate(share.naive.value, math.nan, math.nan, share.naive.n)


def dots(estimates: Sequence[Estimate], title: str) -> list[dict[str, Any]]:
    """Return whiskers, points and what is not known as series, one row an estimate."""
    points: list[dict[str, Any]] = []
    whiskers: list[list[float | int | None]] = []
    undefined = []
    for row, estimate in enumerate(estimates):
        if math.isnan(estimate.value):
            undefined.append([0, row])
            continue
        points.append({"value": [_percent(estimate.value), row], "note": _note(estimate, title)})
        if not math.isnan(estimate.low + estimate.high):
            ends = [[_percent(estimate.low), row], [_percent(estimate.high), row]]
            whiskers += [*ends, [None, row]]
    return [
        {"id": "whiskers", "type": "line", "data": whiskers, "connectNulls": False},
        {"id": "points", "name": title, "type": "scatter", "data": points},
        {"id": "undefined", "type": "scatter", "data": undefined},
    ]


def _note(estimate: Estimate, title: str) -> str:
    if math.isnan(estimate.value):
        return "not known"
    note = f"{title} {100 * estimate.value:.1f} %"
    if math.isnan(estimate.low + estimate.high):
        return f"{note}, no interval"
    ends = f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f} %"
    return f"{note}, {estimate.level:.0%} interval {ends}"


def _percent(value: float) -> float | None:
    return None if math.isnan(value) else round(100 * value, 2)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
