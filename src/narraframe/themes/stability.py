"""How far themes come back when they are sought again: over seeds, and over resampled posts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def agreement(a: NDArray[np.int32], b: NDArray[np.int32]) -> float:
    """Return the adjusted Rand index of two labellings of the same posts, noise as one class.

    1 = the same posts together, 0 = as by chance; nan without posts, or if neither has a theme.

    References
    ----------
    Hubert and Arabie (1985), Journal of Classification 2.
    """
    if not len(a) or max(a.max(), b.max()) < 0:
        return float("nan")
    table = _table(a, b).astype(np.float64)
    pairs = _pairs(table.data).sum()
    of_a, of_b = (_pairs(np.asarray(table.sum(axis=axis)).ravel()).sum() for axis in (1, 0))
    by_chance = of_a * of_b / max(len(a) * (len(a) - 1) / 2, 1.0)
    most = (of_a + of_b) / 2
    return 1.0 if most == by_chance else float((pairs - by_chance) / (most - by_chance))


def mean_agreement(labellings: Sequence[NDArray[np.int32]]) -> float:
    """Return the mean `agreement` over all pairs of labellings; nan for fewer than two."""
    found = [agreement(a, b) for a, b in combinations(labellings, 2)]
    return float(np.mean(found)) if found else float("nan")


def recovery(
    theme: NDArray[np.int32], again: NDArray[np.int32], *, n_themes: int
) -> NDArray[np.float64]:
    """Return how much of each theme comes back in another labelling of the same posts.

    Parameters
    ----------
    theme, again : int32 array of shape (n,)
        Themes, from 0; -1 = noise.
    n_themes : int
        Number t of themes in `theme`, some of which may have no post among these.

    Returns
    -------
    float64 array of shape (t,)
        The largest Jaccard similarity of theme k with a theme of `again`, in [0, 1].

    References
    ----------
    Hennig (2007), Computational Statistics and Data Analysis 52; he calls 0.75 and more stable.
    """
    n_again = int(again.max(initial=-1)) + 1
    if not n_themes or not n_again:
        return np.zeros(n_themes)
    table = _table(theme, again).tocoo()
    inside = (table.row > 0) & (table.col > 0)
    shared = np.zeros((n_themes, n_again))
    shared[table.row[inside] - 1, table.col[inside] - 1] = table.data[inside]
    sizes = np.bincount(theme[theme >= 0], minlength=n_themes)
    sizes_again = np.bincount(again[again >= 0], minlength=n_again)
    either = sizes[:, None] + sizes_again[None, :] - shared
    return np.asarray((shared / np.maximum(either, 1)).max(axis=1), dtype=np.float64)


def _table(a: NDArray[np.int32], b: NDArray[np.int32]) -> sp.csr_matrix:
    """Count posts by theme in `a` and in `b`; row and column 0 are noise."""
    shape = (int(a.max(initial=-1)) + 2, int(b.max(initial=-1)) + 2)
    table = sp.coo_matrix((np.ones(len(a), np.int64), (a + 1, b + 1)), shape=shape).tocsr()
    table.sum_duplicates()
    return table


def _pairs(count: NDArray[np.float64]) -> NDArray[np.float64]:
    return count * (count - 1) / 2
