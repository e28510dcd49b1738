"""How a share differs between two months or two channels."""

from __future__ import annotations

import math

from narraframe.metrics.prevalence_intervals import difference
from narraframe.records import Estimate, LabelShare, ShareChange


def share_change(before: LabelShare, after: LabelShare) -> ShareChange:
    """Compare the shares of one label in two slices that have no post in common.

    The difference is of the posts at hand, as the shares are: it says that the one month had more
    of the narrative than the other, not that whoever wrote them meant to. The audit draws the posts
    of the two by chance each; where it is so small that a share has no figure, there is no
    difference either.
    """
    if not (before.is_known and after.is_known):
        nothing = math.nan
        found = Estimate(nothing, nothing, nothing, 0, before.design.level)
    else:
        found = difference(before.design, after.design)
    notes = [
        f"{share.value}: {share.note}" for share in (before, after) if share.note and share.value
    ]
    return ShareChange(
        label_id=before.label_id,
        before=before,
        after=after,
        difference=found,
        naive=after.naive.value - before.naive.value,
        note="; ".join(notes),
    )
