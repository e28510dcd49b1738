"""The charts as data: Apache ECharts options, free of colours (the page's script knows those).

A chart is ``{"label", "kind", "option", "notes", ...}``: `label` is read out instead of the
picture, `kind` tells the script how to lay it out. Where a reader can switch what is shown,
`variants` holds one partial option for each choice and `variant` names the first. Where rows of a
table choose what is drawn, `group` names the table and `chosen` the series drawn first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from narraframe.records import Estimate, LabelQuality, Quality
from narraframe.report.facets import FIRST_DRAWN, Cell, Column, FacetView
from narraframe.report.shown import figure, month, plural
from narraframe.report.tables import Corpus, CountTable, cross, month_columns

Chart = dict[str, Any]

POSTS = {"posts": "post", "distinct": "distinct post"}
SCORED = {"posts": "scored post", "distinct": "distinct scored post"}
METRICS = {
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "average_precision": "Average precision",
}


def posts_by_month(known: Corpus) -> Chart:
    """Bars: posts and distinct posts per month."""
    every = np.ones(len(known.posts), dtype=bool)
    table = cross(every[:, None], month_columns(known), asked=every, group=known.group)
    bars = [("Posts", table.n_posts), ("Distinct posts", table.n_distinct)]
    return {
        "label": "Bar chart: posts and distinct posts per month",
        "kind": "columns",
        "notes": ["" if n else "no posts" for n in table.n_posts.tolist()],
        "option": {
            "xAxis": {"type": "category", "data": [month(key) for key in known.months]},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {"type": "bar", "id": name, "name": name, "data": _or_gap(counts, table.n_posts)}
                for name, counts in bars
            ],
        },
    }


def theme_lines(known: Corpus, table: CountTable, names: Sequence[str]) -> Chart:
    """Lines: posts per month of every theme; the first themes are drawn, the others on demand."""
    ids = [str(row) for row in range(len(names))]
    chart = _lines(
        f"Line chart: posts of {plural(len(names), 'theme')} per month",
        [month(key) for key in known.months],
        {"posts": table.n_posts.tolist(), "distinct": table.n_distinct.tolist()},
        {
            variant: {i: _or_gap(row, table.n_posts) for i, row in zip(ids, rows, strict=True)}
            for variant, rows in (("posts", table.posts), ("distinct", table.distinct))
        },
        dict(zip(ids, names, strict=True)),
        POSTS,
    )
    return chart | {"group": "themes", "chosen": ids[:FIRST_DRAWN], "fixed": True}


def theme_columns(row: int, name: str, marks: Sequence[dict[str, Any]] = ()) -> Chart:
    """Small bars for one theme, which the script takes out of the chart of all themes.

    `marks` are its bursts, of `label_times.marks`.
    """
    return {
        "marks": list(marks),
        "label": f"Bar chart: posts of the theme {name} per month",
        "kind": "small",
        "slot": row,
        "option": {},
    }


def facet_lines(view: FacetView) -> Chart:
    """Lines: decisions per month of every label that is decided at all."""
    chart = _lines(
        f"Line chart: posts per month on which the classifier decided for a label of {view.name}",
        [column.name for column in view.months],
        _n_scored(view.months),
        {
            variant: {row.label_id: _of_cells(row.months, variant) for row in view.counted}
            for variant in SCORED
        },
        {row.label_id: row.name for row in view.counted},
        SCORED,
    )
    return chart | _choice(view)


def facet_bars(view: FacetView) -> Chart:
    """Bars: decisions per channel of every label that is decided at all."""
    variants = {}
    for variant, counts in _n_scored(view.channels).items():
        variants[variant] = {
            "yAxis": {"data": _with_n([column.name for column in view.channels], counts)},
            "series": [
                {"type": "bar", "id": row.label_id, "name": row.name}
                | {"data": _of_cells(row.channels, variant)}
                for row in view.counted
            ],
            "notes": [_note(n, SCORED[variant]) for n in counts],
        }
    chart: Chart = {
        "label": f"Bar chart: posts per channel on which the classifier decided for {view.name}",
        "kind": "bars",
        "option": {
            "xAxis": {"type": "value", "minInterval": 1},
            "yAxis": {"type": "category", "inverse": True},
        },
        "variants": variants,
        "variant": "posts",
    }
    return chart | _choice(view)


def quality_dots(quality: Quality, names: Sequence[str]) -> Chart:
    """Dots with whiskers: each metric of every label with its interval; `names` as the labels."""
    return {
        "label": "Dot chart: quality of each label with its interval; the table below has the same",
        "kind": "dots",
        "option": {
            "xAxis": {"type": "value", "min": 0, "max": 1},
            "yAxis": {
                "type": "category",
                "inverse": True,
                "data": [
                    f"{name}\n{label.n_positive:,} positive"
                    for name, label in zip(names, quality.labels, strict=True)
                ],
            },
        },
        "variants": {
            metric: {"series": _dots(quality.labels, metric, title)}
            for metric, title in METRICS.items()
        },
        "variant": "f1",
    }


def _lines(
    label: str,
    axis: Sequence[str],
    counted: dict[str, list[int]],
    series: dict[str, dict[str, list[int | None]]],
    names: dict[str, str],
    nouns: dict[str, str],
) -> Chart:
    return {
        "label": label,
        "kind": "lines",
        "option": {
            "xAxis": {"type": "category"},
            "yAxis": {"type": "value", "minInterval": 1},
        },
        "variants": {
            variant: {
                "xAxis": {"data": _with_n(axis, counted[variant])},
                "notes": [_note(n, nouns[variant]) for n in counted[variant]],
                "series": [
                    {"type": "line", "id": key, "name": names[key], "connectNulls": False}
                    | {"data": values}
                    for key, values in rows.items()
                ],
            }
            for variant, rows in series.items()
        },
        "variant": "posts",
    }


def _dots(labels: Sequence[LabelQuality], metric: str, title: str) -> list[dict[str, Any]]:
    points, whiskers, undefined = [], [], []
    for row, label in enumerate(labels):
        estimate: Estimate = getattr(label, metric)
        if math.isnan(estimate.value):
            undefined.append([0, row])
            continue
        points.append(
            {"value": [round(estimate.value, 4), row], "note": _estimate_note(estimate, title)}
        )
        if not math.isnan(estimate.low + estimate.high):
            ends = [[round(estimate.low, 4), row], [round(estimate.high, 4), row]]
            whiskers += [*ends, [None, row]]
    return [
        {"id": "whiskers", "type": "line", "data": whiskers, "connectNulls": False},
        {"id": "points", "name": title, "type": "scatter", "data": points},
        {"id": "undefined", "type": "scatter", "data": undefined},
    ]


def _estimate_note(estimate: Estimate, title: str) -> str:
    note = f"{title} {figure(estimate.value)}"
    if math.isnan(estimate.low + estimate.high):
        return f"{note}, no interval"
    return f"{note}, {estimate.level:.0%} interval {figure(estimate.low)} to " + figure(
        estimate.high
    )


def _choice(view: FacetView) -> Chart:
    return {"group": view.group, "chosen": list(view.chosen), "fixed": False}


def _n_scored(columns: Sequence[Column]) -> dict[str, list[int]]:
    return {
        "posts": [column.n_posts for column in columns],
        "distinct": [column.n_distinct for column in columns],
    }


def _of_cells(cells: Sequence[Cell], variant: str) -> list[int | None]:
    """Return a label's counts; a gap where it was decided on no post, as where none was scored."""
    counts = [getattr(cell, variant) for cell in cells]
    return _or_gap(counts, [getattr(cell, f"of_{variant}") for cell in cells])


def _or_gap(counts: Any, n_posts: Any) -> list[int | None]:
    """Return the counts, None where there was nothing to count: a gap is not a zero."""
    return [int(count) if n else None for count, n in zip(counts, n_posts, strict=True)]


def _with_n(names: Sequence[str], counts: Sequence[int]) -> list[str]:
    return [f"{name}\nn = {n:,}" for name, n in zip(names, counts, strict=True)]


def _note(n: int, noun: str) -> str:
    return f"of {plural(n, noun)}" if n else f"no {noun}s: a gap, not a zero"
