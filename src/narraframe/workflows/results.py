"""Figures of quality as MLflow metrics and as the small CSV that git keeps."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping

from narraframe.metrics.leak import LeakTable
from narraframe.records import Estimate, Quality

FIGURES = ("precision", "recall", "f1", "average_precision")
_OVERALL = (
    "micro_precision",
    "micro_recall",
    "micro_f1",
    "macro_f1",
    "mean_average_precision",
    "calibration_error",
)


def run_metrics(quality: Quality) -> dict[str, float]:
    """Return all figures, and the ends of their intervals, as MLflow names them."""
    by_label = (
        (f"{name}/{row.label_id}", getattr(row, name)) for row in quality.labels for name in FIGURES
    )
    return overall_metrics(quality) | _named(by_label)


def overall_metrics(quality: Quality) -> dict[str, float]:
    """Return the figures of all labels together, and the ends of their intervals."""
    return _named((name, getattr(quality, name)) for name in _OVERALL)


def results_csv(quality: Quality, *, left_out: int = 0, on_posts: int = 0) -> str:
    """Return the figures as CSV: one row a label, then micro and macro; undefined cells empty.

    Micro is of all cells together; macro the mean over the labels, of the calibration error too.
    A last row says how many labels were `left_out`, if any were, and how many posts carry them.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = (*FIGURES, "calibration_error")
    columns = [f"{name}{end}" for name in figures for end in ("", "_low", "_high")]
    writer.writerow(["label_id", "n_known", "n_positive", "threshold", *columns])
    for row in quality.labels:
        found = {name: getattr(row, name) for name in FIGURES}
        known = [row.label_id, row.n_known, row.n_positive, _cell(row.threshold)]
        writer.writerow([*known, *_in_columns(found, figures)])
    micro = {
        "precision": quality.micro_precision,
        "recall": quality.micro_recall,
        "f1": quality.micro_f1,
    }
    macro = {
        "f1": quality.macro_f1,
        "average_precision": quality.mean_average_precision,
        "calibration_error": quality.calibration_error,
    }
    for name, found in (("(micro)", micro), ("(macro)", macro)):
        writer.writerow([name, found["f1"].n, "", "", *_in_columns(found, figures)])
    if left_out:
        name = f"({left_out} labels left out)"
        writer.writerow([name, 0, on_posts, "", *_in_columns({}, figures)])
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


def _in_columns(found: Mapping[str, Estimate], figures: Iterable[str]) -> Iterator[str]:
    for name in figures:
        yield from _cells(found[name]) if name in found else ("", "", "")


def _cells(estimate: Estimate) -> list[str]:
    return [_cell(estimate.value), _cell(estimate.low), _cell(estimate.high)]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
