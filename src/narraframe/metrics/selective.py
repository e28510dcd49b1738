"""What abstaining buys: the quality of the decisions that are left, and how many they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.metrics import multilabel
from narraframe.metrics.intervals import Resamples, estimate, resample_groups
from narraframe.metrics.multilabel import Confusion
from narraframe.records import Estimate


@dataclass(frozen=True, slots=True)
class Decided:
    """Quality of the decisions on some cells.

    `error_rate` is the share of these cells that are decided wrongly; `n_labels` labels have a
    positive among them, and macro F1 is their mean.
    """

    micro_f1: Estimate
    macro_f1: Estimate
    error_rate: Estimate
    n_labels: int


@dataclass(frozen=True, slots=True)
class Selective:
    """`coverage`, the share of known cells decided; quality `with_abstention` and `without`."""

    coverage: Estimate
    with_abstention: Decided
    without: Decided


def selective(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    decision: NDArray[np.bool_],
    abstained: NDArray[np.bool_],
    groups: ArrayLike,
    *,
    seed: int,
    n_resamples: int = 1000,
) -> Selective:
    """Measure decisions where the model does not abstain, beside those on all known cells.

    A cell abstained from counts nowhere in `with_abstention`: neither as a miss nor as right. So
    abstaining from hard positives lifts recall, which is why coverage belongs beside it. A label
    whose positives are all abstained from falls out of macro F1; `Decided.n_labels` tells.

    Intervals are 95 % percentile intervals over resamples of whole groups (see `estimate`), nan
    where a figure rests on fewer than two groups, for F1 groups with a positive.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    decision : bool array of shape (n, k)
        What is decided where the model is made to decide.
    abstained : bool array of shape (n, k)
        Where it would rather not.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    seed, n_resamples : int
        Of the resampling.

    References
    ----------
    El-Yaniv and Wiener (2010), On the Foundations of Noise-free Selective Classification.
    """
    draws = resample_groups(groups, n_resamples=n_resamples, seed=seed)
    with threadpool_limits(limits=1):
        return Selective(
            coverage=_share(mask & ~abstained, mask, draws),
            with_abstention=_decided(y, mask & ~abstained, decision, draws),
            without=_decided(y, mask, decision, draws),
        )


def _decided(
    y: NDArray[np.int8], cells: NDArray[np.bool_], decision: NDArray[np.bool_], draws: Resamples
) -> Decided:
    counts = multilabel.confusion(y, decision, cells)
    outcomes = multilabel.cells(y, decision, cells)
    drawn = Confusion(*(draws.totals(outcome) for outcome in outcomes))
    positive = cells & (y == 1)
    n, n_groups = int(cells.sum()), draws.n_groups(positive.any(axis=1))
    micro, macro = (
        estimate(float(figure(counts)), figure(drawn), n=n, n_groups=n_groups, mirrored=mean)
        for figure, mean in ((multilabel.micro_f1, False), (multilabel.macro_f1, True))
    )
    return Decided(
        micro_f1=micro,
        macro_f1=macro,
        error_rate=_share(cells & (decision != (y == 1)), cells, draws),
        n_labels=int(positive.any(axis=0).sum()),
    )


def _share(some: NDArray[np.bool_], cells: NDArray[np.bool_], draws: Resamples) -> Estimate:
    """Estimate the share of `cells` that are `some`."""
    n = int(cells.sum())
    counted = draws.totals(np.column_stack([some.sum(axis=1), cells.sum(axis=1)]))
    drawn = np.full(len(counted), np.nan)
    np.divide(counted[:, 0], counted[:, 1], out=drawn, where=counted[:, 1] > 0)
    value = some.sum() / n if n else float("nan")
    return estimate(
        float(value), drawn, n=n, n_groups=draws.n_groups(np.asarray(cells.any(axis=1)))
    )
