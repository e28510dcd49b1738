"""Ways to estimate a share, each with its 95 % interval: value, low, high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prevalence_sets import Population

from narraframe.metrics.prevalence import audit_share, design_share
from narraframe.metrics.prevalence_intervals import difference, mean_probability
from narraframe.metrics.prevalence_sampling import Drawn, weigh
from narraframe.metrics.wilson import LEVEL, wilson_ends

Ends = tuple[float, float, float]
Z = 1.959964
N_BOOTSTRAP = 200


@dataclass(frozen=True)
class Audit:
    """A population, the posts drawn from it, and what the classifier says in-sample, if it does."""

    q: Population
    drawn: Drawn
    rng: np.random.Generator
    in_sample: NDArray[np.float64] | None = None

    def y(self, j: int) -> NDArray[np.float64]:
        return self.q.y[self.drawn.rows, j].astype(np.float64)


def naive(a: Audit, j: int) -> Ends:
    value = float(a.q.decision[:, j].mean())
    return value, *wilson_ends(value, len(a.q.y), level=LEVEL)


def calibrated(a: Audit, j: int) -> Ends:
    found = mean_probability(a.q.p[:, j], level=LEVEL)
    return found.value, found.low, found.high


def audit_alone(a: Audit, j: int) -> Ends:
    found = audit_share(a.y(j), a.drawn).interval()
    return found.value, found.low, found.high


def by_design(a: Audit, j: int) -> Ends:
    found = design_share(a.y(j), a.q.p[:, j], a.drawn).interval()
    return found.value, found.low, found.high


def in_sample(a: Audit, j: int) -> Ends:
    if a.in_sample is None:
        return np.nan, np.nan, np.nan
    found = design_share(a.y(j), a.in_sample[:, j], a.drawn).interval()
    return found.value, found.low, found.high


def residuals(a: Audit, j: int) -> tuple[float, NDArray[np.float64]]:
    """Return the estimate and the weighted residuals, nothing left out and nothing bounded."""
    y, f, w = a.y(j), a.q.p[:, j], a.drawn.weight / a.drawn.weight.sum()
    centred = f[a.drawn.rows] - (w * f[a.drawn.rows]).sum()
    slope = (w * centred * y).sum() / max((w * centred**2).sum(), 1e-12)
    e = y - (w * y).sum() - slope * centred
    return float((w * y).sum() + slope * (f.mean() - (w * f[a.drawn.rows]).sum())), w * e


def normal(a: Audit, j: int) -> Ends:
    value, e = residuals(a, j)
    half = Z * np.sqrt((1 - len(e) / len(a.q.y)) * (e**2).sum())
    return value, value - half, value + half


def cluster_robust(a: Audit, j: int) -> Ends:
    """Wilson's interval as by design, but residuals of copies are added up before squaring."""
    y = a.y(j)
    found = design_share(y, a.q.p[:, j], a.drawn)
    if np.isinf(found.effective):
        return found.value, found.value, found.value
    _, e = residuals(a, j)
    member = np.unique(a.q.group[a.drawn.rows], return_inverse=True)[1]
    swell = (np.bincount(member, e) ** 2).sum() / max((e**2).sum(), 1e-12)
    return found.value, *wilson_ends(found.value, found.effective / max(swell, 1e-3), level=LEVEL)


def group_bootstrap(a: Audit, j: int) -> Ends:
    """Groups of copies in the audit drawn anew, percentiles of the estimate with its slope."""
    value, _ = residuals(a, j)
    y, f = a.y(j), a.q.p[a.drawn.rows, j]
    names, member = np.unique(a.q.group[a.drawn.rows], return_inverse=True)
    g = len(names)
    times = a.rng.multinomial(g, np.full(g, 1 / g), size=N_BOOTSTRAP)
    w = times[:, member] * a.drawn.weight
    w = w / w.sum(axis=1, keepdims=True)
    mean_y, mean_f = w @ y, w @ f
    spread = np.maximum(w @ f**2 - mean_f**2, 1e-12)
    slope = (w @ (f * y) - mean_f * mean_y) / spread
    low, high = np.quantile(mean_y + slope * (a.q.p[:, j].mean() - mean_f), [0.025, 0.975])
    return value, float(low), float(high)


def change(a: Audit, j: int, *, model: bool = True) -> Ends:
    """How much a share changed between the two periods, the strata of the population."""
    found = []
    drawn = np.zeros(len(a.q.y), dtype=np.bool_)
    drawn[a.drawn.rows] = True
    for period in (0, 1):
        here = a.q.month == period
        part = weigh(np.zeros(here.sum(), dtype=np.intp), drawn[here])
        y = a.q.y[here, j][part.rows].astype(np.float64)
        share = design_share(y, a.q.p[here, j], part) if model else audit_share(y, part)
        found.append(share.interval())
    d = difference(*found)
    return d.value, d.low, d.high


def naive_change(a: Audit, j: int) -> Ends:
    ends = []
    for period in (0, 1):
        decision = a.q.decision[a.q.month == period, j]
        ends.append((float(decision.mean()), len(decision)))
    (p0, n0), (p1, n1) = ends
    half = Z * np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1)
    return p1 - p0, p1 - p0 - half, p1 - p0 + half


CONTENDERS = {
    "count of decisions": naive,
    "sum of probabilities": calibrated,
    "audit alone": audit_alone,
    "by design": by_design,
    "by design, normal interval": normal,
}
GROUPED = {
    "by design, cluster-robust": cluster_robust,
    "by design, group bootstrap": group_bootstrap,
}
OWN = CONTENDERS | {"by design, in-sample probabilities": in_sample}
CHANGES = {
    "count of decisions": naive_change,
    "audit alone": lambda a, j: change(a, j, model=False),
    "by design": change,
}
