"""Figures of quality as MLflow metrics and as the small CSV that git keeps."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from narraframe.metrics.leak import LeakTable
from narraframe.records import Estimate, Quality

FIGURES = ("precision", "recall", "f1", "average_precision")
_OVERALL = ("micro_f1", "macro_f1", "calibration_error")


def run_metrics(quality: Quality) -> dict[str, float]:
    """Return all figures, and the ends of their intervals, as MLflow names them."""
    by_label = (
        (f"{name}/{row.label_id}", getattr(row, name)) for row in quality.labels for name in FIGURES
    )
    return overall_metrics(quality) | _named(by_label)


def overall_metrics(quality: Quality) -> dict[str, float]:
    """Return the figures of all labels together, and the ends of their intervals."""
    return _named((name, getattr(quality, name)) for name in _OVERALL)


def results_csv(quality: Quality) -> str:
    """Return the figures as CSV: one row a label, then micro and macro; undefined cells empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")]
    writer.writerow(["label_id", "n_known", "n_positive", "threshold", *columns])
    for row in quality.labels:
        cells = [_cells(getattr(row, name)) for name in FIGURES]
        known = [row.label_id, row.n_known, row.n_positive, _cell(row.threshold)]
        writer.writerow([*known, *(cell for group in cells for cell in group)])
    for name, f1 in (("(micro)", quality.micro_f1), ("(macro)", quality.macro_f1)):
        writer.writerow([name, f1.n, "", "", *[""] * 6, *_cells(f1), *[""] * 3])
    return text.getvalue()


def leak_csv(table: LeakTable) -> str:
    """Return the rows of the leak as CSV; undefined cells empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("split", "n_posts", "figure", "honest", "careless")
    writer.writerow([*columns, "flattery", "flattery_low", "flattery_high"])
    for row in table.rows:
        figures = [_cell(row.honest), _cell(row.careless), *_cells(row.flattery)]
        writer.writerow([row.split, row.n_posts, row.figure, *figures])
    return text.getvalue()


def _named(estimates: Iterable[tuple[str, Estimate]]) -> dict[str, float]:
    return {
        name + end: value
        for name, estimate in estimates
        for end, value in (("", estimate.value), (".low", estimate.low), (".high", estimate.high))
    }


def _cells(estimate: Estimate) -> list[str]:
    return [_cell(estimate.value), _cell(estimate.low), _cell(estimate.high)]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
