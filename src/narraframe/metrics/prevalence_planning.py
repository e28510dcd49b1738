"""How many more posts to label until a share is known as well as is wanted."""

from __future__ import annotations

import math

from narraframe.metrics.wilson import wilson_ends
from narraframe.records import LabelPlan, LabelShare


def plan_share(share: LabelShare, *, width: float) -> LabelPlan:
    """Tell how many more audit answers bring the interval of `share` down to `width`.

    The share, and by how much the model and the strata make the audit more precise, are taken to
    stay as they are now; without an audit the share is taken from the model, or else as one half,
    and nothing is hoped of the model. Where no answer speaks of many of the posts, more of the
    answers that are there would not help: the audit is planned as if it began anew.

    Parameters
    ----------
    share : LabelShare
        As it is now.
    width : float
        From end to end, above 0 and below 1.

    Notes
    -----
    The width is that of Wilson's interval, so small shares need fewer answers. Half of the audits
    planned so end up a little wider, half a little narrower than `width`.
    """
    n, population = share.n_audit, share.n_posts
    now = share.design.high - share.design.low
    value, spread = share.design.value, _spread(share)
    if math.isnan(value):
        value = 0.5 if math.isnan(share.calibrated.value) else share.calibrated.value

    def wide(answers: int) -> bool:
        if answers >= population:
            return False
        effective = answers / ((1 - answers / population) * spread)
        low, high = wilson_ends(value, effective, level=share.design.level)
        return high - low > width

    counted = 0 if math.isnan(share.effective_size) else n
    enough = counted
    if counted == 0 or now > width:
        few, many = max(counted, 1), population
        while few < many:
            middle = (few + many) // 2
            few, many = (middle + 1, many) if wide(middle) else (few, middle)
        enough = many
    return LabelPlan(
        label_id=share.label_id,
        by=share.by,
        value=share.value,
        n_posts=population,
        n_audit=n,
        width_now=now,
        n_more=min(enough - counted, population - n),
    )


def _spread(share: LabelShare) -> float:
    """Return the variance now over that of a simple random sample of as many answers."""
    n, of = share.n_audit, share.n_posts
    if not 0 < n < of or not 0 < share.effective_size < of:
        return 1.0
    return (n / (1 - n / of)) / (share.effective_size / (1 - share.effective_size / of))
