"""What the templates show besides counts: shares, label cards, calibration, mistakes, changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from narraframe.records import LabelShare, Prevalence
from narraframe.report import changes, coverage
from narraframe.report.charts import Chart
from narraframe.report.facets import FacetView, label_name
from narraframe.report.inputs import ReportInput
from narraframe.report.label_cards import label_cards
from narraframe.report.mistakes import mistakes
from narraframe.report.share_charts import reliability_chart, share_dots, share_months
from narraframe.report.shown import NOT_KNOWN
from narraframe.report.tables import Corpus

POOLED = "All labels"


def parts(report: ReportInput, known: Corpus, views: Sequence[FacetView]) -> dict[str, Any]:
    """Return the values of the templates."""
    return {
        "label_cards": label_cards(report, known, views),
        "share_rows": share_rows(report, views),
        "share_charts": frozenset(_month_charts(report, views)),
        "curve_rows": curve_rows(report),
        "mistakes": mistakes(report.held_out, report.posts, report.codebook)
        if report.held_out
        else (),
        "is_census": _is_census(report.prevalence),
        "rises": changes.rises(report.trends),
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
    made |= _month_charts(report, views)
    if any(curve.bins for curve in report.reliability):
        made["reliability"] = reliability_chart(report.reliability, _curve_names(report))
    return made


def _month_charts(report: ReportInput, views: Sequence[FacetView]) -> dict[str, Chart]:
    if report.prevalence is None:
        return {}
    rows = [row for view in views for row in view.counted if row.posts]
    charts = {
        f"share-{row.label_id}": share_months(report.prevalence, row.label_id, row.name)
        for row in rows
        if (whole := report.prevalence.of(row.label_id)) is not None and whole.is_known
    }
    return {name: chart for name, chart in charts.items() if chart is not None}


def _is_census(prevalence: Prevalence | None) -> bool:
    """Tell whether people labelled every post, so that nothing had to be drawn."""
    return prevalence is not None and prevalence.n_answered == prevalence.n_posts


def _curve_names(report: ReportInput) -> list[str]:
    labels = [label_name(report.codebook, curve.name) for curve in report.reliability[1:]]
    return [POOLED, *labels][: len(report.reliability)]


def _fine(value: float) -> str:
    """Write an error: two decimals would make most of them alike."""
    return NOT_KNOWN if math.isnan(value) else f"{value:.3f}"
