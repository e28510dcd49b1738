"""Figures for papers: shares with intervals, themes and labels over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from narraframe.records import LabelShare
from narraframe.report.facets import label_name
from narraframe.report.inputs import ReportInput
from narraframe.report.shown import inert, month
from narraframe.report.tables import Corpus
from narraframe.report.theme_cards import count_by_month, themes_of
from narraframe.report.theme_map import COLOURS
from narraframe.report.theme_names import title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 6
_MARKERS = "os^Dvp"
_TICKS = 9


def theme_trends(report: ReportInput, known: Corpus) -> Figure | None:
    """Draw the posts per month of the largest themes; None without dates or themes."""
    if report.themes is None or len(known.months) < 2:
        return None
    summaries = themes_of(report, known)[:DRAWN]
    if not summaries:
        return None
    counted = count_by_month(known, report.themes, summaries)
    lines = [
        (
            title(one),
            [float(n) if of else math.nan for n, of in zip(row, counted.n_posts, strict=True)],
        )
        for one, row in zip(summaries, counted.distinct.tolist(), strict=True)
    ]
    return _lines(lines, known.months, "distinct posts per month")


def shares(report: ReportInput) -> Figure | None:
    """Draw each label's share of posts with its interval; None where none was measured."""
    found = [s for s in (report.prevalence.shares if report.prevalence else ()) if s.by == "all"]
    known = [share for share in found if share.is_known]
    if not known:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.2 + 0.26 * len(known)), layout="constrained")
    axes = figure.subplots()
    for place, share in enumerate(known):
        _share(axes, place, share)
    names = [inert(label_name(report.codebook, share.label_id)) for share in known]
    axes.set_yticks(range(len(known)), names, parse_math=False)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("per cent of posts, with 95 % interval\n(cross: count of decisions)")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _share(axes: object, place: int, share: LabelShare) -> None:
    plot = axes.plot  # type: ignore[attr-defined]
    if not math.isnan(share.design.low):
        ends = [100 * share.design.low, 100 * share.design.high]
        plot(ends, [place, place], color=COLOURS[0], alpha=0.5, linewidth=2)
    plot(100 * share.design.value, place, "o", color=COLOURS[0], clip_on=False)
    if not math.isnan(share.naive.value):
        plot(100 * share.naive.value, place, "x", color=COLOURS[2], clip_on=False)


def _lines(lines: Sequence[tuple[str, list[float]]], months: Sequence[str], what: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, (name, values) in enumerate(lines):
        axes.plot(
            range(len(months)),
            values,
            label=inert(name).replace("$", r"\$"),
            color=COLOURS[number % len(COLOURS)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
        )
    step = max(1, math.ceil(len(months) / _TICKS))
    axes.set_xticks(
        range(0, len(months), step), [_tick(key) for key in months[::step]], fontsize="small"
    )
    axes.set_ylim(bottom=0)
    axes.set_ylabel(what)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    return figure


def _tick(key: str) -> str:
    """Write a month, or a run of them in two lines, as its neighbours have no room beside it."""
    return month(key).replace(" to ", "\nto ")
