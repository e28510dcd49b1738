"""Do probabilities mean what they say? Reliability curves, and what chance alone would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.metrics.intervals import LEVEL
from narraframe.metrics.multilabel import N_BINS, calibration_bins, calibration_error
from narraframe.records import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Cells of like probability: their mean `probability`, and the `share` of positives in them."""

    probability: float
    share: Estimate


@dataclass(frozen=True, slots=True)
class ChanceError:
    """The calibration error that perfectly calibrated probabilities show: its mean, and the
    `high` that 95 % of samples do not pass.
    """

    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Reliability of one label's probabilities, or of all labels' together.

    `bins` from the lowest probability up; `error` the expected calibration error, `chance` what of
    it is to be expected by chance; `brier` the mean squared error; `log_loss` the mean negative log
    (natural) of the probability given to the truth, inf where the truth was ruled out.
    """

    name: str
    n: int
    n_positive: int
    bins: tuple[Bin, ...]
    error: float
    chance: ChanceError
    brier: float
    log_loss: float

    @property
    def is_off(self) -> bool:
        """Tell whether the error is more than chance explains: one sample in 20 is by chance."""
        return self.error > self.chance.high


@dataclass(frozen=True, slots=True)
class Reliability:
    """Curves of all labels `pooled` and of each label, in codebook order."""

    pooled: Curve
    labels: tuple[Curve, ...]


def reliability(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    p: NDArray[np.floating],
    groups: ArrayLike,
    label_ids: Sequence[str],
    *,
    seed: int,
    n_bins: int = N_BINS,
    n_draws: int = 200,
) -> Reliability:
    """Compare probabilities with the share of posts that bear the label.

    Cells count that are known and have a probability; a label without any has no bins and figures
    of nan. Bins are of about equal size, see `calibration_bins`.

    The pooled curve shows bins over all cells, but its error is that of `measure`: the mean over
    labels of their own errors, each weighing as many cells as it has, as one label's excess would
    make up for another's want in shared bins. Its `chance` is computed alike.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    p : float array of shape (n, k)
        Held-out or out-of-fold probability in [0, 1], nan where there is none.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    label_ids : sequence of str of length k
        Columns.
    seed, n_draws : int
        Of the samples that say what chance would show, see `chance_errors`.
    n_bins : int, default=15
        Bins a curve.

    Raises
    ------
    ValueError
        If a probability lies outside [0, 1].

    References
    ----------
    Bröcker and Smith (2007), Increasing the Reliability of Reliability Diagrams.
    """
    scored = mask & np.isfinite(p)
    p = p.astype(np.float64)
    if scored.any() and not (p[scored].min() >= 0 and p[scored].max() <= 1):
        raise ValueError("probabilities must lie in [0, 1]")
    member = np.unique(np.asarray(groups), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    curves, by_chance, n_cells = [], np.zeros(n_draws), int(scored.sum())
    for j, label_id in enumerate(label_ids):
        rows = scored[:, j]
        of_label = p[rows, j]
        drawn = chance_errors(of_label, member[rows], rng=rng, n_draws=n_draws, n_bins=n_bins)
        by_chance += np.nan_to_num(drawn) * rows.sum()
        error = calibration_error(y[rows, j], of_label, n_bins=n_bins)
        curves.append(
            _curve(label_id, y[rows, j], of_label, member[rows], error, drawn, n_bins=n_bins)
        )
    total = math.fsum(curve.error * curve.n for curve in curves if curve.n)
    pooled = _curve(
        "all labels",
        y[scored],
        p[scored],
        np.broadcast_to(member[:, None], y.shape)[scored],
        total / n_cells if n_cells else math.nan,
        by_chance / n_cells if n_cells else np.full(n_draws, np.nan),
        n_bins=n_bins,
    )
    return Reliability(pooled, tuple(curves))


def chance_errors(
    p: Floats,
    member: NDArray[np.intp],
    *,
    rng: np.random.Generator,
    n_draws: int = 200,
    n_bins: int = N_BINS,
) -> Floats:
    """Draw the calibration errors that one label's probabilities would show if they were right.

    The truth of each cell is drawn with its own probability, `n_draws` times. Posts of one group
    share the draw: copies carry the same labels, and are no independent evidence.

    Parameters
    ----------
    p : float64 array of shape (n,)
        Probability in [0, 1].
    member : intp array of shape (n,)
        Near-duplicate group of each cell's post.

    Returns
    -------
    float64 array of shape (n_draws,)
        nan without cells.
    """
    if not len(p):
        return np.full(n_draws, np.nan)
    group = np.unique(member, return_inverse=True)[1]
    luck = rng.random((group.max() + 1, n_draws), dtype=np.float32)
    gap = p[:, None] - (luck[group] < p[:, None])
    bins = calibration_bins(p, n_bins=n_bins)
    in_bin = np.arange(bins.max() + 1)[:, None] == bins
    with threadpool_limits(limits=1):
        return np.asarray(np.abs(in_bin.astype(np.float64) @ gap).sum(axis=0) / len(p))


def brier_score(y: NDArray[np.int8], p: Floats) -> float:
    """Return the mean squared distance of probability and truth, shape (n,); nan without cells."""
    return float(np.mean((p - (y == 1)) ** 2)) if len(p) else math.nan


def log_loss(y: NDArray[np.int8], p: Floats) -> float:
    """Return the mean of -ln(probability given to the truth), shape (n,).

    Nothing is clipped: inf where the truth was given 0; nan without cells.
    """
    with np.errstate(divide="ignore"):
        return float(-np.log(np.where(y == 1, p, 1 - p)).mean()) if len(p) else math.nan


def _curve(
    name: str,
    y: NDArray[np.int8],
    p: Floats,
    member: NDArray[np.intp],
    error: float,
    by_chance: Floats,
    *,
    n_bins: int,
) -> Curve:
    bins = calibration_bins(p, n_bins=n_bins)
    return Curve(
        name=name,
        n=len(p),
        n_positive=int((y == 1).sum()),
        bins=tuple(
            Bin(float(p[bins == b].mean()), _share(y[bins == b] == 1, member[bins == b]))
            for b in np.unique(bins)
        ),
        error=error,
        chance=ChanceError(float(by_chance.mean()), float(np.quantile(by_chance, 0.95))),
        brier=brier_score(y, p),
        log_loss=log_loss(y, p),
    )


def _share(positive: NDArray[np.bool_], member: NDArray[np.intp]) -> Estimate:
    """Put Wilson's interval around a share, n divided by the design effect of the groups.

    Resampling says little where a bin holds a handful of positives, as most bins of a rare label
    do. Where the share is 0 or 1 each group counts as one; with fewer than two there is no
    interval.

    References
    ----------
    Wilson (1927); Korn and Graubard (1998), Survey Methodology 24, 193-201.
    """
    n, share = len(positive), float(positive.mean())
    group = np.unique(member, return_inverse=True)[1]
    cells, hits = np.bincount(group), np.bincount(group, weights=positive)
    g = len(cells)
    if g < 2:
        return Estimate(share, math.nan, math.nan, n, LEVEL)
    spread = g / (g - 1) * ((hits - share * cells) ** 2).sum()
    independent = n * share * (1 - share)
    size = n / max(1.0, spread / independent) if independent > 0 else float(g)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    reach = z / (1 + z**2 / size) * math.sqrt(share * (1 - share) / size + (z / (2 * size)) ** 2)
    return Estimate(
        share, max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share)), n, LEVEL
    )
