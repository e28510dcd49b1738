"""A label or theme over time: its share period by period, and the bursts marked in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from narraframe.records import Trend, Trends
from narraframe.report.changes import how_sure, when
from narraframe.report.charts import Chart
from narraframe.report.shown import period, plural, share

RISES_SHOWN = 5
LEAST = 5
"""A share of fewer distinct posts is not drawn: it would leap from none to all."""


def line_of(trends: Trends | None, kind: str, key: str) -> Trend | None:
    """Return the line of a label or theme, None where it was not followed."""
    lines = trends.lines if trends else ()
    return next((line for line in lines if (line.kind, line.key) == (kind, key)), None)


def time_chart(trends: Trends, line: Trend) -> Chart | None:
    """Return the share of distinct posts over time with its interval; None where all are few."""
    points = share_points(line)
    if sum(point is not None for point in points) < 2:
        return None
    return {
        "label": f"Share of distinct posts on which the classifier decided for {line.name}, "
        f"by {trends.by}" + ("; raised stretches are shaded" if line.bursts else ""),
        "kind": "band",
        "option": {
            "xAxis": {"type": "category", "data": [period(key) for key in trends.periods]},
            "yAxis": {"type": "value", "min": 0, "max": top_of([points])},
            "series": [
                {"id": end, "data": [point and point[at] for point in points]}
                for at, end in ((0, "low"), (2, "high"), (1, "value"))
            ],
        },
        "n": line.n_distinct.tolist(),
        "of": line.of_distinct.tolist(),
        "marks": marks(line, trends.periods),
    }


def share_points(line: Trend) -> list[tuple[float, float, float] | None]:
    """Return (low, share, high) in per cent of each period, None where there are few posts."""
    return [
        (_percent(one.low), _percent(one.value), _percent(one.high)) if of >= LEAST else None
        for one, of in zip(line.shares, line.of_distinct.tolist(), strict=True)
    ]


def marks(line: Trend, axis: Sequence[str]) -> list[dict[str, Any]]:
    """Return where each burst begins and ends on an axis of periods, and how many times the usual.

    An entry of the axis may be a run of periods without posts, as `month_axis` makes them.
    """
    return [
        {
            "first": _at(burst.first, axis),
            "last": _at(burst.last, axis),
            "ratio": round(burst.ratio, 1),
        }
        for burst in line.bursts
    ]


def rises_of(line: Trend | None) -> tuple[str, ...]:
    """Return a sentence on each burst of a line, the weightiest `RISES_SHOWN` in time order."""
    bursts = [burst for burst in (line.bursts if line else ()) if burst.of]
    shown = sorted(bursts, key=lambda burst: -burst.weight)[:RISES_SHOWN]
    said = [
        f"Raised {when(burst)}: {burst.n:,} of {plural(burst.of, 'distinct post')} "
        f"({share(burst.n / burst.of)}), {burst.ratio:.1f} times its usual share; "
        f"how sure: {how_sure(burst)}."
        for burst in bursts
        if burst in shown
    ]
    more = len(bursts) - len(shown)
    return (
        (*said, f"And {plural(more, 'weaker stretch', 'weaker stretches')}.") if more else (*said,)
    )


def top_of(panels: Sequence[Sequence[tuple[float, float, float] | None]]) -> float:
    """Return where an axis of per cent may end: above all shares, the widest intervals cut off."""
    known = [one for panel in panels for one in panel if one]
    share = max((one[1] for one in known), default=0.0)
    end = max((one[2] for one in known), default=0.0)
    wanted = min(max(1.1 * share, min(end, 2 * share), 1.0), 100.0)
    steps = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100)
    return next(step for step in steps if step >= wanted)


def _at(key: str, axis: Sequence[str]) -> int:
    """Return the entry that holds a period; entries are in order, and so are their names."""
    return max((i for i, name in enumerate(axis) if name.partition("/")[0] <= key), default=0)


def _percent(value: float) -> float:
    return round(100 * value, 1)
