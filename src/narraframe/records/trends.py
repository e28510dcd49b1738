"""Labels and themes over time, side by side, and what the codebook has no label for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records.quality import Estimate

SAMPLING_ONLY = (
    "Intervals cover the chance in which distinct posts were published, and nothing else: Wilson, "
    "95 %, near-duplicates of a period counted once. They say nothing of the errors of a "
    "classifier or of a theme: a decision is counted as it stands."
)
"""What every interval of `Trends` covers, to be shown beside it."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch of periods in which a label or theme was raised, by Kleinberg's two states.

    `first` and `last` name its periods. `n` of `of` distinct posts carry it there; `ratio` is that
    share over the share of all periods together. `weight` is what the raised state explains better
    than the usual one, in nats: the greater, the surer.
    """

    first: str
    last: str
    n: int
    of: int
    ratio: float
    weight: float


@dataclass(frozen=True)
class Trend:
    """One label or theme over p periods.

    `kind` is "label" or "theme", `key` the label id or "T7". `n` int64 (p,) counts the posts that
    carry it, `of` int64 (p,) those that were asked (decided on, or looked at for themes). The same
    of distinct posts, near-duplicates of one period counted once: `n_distinct`, `of_distinct`;
    `shares` (p,) are ``n_distinct / of_distinct`` with the intervals that `SAMPLING_ONLY` speaks
    of, nan where nobody was asked. `whole` is the same share over all periods. `bursts` in time
    order, none for channels; `too_common` where the share of the whole is so high that no burst
    could be told.
    """

    kind: str
    key: str
    name: str
    n: NDArray[np.int64]
    of: NDArray[np.int64]
    n_distinct: NDArray[np.int64]
    of_distinct: NDArray[np.int64]
    shares: tuple[Estimate, ...]
    whole: Estimate
    bursts: tuple[Burst, ...] = ()
    too_common: bool = False


@dataclass(frozen=True)
class Trends:
    """`lines` over the same `periods`, by "day", "week" (Monday's date), "month" or "channel".

    `periods` run from the first to the last without a gap (channels: the most posts first).
    `channel` names the one that all is of; None = all. `n_posts` were read; `n_unplaced` of them
    have no date (or channel) and are left out.
    """

    by: str
    periods: tuple[str, ...]
    lines: tuple[Trend, ...]
    n_posts: int
    n_unplaced: int
    channel: str | None = None

    @property
    def bursting(self) -> tuple[Trend, ...]:
        """The lines that have a burst, the weightiest first."""
        found = [line for line in self.lines if line.bursts]
        return tuple(sorted(found, key=lambda line: -max(b.weight for b in line.bursts)))


@dataclass(frozen=True)
class ByChannel:
    """Labels by channel, and over time in each channel.

    `channels` in order, the most posts first; where there are many, the small ones are together in
    the last one, whose name says how many they are (`n_folded`, else 0). `shares` are trends by
    channel, its columns in an order of their own. `over_time` holds the trends of each channel, in
    the order of `channels`, over some or all of `periods`; both are empty without dates.
    """

    channels: tuple[str, ...]
    shares: Trends
    over_time: tuple[Trends, ...] = ()
    periods: tuple[str, ...] = ()
    n_folded: int = 0


@dataclass(frozen=True)
class ThemesAgainstLabels:
    """Themes (t,) against labels (k,): how the unsupervised and the supervised view meet.

    `n` int64 (t, k) counts the posts of a theme that carry a label, of `decided` (t, k) posts on
    which the model decided; `share_of_theme` is ``n / decided`` and `share_of_label` the part of
    the label's posts *that are in a theme* which lie in this one; nan where undefined. `outside`
    int64 (k,) counts the label's posts in no theme. `small_theme` (t,) and `small_label` (k,) mark
    those with fewer than `few` distinct posts: their shares mean little. `spread` (k,) is the
    normalised entropy of a label over themes (0 = all in one, 1 = evenly over all), `mixture` (t,)
    that of a theme over labels; nan where undefined. `dependence` is Theil's uncertainty
    coefficient: the part of a label's entropy that the theme takes away, over pairs of post and
    label (0 = themes say nothing of labels, 1 = they settle them).
    """

    themes: tuple[int, ...]
    theme_names: tuple[str, ...]
    label_ids: tuple[str, ...]
    label_names: tuple[str, ...]
    n: NDArray[np.int64]
    decided: NDArray[np.int64]
    share_of_theme: NDArray[np.float64]
    share_of_label: NDArray[np.float64]
    outside: NDArray[np.int64]
    small_theme: NDArray[np.bool_]
    small_label: NDArray[np.bool_]
    spread: NDArray[np.float64]
    mixture: NDArray[np.float64]
    dependence: float
    few: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A theme that no label of the codebook covers.

    `labelled` is the share of its decided distinct posts that carry any label of the facets looked
    at, `top_label` the one that covers most of it ("" = none) and `top_share` its share. `likeness`
    is the cosine of its centre to the nearest definition, that of `nearest_label`; nan = not asked.
    `like_a_label` where that is as much as half of the covered themes have: then the model may miss
    the label rather than the codebook lack it.
    `early` and `late` are its shares of the earlier and the later half of all distinct posts, by
    when each was first published; `growth` is their ratio (nan without dates, inf if it is new),
    `p_growth` the chance of at least such growth if its share were the same throughout (one-sided
    Fisher, Holm over themes); `grows` where that is below 0.05.
    """

    theme: int
    name: str
    n_posts: int
    n_distinct: int
    labelled: Estimate
    top_label: str
    top_share: float
    likeness: float
    nearest_label: str
    like_a_label: bool
    early: float
    late: float
    growth: float
    p_growth: float
    grows: bool
