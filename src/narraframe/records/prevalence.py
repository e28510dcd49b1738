"""How much of the posts carries a label: per slice, three answers and what stands behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from narraframe.records.quality import Estimate

ALL, MONTH, CHANNEL = "all", "month", "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelShare:
    """The share of the posts of one slice that carry one label.

    `by` "all", "month" or "channel"; `value` the month ("2024-05") or channel, "" for all posts.
    `n_posts` of the slice have text; `n_scored` of these have a score; `n_audit` were drawn at
    random and answered, `n_positive` of them with yes. `effective_size`: answers of a simple random
    sample without any model that would be as precise as `design`; nan where there is none, or where
    no answer speaks of many of the posts.

    `naive` is the share of decisions, those left open apart, `calibrated` the mean probability,
    both of the scored posts. Their intervals are those one would print who trusts the model; its
    errors are not in them.
    `classical` is the share among the audit posts, weighted by the design; `design` is what to
    publish: the same, made more precise by the model's probabilities where that can be done
    (`method` "ppi++", else "audit"). Without an answered audit post both are nan, `method` is "".
    `power` is the trust in the model that the audit bears out, from 0 to 1. `note` says in plain
    words what is to be known of this figure, that the sample is too small above all; else "".
    """

    label_id: str
    by: str
    value: str
    n_posts: int
    n_scored: int
    n_audit: int
    n_positive: int
    effective_size: float
    naive: Estimate
    calibrated: Estimate
    classical: Estimate
    design: Estimate
    method: str
    power: float
    note: str = ""

    @property
    def is_known(self) -> bool:
        """Tell whether there is a figure that the audit bears out."""
        return not math.isnan(self.design.value)

    @property
    def naive_misses(self) -> bool:
        """Tell whether the count of decisions lies outside of the interval by design."""
        inside = self.design.low <= self.naive.value <= self.design.high
        known = not (math.isnan(self.naive.value) or math.isnan(self.design.low))
        return known and not inside


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareChange:
    """How the share of a label differs between two slices: `difference` is `after` less `before`.

    `difference` is by design, in shares from -1 to 1; `naive` is the difference of the counts of
    decisions. `note` as of LabelShare.
    """

    label_id: str
    before: LabelShare
    after: LabelShare
    difference: Estimate
    naive: float
    note: str = ""

    @property
    def is_beyond_chance(self) -> bool:
        """Tell whether the interval leaves out no change at all."""
        return bool(self.difference.low > 0 or self.difference.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan:
    """What it takes to know the share of a label in a slice to within `width`, end to end.

    `width_now` of the interval by design, nan where there is none; `n_audit` audit posts are
    answered, `n_more` are to be answered besides (of `n_posts`, drawn at random as before).
    """

    label_id: str
    by: str
    value: str
    n_posts: int
    n_audit: int
    width_now: float
    n_more: int


@dataclass(frozen=True, kw_only=True)
class Prevalence:
    """Shares of labels in a corpus, all posts first, then months and channels in order.

    The population are the `n_posts` posts that have text; `left_out` counts the others by reason.
    `n_unscored` of the population have no score, by reason in `unscored`: the audit speaks for them
    too. Of `n_drawn` audit posts among them `n_answered` have an answer, `n_copied` of these the
    one of a near-copy; `n_skipped` were skipped by annotators, and the rest waits. `n_uncovered`
    posts lie in channels and months of which the audit has no answer.

    `by`: the slices that were asked for besides all posts. `notes` in plain words hold for all
    figures. `consensus` joined the answers of several annotators. `model` is "" and `naive`,
    `calibrated` are nan without scores.
    """

    model: str
    label_ids: tuple[str, ...]
    by: tuple[str, ...]
    shares: tuple[LabelShare, ...]
    n_posts: int
    n_unscored: int
    n_drawn: int
    n_answered: int
    n_copied: int
    n_skipped: int
    n_uncovered: int
    unscored: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    consensus: str = "majority"
    notes: tuple[str, ...] = ()

    def slices(self, by: str) -> tuple[str, ...]:
        """Return the months or channels of which there are figures, in order."""
        return tuple(dict.fromkeys(share.value for share in self.shares if share.by == by))

    def of(self, label_id: str, *, by: str = ALL, value: str = "") -> LabelShare | None:
        """Return the share of a label in a slice; None where there is no such figure."""
        wanted = (label_id, by, value)
        found = (s for s in self.shares if (s.label_id, s.by, s.value) == wanted)
        return next(found, None)
