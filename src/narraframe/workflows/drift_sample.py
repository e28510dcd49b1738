"""What is kept of new posts to tell drift by: a sample of bounded size, whoever gathered it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from narraframe.metrics.drift import ALPHA, NewPosts, drift
from narraframe.posts.duplicates import near_duplicates
from narraframe.records import Drift, DriftReference
from narraframe.workflows.drift_reference import MOST


@dataclass(frozen=True, slots=True)
class Kept:
    """One post of the sample; `vector` (d,), `decided` and `carries` (k,) None without a score."""

    post_id: str
    text: str
    lang: str
    vector: NDArray[np.float32] | None = None
    decided: NDArray[np.bool_] | None = None
    carries: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True)
class DriftSample:
    """Counts of posts, and of `kept` those 1,000 distinct ones whose texts have the smallest keys.

    That is a random sample, which depends neither on the order of the posts nor on how they were
    cut into parts.
    """

    n_posts: int = 0
    n_without_text: int = 0
    n_unknown_language: int = 0
    kept: Mapping[bytes, Kept] = field(default_factory=dict)

    def __add__(self, other: DriftSample) -> DriftSample:
        # of equal texts the one with the smallest id, so that the order does not matter
        came = {
            key: one
            for key, one in other.kept.items()
            if key not in self.kept or one.post_id < self.kept[key].post_id
        }
        return DriftSample(
            n_posts=self.n_posts + other.n_posts,
            n_without_text=self.n_without_text + other.n_without_text,
            n_unknown_language=self.n_unknown_language + other.n_unknown_language,
            kept=smallest({**self.kept, **came}),
        )


def smallest(kept: Mapping[bytes, Kept]) -> dict[bytes, Kept]:
    """Return the posts with the smallest keys, as many as a sample has."""
    return {key: kept[key] for key in sorted(kept)[:MOST]}


def drift_of(
    sample: DriftSample, reference: DriftReference | None, *, model: str, alpha: float = ALPHA
) -> Drift:
    """Compare the sample, near-duplicates left out, with what the `model` keeps, if it does."""
    kept = [sample.kept[key] for key in sorted(sample.kept)]
    copies = near_duplicates([one.post_id for one in kept], [one.text for one in kept])
    kept = [one for one, first in zip(kept, copies, strict=True) if first is None]
    k, d = (len(reference.label_ids), reference.vectors.shape[1]) if reference else (0, 0)
    scored = [one for one in kept if one.vector is not None]
    new = NewPosts(
        n_posts=sample.n_posts,
        n_without_text=sample.n_without_text,
        n_unknown_language=sample.n_unknown_language,
        languages=tuple(one.lang for one in kept),
        vectors=_stacked([one.vector for one in scored], d),
        decided=_stacked([one.decided for one in scored], k).astype(np.bool_),
        carries=_stacked([one.carries for one in scored], k).astype(np.bool_),
    )
    return drift(reference, new, model=model, alpha=alpha)


def _stacked(rows: Sequence[NDArray[np.generic] | None], width: int) -> NDArray[np.float32]:
    found = [row for row in rows if row is not None]
    return np.stack(found).astype(np.float32) if found else np.zeros((0, width), np.float32)
