"""How good the classifier is, label by label, as the rows of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from narraframe.records import Codebook, Estimate, Quality
from narraframe.report.facets import label_name
from narraframe.report.shown import figure

UNDEFINED = "undefined"


@dataclass(frozen=True)
class Measure:
    """A metric as written: its value, and its interval or ""."""

    value: str
    interval: str


@dataclass(frozen=True)
class QualityRow:
    """One label; `measures` are precision, recall, F1 and average precision."""

    name: str
    n_known: int
    n_positive: int
    threshold: str
    measures: tuple[Measure, ...]


def quality_rows(quality: Quality, codebook: Codebook | None) -> tuple[QualityRow, ...]:
    """Return one row a label, in the order of `quality`."""
    return tuple(
        QualityRow(
            name=label_name(codebook, label.label_id),
            n_known=label.n_known,
            n_positive=label.n_positive,
            threshold=_threshold(label.threshold),
            measures=tuple(
                measure(estimate)
                for estimate in (label.precision, label.recall, label.f1, label.average_precision)
            ),
        )
        for label in quality.labels
    )


def measure(estimate: Estimate) -> Measure:
    """Write an estimate; an undefined one says so."""
    if math.isnan(estimate.value):
        return Measure(UNDEFINED, "")
    if math.isnan(estimate.low + estimate.high):
        return Measure(figure(estimate.value), "no interval")
    return Measure(figure(estimate.value), f"{figure(estimate.low)}–{figure(estimate.high)}")


def undefined_names(quality: Quality, codebook: Codebook | None) -> tuple[str, ...]:
    """Return what could not be measured, labels by the name that the codebook gives them."""
    return tuple(label_name(codebook, name) for name in quality.undefined)


def _threshold(value: float) -> str:
    """Write a cut; one above every probability is never reached."""
    if math.isnan(value):
        return "none of its own"
    return "never" if value > 1 else figure(value)
