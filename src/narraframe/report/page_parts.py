"""What the templates show besides counts: shares, label cards, calibration, mistakes, changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from narraframe.records import LabelShare, Prevalence
from narraframe.records.prevalence import ALL
from narraframe.report import changes, coverage
from narraframe.report.charts import Chart
from narraframe.report.facets import FacetView, label_name
from narraframe.report.inputs import ReportInput
from narraframe.report.label_cards import label_cards
from narraframe.report.label_channels import channel_chart, channel_times
from narraframe.report.label_times import line_of, time_chart
from narraframe.report.mistakes import mistakes
from narraframe.report.share_charts import reliability_chart, share_dots, share_months
from narraframe.report.shown import NOT_KNOWN
from narraframe.report.tables import Corpus
from narraframe.report.theme_names import tag

POOLED = "All labels"
TIMES_SHOWN = 30
"""Of more labels, the most frequent are followed over time in each channel."""


def parts(report: ReportInput, known: Corpus, views: Sequence[FacetView]) -> dict[str, Any]:
    """Return the values of the templates."""
    cards = label_cards(report, known, views)
    places = {f"label-{card.label_id}" for group in cards.values() for card in group}
    themes = {tag(one.theme) for one in report.summaries} if report.themes is not None else set()
    return {
        "label_cards": cards,
        "share_rows": share_rows(report, views),
        "label_charts": frozenset(label_charts(report, views)),
        "by_channel": report.by_channel,
        "more_to_label": {plan.label_id: plan.n_more for plan in report.plans if plan.by == ALL},
        "times_shown": TIMES_SHOWN,
        "curve_rows": curve_rows(report),
        "mistakes": mistakes(report.held_out, report.posts, report.codebook)
        if report.held_out
        else (),
        "is_census": _is_census(report.prevalence),
        "rises": changes.rises(report.trends, places | themes),
        "new_themes": changes.new_themes(report.uncovered),
        "pairs": changes.repeating(report.spread),
        "theme_rows": coverage.theme_rows(report.against),
        "label_rows": coverage.label_rows(report.against),
        "covered_facet": coverage.facet_name(report.against, report.codebook),
        "drift_rows": changes.drift_rows(report.drift),
    }


def share_rows(
    report: ReportInput, views: Sequence[FacetView]
) -> dict[str, list[tuple[str, LabelShare]]]:
    """Return (name, share) of every facet's labels of which there is a figure, by group."""
    if report.prevalence is None:
        return {}
    found = {
        view.group: [
            (row.name, share)
            for row in view.rows
            if (share := report.prevalence.of(row.label_id)) is not None
        ]
        for view in views
    }
    return {group: rows for group, rows in found.items() if rows}


def curve_rows(report: ReportInput) -> list[tuple[str, str, str, bool]]:
    """Return (name, calibration error, what chance would show, whether it is more) a curve."""
    return [
        (name, _fine(curve.error), _fine(curve.chance.high), curve.error > curve.chance.high)
        for name, curve in zip(_curve_names(report), report.reliability, strict=True)
    ]


def extra_charts(report: ReportInput, views: Sequence[FacetView]) -> dict[str, Chart]:
    """Return the charts of shares and of calibration, by the name of their place."""
    made: dict[str, Chart] = {}
    rows = share_rows(report, views)
    for view in views:
        if shares := [share for _, share in rows.get(view.group, ())]:
            made[f"{view.group}-shares"] = share_dots(shares, report.codebook, facet=view.name)
    made |= label_charts(report, views)
    if any(curve.bins for curve in report.reliability):
        made["reliability"] = reliability_chart(report.reliability, _curve_names(report))
    return made


def label_charts(report: ReportInput, views: Sequence[FacetView]) -> dict[str, Chart]:
    """Return the charts of the label cards: over time, by channel, over time by channel."""
    rows = [row for view in views for row in view.counted if row.posts]
    frequent = {row.label_id for row in sorted(rows, key=lambda row: -row.posts)[:TIMES_SHOWN]}
    made: dict[str, Chart | None] = {}
    for row in rows:
        name, label_id = row.name, row.label_id
        if report.prevalence and (whole := report.prevalence.of(label_id)) and whole.is_known:
            made[f"share-{label_id}"] = share_months(report.prevalence, label_id, name)
        line = line_of(report.trends, "label", label_id)
        if report.trends is not None and line is not None:
            made[f"time-{label_id}"] = time_chart(report.trends, line)
        if report.by_channel is not None:
            made[f"channels-{label_id}"] = channel_chart(
                report.by_channel, label_id, name, report.prevalence
            )
            if report.by_channel.over_time and label_id in frequent:
                made[f"channel-times-{label_id}"] = channel_times(report.by_channel, label_id, name)
    return {place: chart for place, chart in made.items() if chart is not None}


def _is_census(prevalence: Prevalence | None) -> bool:
    """Tell whether people labelled every post, so that nothing had to be drawn."""
    return prevalence is not None and prevalence.n_answered == prevalence.n_posts


def _curve_names(report: ReportInput) -> list[str]:
    labels = [label_name(report.codebook, curve.name) for curve in report.reliability[1:]]
    return [POOLED, *labels][: len(report.reliability)]


def _fine(value: float) -> str:
    """Write an error: two decimals would make most of them alike."""
    return NOT_KNOWN if math.isnan(value) else f"{value:.3f}"
