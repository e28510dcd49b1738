"""Where a classifier fails: slices of the posts, and labels that it takes for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.metrics import multilabel
from narraframe.metrics.intervals import estimate, resample_groups
from narraframe.metrics.multilabel import Confusion
from narraframe.records import Estimate, HeldOut


@dataclass(frozen=True, slots=True)
class SliceQuality:
    """Micro F1 of the posts of one language, channel or the like."""

    name: str
    n_posts: int
    micro_f1: Estimate


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """On `n_posts` posts with `label_id` the model missed it and wrongly decided `taken_for`.

    `share`: of all known posts with `label_id`.
    """

    label_id: str
    taken_for: str
    n_posts: int
    share: float


def slice_quality(
    held_out: HeldOut,
    names: Sequence[str | None],
    *,
    least: int = 30,
    seed: int = 0,
    n_resamples: int = 1000,
) -> tuple[SliceQuality, ...]:
    """Measure each slice of the posts, the worst first; undefined figures come last.

    Parameters
    ----------
    held_out : HeldOut
        Predictions of n posts.
    names : sequence of str or None of length n
        The slice of each post, for example its language; None = not known, in no slice.
    least : int, default=30
        Slices of fewer posts are left out: their figures would be chance.
    seed, n_resamples : int
        Of the resampling of near-duplicate groups behind the intervals.
    """
    counts = Counter(name for name in names if name)
    slices = [
        _slice(held_out, names, name, seed=seed, n_resamples=n_resamples)
        for name, n in counts.items()
        if n >= least
    ]
    return tuple(sorted(slices, key=lambda s: (np.nan_to_num(s.micro_f1.value, nan=2), s.name)))


def _slice(
    held_out: HeldOut, names: Sequence[str | None], name: str, *, seed: int, n_resamples: int
) -> SliceQuality:
    rows = np.array([other == name for other in names])
    y, known = held_out.y[rows], held_out.mask[rows]
    cells = multilabel.cells(y, held_out.decision[rows], known)
    draws = resample_groups(held_out.groups[rows], n_resamples=n_resamples, seed=seed)
    drawn = draws.totals(np.column_stack([outcome.sum(axis=1) for outcome in cells]))
    value = multilabel.f1(Confusion(*(np.asarray(outcome.sum(), float) for outcome in cells)))
    positive = np.asarray((known & (y == 1)).any(axis=1))
    found = estimate(
        float(value),
        multilabel.f1(Confusion(*drawn.T)),
        n=int(known.sum()),
        n_groups=draws.n_groups(positive),
    )
    return SliceQuality(name, int(rows.sum()), found)


def confused_pairs(
    held_out: HeldOut, facet_of: Mapping[str, str], *, least: int = 3
) -> tuple[ConfusedPair, ...]:
    """Find labels that were missed where another of their facet was wrongly decided.

    Parameters
    ----------
    held_out : HeldOut
        Predictions; only posts on which both labels are known count.
    facet_of : mapping of str to str
        The facet of each label id: labels of different facets answer different questions.
    least : int, default=3
        Pairs on fewer posts are left out.

    Returns
    -------
    tuple of ConfusedPair
        The most frequent first.
    """
    label_ids = held_out.label_ids
    _, wrong, missed = multilabel.cells(held_out.y, held_out.decision, held_out.mask)
    both = missed.astype(np.int64).T @ wrong.astype(np.int64)
    facets = np.array([facet_of[label_id] for label_id in label_ids])
    both[facets[:, None] != facets[None, :]] = 0
    carried = (held_out.mask & (held_out.y == 1)).sum(axis=0)
    pairs = [
        ConfusedPair(label_ids[i], label_ids[j], int(both[i, j]), float(both[i, j] / carried[i]))
        for i, j in np.argwhere(both >= least)
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.n_posts))
