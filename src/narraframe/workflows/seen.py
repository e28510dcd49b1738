"""What a model remembers of its training texts, so that it can tell copies of them from new posts.

A text is held as numbers only: one says whether the same words come again, the others (keys of
MinHash bands, see `posts.minhash`) whether nearly the same do.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from narraframe.posts.duplicates import SHORTEST
from narraframe.posts.minhash import PERMUTATIONS, band_keys, rows_per_band
from narraframe.posts.shingles import normalise, shingle_hashes

_ROWS = rows_per_band(0.8)
_N_BANDS = PERMUTATIONS // _ROWS
_SHARED = 2
_BATCH = 500  # texts hashed together: bounds memory, changes no result


def signatures(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return what is remembered of `texts`.

    Returns
    -------
    uint64 array of shape (n, 1 + bands)
        First a hash of the words, then the keys of the bands, all 0 for texts of fewer words than
        are compared for near-duplicates.
    """
    kept = np.zeros((len(texts), 1 + _N_BANDS), dtype=np.uint64)
    for start in range(0, len(texts), _BATCH):
        words = [normalise(text) or text for text in texts[start : start + _BATCH]]
        long_enough = [i for i, text in enumerate(words) if text.count(" ") + 1 >= SHORTEST]
        for i, text in enumerate(words):
            kept[start + i, 0] = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
        if long_enough:
            shingles = shingle_hashes([words[i] for i in long_enough])
            rows = np.array(long_enough) + start
            kept[rows, 1:] = band_keys(shingles, rows=_ROWS, seed=0)
    return kept


def is_seen(texts: Sequence[str], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which texts repeat one of those that `known` remembers, word for word or nearly so.

    Two bands in common count as nearly so: they find 99 of 100 texts at a Jaccard similarity of
    0.8, the bound of near-duplicates, and nearly all above; three in four at 0.7, one in 25 at 0.5.
    A new text is rather taken for a copy than a copy for new.

    Parameters
    ----------
    texts : sequence of str of length n
        Prepared as in training.
    known : uint64 array of shape (m, 1 + bands)
        From `signatures`.

    Returns
    -------
    bool array of shape (n,)
    """
    asked = signatures(texts)
    seen = np.isin(asked[:, 0], known[:, 0])
    bands, known_bands = asked[:, 1:], known[:, 1:]
    shared = np.zeros(len(texts), dtype=np.intp)
    for j in range(_N_BANDS):
        shared += np.isin(bands[:, j], known_bands[:, j])
    for i in np.flatnonzero(~seen & (shared >= _SHARED) & bands.any(axis=1)):
        # the bands in common must be those of one text, not of several
        seen[i] = (known_bands == bands[i]).sum(axis=1).max() >= _SHARED
    return seen
