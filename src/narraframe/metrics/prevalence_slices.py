"""The shares of a label in all posts, month by month, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from narraframe.metrics.prevalence import FEW, Share, audit_share, design_share
from narraframe.metrics.prevalence_intervals import mean_probability
from narraframe.metrics.prevalence_sampling import weigh
from narraframe.metrics.wilson import LEVEL, wilson_ends
from narraframe.records import Estimate, LabelShare

SMALL, WIDE = 30, 0.2
"""Fewer answers than the one, or an interval wider than the other, say too little."""
UNREACHED = 0.1
"""Up to this share of the posts, those that no answer speaks of are taken to be like the others."""


@dataclass(frozen=True)
class Evidence:
    """What is known of the N posts of a population and one label.

    `stratum` intp (N,) of the audit, negative where no answer speaks of it; `chance` float64 (N,)
    to be drawn, up to a factor in each stratum; `y` float64 (N,): 1 or 0 where an audit post has an
    answer, nan elsewhere; `honest` float64 (N,): probabilities that the post's own answer had no
    part in, nan where there is none; `probability` and `decision` (N,) as scored, nan where not.
    """

    stratum: NDArray[np.intp]
    chance: NDArray[np.float64]
    y: NDArray[np.float64]
    honest: NDArray[np.float64]
    probability: NDArray[np.float64]
    decision: NDArray[np.float64]

    def at(self, rows: NDArray[np.bool_]) -> Evidence:
        """Return the posts that `rows` (N,) marks."""
        return Evidence(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def shares_by(
    label_id: str, evidence: Evidence, *, by: str, values: Sequence[str | None]
) -> Iterator[LabelShare]:
    """Yield the share of a label in each slice, in order; posts without a value are in none.

    Parameters
    ----------
    label_id : str
    evidence : Evidence of N posts
    by : str
        What the slices are, "month" or "channel".
    values : sequence of str or None of length N
        The slice of each post.
    """
    of_post = np.array([value or "" for value in values], dtype=object)
    for value in sorted({value for value in values if value}):
        yield label_share(label_id, evidence.at(of_post == value), by=by, value=value)


def label_share(label_id: str, evidence: Evidence, *, by: str, value: str) -> LabelShare:
    """Estimate the share of a label in one slice: three answers, and what stands behind them.

    A post without an honest probability (unscored, or seen in training and never held out) counts
    with the mean of the others: that adds noise, which the interval sees, but no bias.

    Where more than `UNREACHED` of the posts lie in strata without an answer, chance has no say in
    what they are like: the interval is then from none of them to all of them.
    """
    answered = ~np.isnan(evidence.y)
    y = evidence.y[answered]
    alone, found = _by_audit(evidence)
    classical, design = (s.interval() if len(y) else _unknown() for s in (alone, found))
    reached = evidence.stratum >= 0
    unreached, effective = 1 - float(reached.mean()), found.equivalent
    if len(y) and unreached > UNREACHED:
        parts = [share.interval() for share in _by_audit(evidence.at(reached))]
        classical, design = (
            _bounded(whole, part, unreached)
            for whole, part in zip((classical, design), parts, strict=True)
        )
        effective = math.nan
    scored = ~np.isnan(evidence.probability)
    counted = evidence.decision[~np.isnan(evidence.decision)]
    return LabelShare(
        label_id=label_id,
        by=by,
        value=value,
        n_posts=len(answered),
        n_scored=int(scored.sum()),
        n_audit=len(y),
        n_positive=int(y.sum()),
        effective_size=effective,
        naive=_count(counted),
        calibrated=mean_probability(evidence.probability[scored], level=LEVEL),
        classical=classical,
        design=design,
        method=_method(found),
        power=found.power,
        note=_note(design, y, len(answered), unreached),
    )


def _by_audit(evidence: Evidence) -> tuple[Share, Share]:
    """Return the share by the audit alone, and with what the model says."""
    answered = ~np.isnan(evidence.y)
    drawn = weigh(evidence.stratum, answered, chance=evidence.chance)
    y = evidence.y[answered]
    alone, known = audit_share(y, drawn), ~np.isnan(evidence.honest)
    if not known.any():
        return alone, alone
    filled = np.where(known, evidence.honest, evidence.honest[known].mean())
    return alone, design_share(y, filled, drawn)


def _bounded(whole: Estimate, reached: Estimate, unreached: float) -> Estimate:
    """Return `whole` with the interval of those `reached`, and any share among the others."""
    low = reached.low * (1 - unreached)
    high = reached.high * (1 - unreached) + unreached
    return Estimate(min(max(whole.value, low), high), low, high, whole.n, whole.level)


def _count(decisions: NDArray[np.float64]) -> Estimate:
    if not len(decisions):
        return _unknown()
    value = float(decisions.mean())
    return Estimate(value, *wilson_ends(value, len(decisions), level=LEVEL), len(decisions), LEVEL)


def _unknown() -> Estimate:
    return Estimate(math.nan, math.nan, math.nan, 0, LEVEL)


def _method(found: Share) -> str:
    if not found.n:
        return ""
    return "ppi++" if found.power else "audit"


def _note(design: Estimate, y: NDArray[np.float64], n_posts: int, unreached: float) -> str:
    if not len(y):
        return "no audit post has an answer: nothing bears out any figure"
    if unreached > UNREACHED:
        return f"no answer speaks of {100 * unreached:.0f} % of the posts: any of them may be yes"
    if len(y) == n_posts:
        return ""
    if len(y) < SMALL:
        return f"too small an audit: {len(y)} answers"
    if design.high - design.low > WIDE:
        return f"too small an audit: known to within {100 * (design.high - design.low):.0f} points"
    if y.sum() < FEW:
        return f"rare: {int(y.sum())} of {len(y)} answers say yes"
    return ""
