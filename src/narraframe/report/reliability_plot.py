"""Reliability curves of a training run, for MLflow and for papers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from narraframe.report.curves import Curve
from narraframe.report.shown import inert

_COLUMNS = 4
_MOST = 39
_NAME_LENGTH = 40


def reliability_curves(
    pooled: Curve, labels: Sequence[Curve], names: Mapping[str, str] | None = None
) -> Figure:
    """Draw the share of positives over the probability, of all labels and of each, small.

    On the diagonal a probability means what it says; a bar is the interval of the share. Each panel
    has its own scale, as the probabilities of rare labels are small, and says its calibration error
    and how much of one chance would explain. Labels without bins stay out; of more than 39 labels,
    those that are on the most posts are drawn, in their order. `names` of labels by id; a label
    that it lacks is called by its id.
    """
    named = names or {}
    drawn = [curve for curve in labels if curve.bins]
    frequent = sorted(drawn, key=lambda curve: -curve.n_positive)[:_MOST]
    curves = [pooled, *(curve for curve in drawn if curve in frequent)]
    n_rows = math.ceil(len(curves) / _COLUMNS)
    figure = Figure(figsize=(10, 0.7 + 2.5 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, _COLUMNS, squeeze=False).flat
    for axes, curve in zip_longest(panels, curves):
        if curve is None:
            axes.remove()
        else:
            _panel(axes, curve, inert(named.get(curve.name, curve.name)))
    figure.supxlabel("probability", fontsize="small")
    figure.supylabel("share of positives, with 95 % interval", fontsize="small")
    return figure


def _panel(axes: Axes, curve: Curve, name: str) -> None:
    top = max((max(b.probability, b.share.value) for b in curve.bins), default=1.0)
    top = min(1.0, 1.1 * top) or 1.0
    axes.plot([0, top], [0, top], color="0.7", linewidth=1)
    for b in curve.bins:
        if not math.isnan(b.share.low):
            axes.plot([b.probability] * 2, [b.share.low, b.share.high], color="0.6", linewidth=1.5)
    x, y = [b.probability for b in curve.bins], [b.share.value for b in curve.bins]
    axes.plot(x, y, "o", color="C0", markersize=3.5)
    axes.set_xlim(0, top)
    axes.set_ylim(0, max([top, *(b.share.high for b in curve.bins if b.share.high > top)]))
    off = f"error {curve.error:.3f}, by chance up to {curve.chance.high:.3f}"
    axes.set_title(f"{_wrapped(name)}\n{off}", fontsize="x-small", parse_math=False)
    axes.tick_params(labelsize="x-small")
    axes.grid(alpha=0.3)


def _wrapped(name: str) -> str:
    return textwrap.fill(name, _NAME_LENGTH)
