"""Figures of labels for papers: shares over time with bursts, and shares by channel."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from narraframe.records import LabelShare, Trend, Trends
from narraframe.records.prevalence import CHANNEL
from narraframe.report.inputs import ReportInput
from narraframe.report.label_times import LEAST
from narraframe.report.shown import inert, period
from narraframe.report.theme_map import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = 12
"""Labels in a figure, those on the most posts."""
_COLUMNS = 3
_RAISED = "#c99a1f"
_GREY = "0.45"
_NAME_LENGTH = 26


def label_trends(report: ReportInput) -> Figure | None:
    """Draw each label's share of distinct posts over time, bursts shaded; None without dates."""
    trends = report.trends
    lines = _frequent(trends)
    if trends is None or not lines or len(trends.periods) < 2:
        return None
    figure, panels = _panels(len(lines), height=1.9)
    for axes, line in zip_longest(panels, lines):
        if line is None:
            axes.remove()
        else:
            _time(axes, line, trends.periods)
    figure.supylabel("per cent of distinct posts, by the classifier", fontsize="small")
    figure.supxlabel(
        f"by {trends.by}; band: 95 % interval of chance alone; shaded: raised", fontsize="small"
    )
    return figure


def label_channels(report: ReportInput) -> Figure | None:
    """Draw each label's share in each channel with its interval; None without channels.

    A filled dot is the share by design; a hollow one, where no answer reaches, counts decisions.
    """
    found = report.by_channel
    lines = _frequent(found.shares if found else None)
    if found is None or not lines:
        return None
    figure, panels = _panels(len(lines), height=0.7 + 0.24 * len(found.channels))
    at = {name: i for i, name in enumerate(found.shares.periods)}
    channels = [name for name in found.channels if name in at]
    for number, (axes, line) in enumerate(zip_longest(panels, lines)):
        if line is None:
            axes.remove()
            continue
        for place, channel in enumerate(channels):
            of = report.prevalence.of if report.prevalence else None
            design = of(line.key, by=CHANNEL, value=channel) if of else None
            _channel(axes, place, line, at[channel], design)
        axes.set_yticks(range(len(channels)))
        names = [_short(name) for name in channels] if number % _COLUMNS == 0 else []
        axes.set_yticklabels(names or [""] * len(channels), parse_math=False)
        axes.set_ylim(len(channels) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.grid(axis="x", alpha=0.3)
    figure.supxlabel(
        "per cent of the channel's posts, with 95 % interval\n"
        "filled: by design; hollow: the classifier's decisions, chance alone",
        fontsize="small",
    )
    return figure


def _frequent(trends: Trends | None) -> list[Trend]:
    """Return the labels on the most posts, in their order."""
    lines = [one for one in (trends.lines if trends else ()) if one.kind == "label" and one.n.any()]
    most = {one.key for one in sorted(lines, key=lambda one: -int(one.n.sum()))[:DRAWN]}
    return [line for line in lines if line.key in most]


def _panels(n: int, *, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(n, _COLUMNS)
    rows = math.ceil(n / columns)
    figure = Figure(figsize=(3.4 * columns + 0.6, height * rows + 0.6), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, sharex=False).flat)


def _time(axes: Axes, line: Trend, periods: Sequence[str]) -> None:
    x = range(len(periods))
    drawn = [of >= LEAST for of in line.of_distinct.tolist()]

    def of(end: str) -> list[float]:
        values = [100 * getattr(one, end) for one in line.shares]
        return [value if there else math.nan for value, there in zip(values, drawn, strict=True)]

    for burst in line.bursts:
        first, last = periods.index(burst.first), periods.index(burst.last)
        axes.axvspan(first - 0.5, last + 0.5, color=_RAISED, alpha=0.28, linewidth=0)
    axes.fill_between(x, of("low"), of("high"), color=COLOURS[0], alpha=0.2, linewidth=0)
    axes.plot(x, of("value"), color=COLOURS[0], marker="o", markersize=2.5, linewidth=1.2)
    axes.set_title(_short(line.name), fontsize="small", parse_math=False)
    ends = sorted({0, len(periods) // 2, len(periods) - 1})
    axes.set_xticks(ends, [period(periods[i]) for i in ends], fontsize="x-small")
    axes.set_xlim(-0.5, len(periods) - 0.5)
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="y", labelsize="x-small")
    axes.grid(alpha=0.3)


def _channel(axes: Axes, place: int, line: Trend, at: int, design: LabelShare | None) -> None:
    count = line.shares[at]
    known = design is not None and design.is_known
    shown = design.design if design is not None and known else count
    colour = COLOURS[0] if known else _GREY
    if math.isnan(shown.value):
        return
    if not math.isnan(shown.low + shown.high):
        ends = [100 * shown.low, 100 * shown.high]
        axes.plot(ends, [place, place], color=colour, alpha=0.5, linewidth=1.5)
    face = colour if known else "white"
    (dot,) = axes.plot(100 * shown.value, place, "o", color=colour, markersize=5, clip_on=False)
    dot.set_markerfacecolor(face)
    axes.set_title(_short(line.name), fontsize="small", parse_math=False)
    axes.tick_params(labelsize="x-small")


def _short(name: str) -> str:
    return textwrap.shorten(inert(name), 2 * _NAME_LENGTH, placeholder="…")
