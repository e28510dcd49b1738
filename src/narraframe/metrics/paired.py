"""Two models on the same posts: is one better, or is it chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.metrics import multilabel
from narraframe.metrics.intervals import LEVEL, Resamples, resample_groups
from narraframe.metrics.multilabel import Confusion
from narraframe.records import Estimate

Floats = NDArray[np.float64]

# By a sign test fewer groups cannot beat chance at 5 %, even if all speak for one model:
# 2 * 0.5**5 > 0.05. Resampling, which only ever repeats them, does not know that.
MIN_APART = 6


@dataclass(frozen=True)
class Predictions:
    """One model's `probability` float (n, k), nan where there is none, and `decision` bool."""

    probability: NDArray[np.floating]
    decision: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure of model a and of model b, and `difference`, b less a, with its interval."""

    a: float
    b: float
    difference: Estimate

    def __str__(self) -> str:
        """Return "+0.012 [-0.004, 0.029]", without what is undefined; "-" if all is."""
        found = self.difference
        if math.isnan(found.value):
            return "-"
        interval = "" if math.isnan(found.low) else f" [{found.low:.3f}, {found.high:.3f}]"
        return f"{found.value:+.3f}{interval}"


@dataclass(frozen=True, slots=True)
class LabelDifference:
    """F1 of one label by both models; `n_positive` known posts carry it.

    The interval is nan where the models decide apart in fewer than `MIN_APART` groups of posts.
    """

    label_id: str
    n_positive: int
    f1: Paired


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """What model b gains over model a; in `n_apart` groups they decide a known cell apart.

    `thin` are the labels with known positives on which they do so in fewer than `MIN_APART` groups.
    `firm_macro_f1` is macro F1 without them: None where there is none, nan where no label is left.
    """

    n_posts: int
    n_groups: int
    n_apart: int
    micro_f1: Paired
    macro_f1: Paired
    mean_average_precision: Paired
    labels: tuple[LabelDifference, ...]
    thin: tuple[str, ...] = ()
    firm_macro_f1: Paired | None = None

    @property
    def is_better(self) -> bool:
        """Tell whether b is better beyond doubt.

        The interval of macro F1 lies above 0, with and without the `thin` labels, that of micro F1
        not wholly below 0, and the models decide apart in `MIN_APART` groups at least.
        """
        return self._gains and not self._below(self.micro_f1)

    @property
    def is_worse(self) -> bool:
        """Tell whether b is worse beyond doubt: a would be better by the same rule."""
        return self._loses and not self._above(self.micro_f1)

    @property
    def verdict(self) -> str:
        """Say it in words, with the figures that decided."""
        macro, micro = f"macro F1 {self.macro_f1}", f"micro F1 {self.micro_f1}"
        if math.isnan(self.macro_f1.difference.value):
            return "cannot be told: no label has a known positive"
        if self.is_better:
            return f"better beyond doubt: {macro}{self._without_thin}"
        if self.is_worse:
            return f"worse beyond doubt: {macro}{self._without_thin}"
        if self.n_apart < MIN_APART:
            return (
                f"no difference beyond doubt: {macro}; "
                f"decisions differ in {self.n_apart} groups of posts only"
            )
        if self._gains or self._loses:
            return f"better in one and worse in the other: {macro}, {micro}"
        if self._above(self.macro_f1) or self._below(self.macro_f1):
            return f"no difference beyond doubt: {macro}{self._without_thin}"
        return f"no difference beyond doubt: {macro}"

    @property
    def _firm(self) -> Paired:
        return self.macro_f1 if self.firm_macro_f1 is None else self.firm_macro_f1

    @property
    def _gains(self) -> bool:
        return self._above(self.macro_f1) and self._above(self._firm)

    @property
    def _loses(self) -> bool:
        return self._below(self.macro_f1) and self._below(self._firm)

    @property
    def _without_thin(self) -> str:
        if not self.thin:
            return ""
        few = f"decisions differ in fewer than {MIN_APART} groups of posts"
        if math.isnan(self._firm.difference.value):
            return f"; on each label {few}"
        labels = "1 label" if len(self.thin) == 1 else f"{len(self.thin)} labels"
        return f"; without {labels} on which {few}: {self._firm}"

    def _above(self, figure: Paired) -> bool:
        return self.n_apart >= MIN_APART and figure.difference.low > 0

    def _below(self, figure: Paired) -> bool:
        return self.n_apart >= MIN_APART and figure.difference.high < 0


def paired_difference(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    a: Predictions,
    b: Predictions,
    groups: ArrayLike,
    label_ids: Sequence[str],
    *,
    seed: int,
    n_resamples: int = 2000,
) -> PairedDifference:
    """Measure what model `b` gains over model `a` on the same posts and labels.

    Figures are those of `measure`: precision and recall rest on all known cells, average precision
    on known cells that have a probability, here from both models. F1 needs known positives, so the
    labels in macro F1 are the same for both, also within a resample; so they are for the mean
    average precision. Intervals are 95 % percentile intervals over resamples of whole groups, both
    models on the same draws: what makes a post hard for both cancels, and the interval is narrower
    than their own intervals suggest. They are nan where fewer than two groups hold a positive.

    Resampling repeats the few posts on which two models differ over a rare label, and so takes four
    of four for certainty. Where decisions on a label differ in fewer than `MIN_APART` groups, its
    difference has no interval, and no verdict rests on it: macro F1 is measured without such labels
    as well, and both must lie on the same side of 0.

    Swapping `a` and `b` negates every difference and its interval.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    a, b : Predictions
        Held-out predictions of the two models, rows and columns as in `y`.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    label_ids : sequence of str of length k
        Columns.
    seed, n_resamples : int
        Of the resampling.

    Raises
    ------
    ValueError
        If the arrays differ in shape.

    References
    ----------
    Berg-Kirkpatrick, Burkett and Klein (2012), An Empirical Investigation of Statistical
    Significance in NLP.
    """
    shapes = {x.shape for x in (y, mask, a.probability, b.probability, a.decision, b.decision)}
    if shapes != {(len(np.asarray(groups)), len(label_ids))}:
        raise ValueError(f"arrays differ in shape: {sorted(shapes)}, {len(label_ids)} label_ids")
    drawn = _everyone_first(resample_groups(groups, n_resamples=n_resamples, seed=seed))
    ranked = mask & np.isfinite(a.probability) & np.isfinite(b.probability)

    apart = (a.decision != b.decision) & mask
    enough = np.array([drawn.n_groups(column) >= MIN_APART for column in apart.T], dtype=np.bool_)
    n_positive = (mask & (y == 1)).sum(axis=0)
    thin = ~enough & (n_positive > 0)

    def paired(a_found: Floats, b_found: Floats, cells: NDArray[np.bool_]) -> Paired:
        """Compare two arrays (1 + r,) of a figure that rests on these cells (n, k)."""
        n_groups = drawn.n_groups((cells & (y == 1)).any(axis=1))
        return _paired(a_found, b_found, n=int(cells.sum()), n_groups=n_groups)

    def macro_f1(columns: NDArray[np.bool_]) -> Paired:
        a_found, b_found = (multilabel.macro_f1(_columns(x, columns)) for x in (in_a, in_b))
        return paired(a_found, b_found, mask & columns)

    def label(j: int) -> LabelDifference:
        f1 = paired(f1_a[:, j], f1_b[:, j], mask & (np.arange(len(label_ids)) == j))
        f1 = f1 if enough[j] else _without_interval(f1)
        return LabelDifference(label_ids[j], int(n_positive[j]), f1)

    with threadpool_limits(limits=1):
        in_a, in_b = (_counts(y, mask, model.decision, drawn) for model in (a, b))
        f1_a, f1_b = multilabel.f1(in_a), multilabel.f1(in_b)
        ap_a, ap_b = (_mean_ap(y, ranked, model.probability, drawn) for model in (a, b))
    return PairedDifference(
        n_posts=len(y),
        n_groups=len(drawn.weights),
        n_apart=drawn.n_groups(apart.any(axis=1)),
        micro_f1=paired(multilabel.micro_f1(in_a), multilabel.micro_f1(in_b), mask),
        macro_f1=macro_f1(np.ones_like(thin)),
        mean_average_precision=paired(ap_a, ap_b, ranked),
        labels=tuple(label(j) for j in range(len(label_ids))),
        thin=tuple(label_ids[j] for j in np.flatnonzero(thin)),
        firm_macro_f1=macro_f1(~thin) if thin.any() else None,
    )


def _everyone_first(draws: Resamples) -> Resamples:
    """Put a draw of each group once before the others: figures of all posts come first."""
    everyone = np.ones((len(draws.weights), 1), dtype=np.float32)
    return Resamples(np.hstack([everyone, draws.weights]), draws.member)


def _counts(
    y: NDArray[np.int8], mask: NDArray[np.bool_], decision: NDArray[np.bool_], drawn: Resamples
) -> Confusion:
    """Count by draw and label, arrays (1 + r, k)."""
    return Confusion(*(drawn.totals(cells) for cells in multilabel.cells(y, decision, mask)))


def _columns(counts: Confusion, columns: NDArray[np.bool_]) -> Confusion:
    return Confusion(*(each[:, columns] for each in (counts.tp, counts.fp, counts.fn)))


def _without_interval(found: Paired) -> Paired:
    return replace(found, difference=replace(found.difference, low=math.nan, high=math.nan))


def _mean_ap(
    y: NDArray[np.int8], ranked: NDArray[np.bool_], p: NDArray[np.floating], drawn: Resamples
) -> Floats:
    """Return the mean over labels of average precision in each draw, (1 + r,)."""
    by_label = np.full((y.shape[1], drawn.weights.shape[1]), np.nan)
    for found, label, scores, rows in zip(by_label, y.T, p.T, ranked.T, strict=True):
        weights = drawn.weights[drawn.member[rows]]
        found[:] = multilabel.average_precision(label[rows], scores[rows], weights)
    return multilabel.mean_of_defined(by_label, axis=0)


def _paired(a: Floats, b: Floats, *, n: int, n_groups: int) -> Paired:
    """Put a percentile interval around the difference on all posts, widened to hold it.

    Not `estimate`: its care for shares of 0 and 1 has no meaning for a difference.
    """
    value, replicates = b[0] - a[0], b[1:] - a[1:]
    drawn = replicates[np.isfinite(replicates)]
    low = high = math.nan
    if np.isfinite(value) and n_groups >= 2 and len(drawn):
        low, high = (float(q) for q in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        low, high = min(low, float(value)), max(high, float(value))
    return Paired(float(a[0]), float(b[0]), Estimate(float(value), low, high, n, LEVEL))
