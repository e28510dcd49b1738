"""Figures of a training run, for MLflow and for papers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

from matplotlib.figure import Figure

from narraframe.records import Quality
from narraframe.report.shown import excerpt

_NAME_LENGTH = 40
_LINE_LENGTH = 100


def label_quality(quality: Quality, names: Mapping[str, str] | None = None) -> Figure:
    """Draw F1 per label with its interval, in codebook order; undefined labels stay empty.

    `names` of labels by id; a label that it lacks is called by its id.
    """
    named = names or {}
    rows = [row for row in quality.labels if not math.isnan(row.f1.value)]
    figure = Figure(figsize=(7, 1.2 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        if not math.isnan(row.f1.low):
            axes.plot([row.f1.low, row.f1.high], [place, place], color="0.6", linewidth=2)
        axes.plot(row.f1.value, place, "o", color="C0", clip_on=False)
    shown = [excerpt(named.get(row.label_id, row.label_id), _NAME_LENGTH) for row in rows]
    called = [f"{name} ({row.n_positive})" for name, row in zip(shown, rows, strict=True)]
    axes.set_yticks(range(len(rows)), called, parse_math=False)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("F1 with 95 % interval (positives in brackets)")
    figure.suptitle(textwrap.fill(quality.how, _LINE_LENGTH), fontsize="small")
    axes.grid(axis="x", alpha=0.3)
    return figure
