"""Clusters of posts in the layout, by HDBSCAN at a granularity that is chosen by its validity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE = -1
_LEVELS = 12
_LEAST_VALIDITY = 0.05


@dataclass(frozen=True)
class Clusters:
    """`theme` int32 (n,), 0 = largest, -1 = noise; `membership` float32 (n,), 0 for noise;
    `validity` is HDBSCAN's relative validity in [-1, 1], nan without themes.
    """

    theme: NDArray[np.int32]
    membership: NDArray[np.float32]
    validity: float
    min_cluster_size: int


def cluster(
    layout: NDArray[np.float32],
    *,
    min_cluster_size: int | None = None,
    min_samples: int | None = None,
) -> Clusters:
    """Find the dense regions of the layout; posts between them are noise.

    With ``min_cluster_size=None`` up to twelve sizes between `min_samples` (3 at least) and a
    thirtieth of the posts are tried, and the one kept whose clustering has the largest

        relative validity * (1 - share of the posts that are in the largest theme),

    the smallest size among equals. Validity alone falls for splits into one blob and a crumb. If no
    size reaches a validity of 0.05, the places between are as dense as the themes: all is noise.

    Parameters
    ----------
    layout : float32 array of shape (n, c)
        From `reduce`, in about 5 dimensions.
    min_cluster_size : int, default=None
        Fewest posts that make a theme; None chooses.
    min_samples : int, default=None
        Neighbours that make a place dense: more means more noise and fewer small themes. None
        takes half the cube root of n, between 2 and 10.

    Returns
    -------
    Clusters
        Themes numbered by size, the largest first; of equal ones that with the first post.

    References
    ----------
    Campello, Moulavi and Sander (2013); relative validity: Moulavi et al. (2014), DBCV.
    """
    n = len(layout)
    samples = min_samples or int(np.clip(round(np.cbrt(n) / 2), 2, 10))
    samples = min(samples, max(n - 1, 1))
    if min_cluster_size is not None:
        return _cluster_at(layout, min_cluster_size, samples)
    best = max((_cluster_at(layout, size, samples) for size in _sizes(n, samples)), key=_score)
    return best if best.validity >= _LEAST_VALIDITY else no_clusters(n, best.min_cluster_size)


def no_clusters(n: int, min_cluster_size: int) -> Clusters:
    """Return `n` posts that are all noise."""
    nothing = np.full(n, NOISE, np.int32)
    return Clusters(nothing, np.zeros(n, np.float32), float("nan"), min_cluster_size)


def _sizes(n: int, samples: int) -> list[int]:
    smallest = max(3, samples)
    grid = np.geomspace(smallest, max(5, smallest, n // 30), _LEVELS)
    return sorted({int(size) for size in np.round(grid)})


def _score(clusters: Clusters) -> float:
    if np.isnan(clusters.validity):
        return -np.inf
    largest = np.count_nonzero(clusters.theme == 0) / len(clusters.theme)
    return clusters.validity - max(clusters.validity, 0.0) * largest


def _cluster_at(layout: NDArray[np.float32], size: int, samples: int) -> Clusters:
    n = len(layout)
    if n < max(size, 2):
        return no_clusters(n, size)
    from hdbscan import HDBSCAN

    model = HDBSCAN(
        min_cluster_size=size,
        min_samples=samples,
        # More than one process costs more than it saves below some 50,000 posts.
        core_dist_n_jobs=1,
        gen_min_span_tree=True,
        # The approximate tree can join two clusters through a post far from both.
        approx_min_span_tree=False,
    ).fit(layout.astype(np.float64))
    theme = _by_size(model.labels_)
    with np.errstate(invalid="ignore"):
        validity = float(model.relative_validity_) if theme.max() >= 0 else float("nan")
    return Clusters(theme, model.probabilities_.astype(np.float32), validity, size)


def _by_size(labels: NDArray[np.intp]) -> NDArray[np.int32]:
    """Number the clusters by size, then by their first post; noise stays -1."""
    found, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = [c for c in np.lexsort((first, -sizes)) if found[c] >= 0]
    number = np.full(len(found), NOISE, np.int32)
    number[order] = np.arange(len(order))
    return number[inverse]
