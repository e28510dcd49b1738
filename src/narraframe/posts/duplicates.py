"""Find near-duplicate posts: which post repeats an earlier one, word for word or nearly so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import ConfigError
from narraframe.posts.minhash import band_keys, rows_per_band
from narraframe.posts.shingles import normalise, shingle_hashes

SHORTEST = 5
"""Words of the shortest text that is compared for near-duplicates; shorter ones must be equal."""

_BATCH = 500  # texts hashed together: bounds memory, changes no result
# Firsts that a bucket remembers, and comparisons per text: time stays linear on posts that share
# much boilerplate. 20 to 1,000 gave the same groups on 190,000 tweets.
_CROWD = 50
_CACHED = 5_000  # shingle sets kept at hand


@dataclass(frozen=True, slots=True)
class Distinct:
    """Each text's first equal (n,), itself if none, -1 without words; `near` (m,) those of the
    firsts that are long enough to be compared, `keys` (m, bands) their band keys.
    """

    first: NDArray[np.intp]
    near: NDArray[np.intp]
    keys: NDArray[np.uint64]


def near_duplicates(
    post_ids: Sequence[str],
    texts: Sequence[str],
    *,
    threshold: float = 0.8,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[str | None]:
    """Say of each post which earlier post it repeats, word for word or nearly so.

    Texts are equal when their words are, whatever the letter case, punctuation, emoji and line
    breaks. Two texts of at least `SHORTEST` words are near-duplicates when the Jaccard similarity
    of their sets of five-character shingles reaches the threshold. MinHash bands only propose
    pairs; every pair is then verified on the sets themselves.

    Jaccard rather than containment: a forward with a greeting added contains the original, and
    then the similarity is just the ratio of their lengths, so that a short text is never swallowed
    by a long one. Posts are visited in input order and each joins the earliest of the firsts of the
    groups found so far that it resembles, or opens a group. So every member resembles its first by
    at least the threshold, and no chain of small steps joins texts that are far apart.

    The default of 0.8 was chosen by reading pairs of 15,435 Russian Telegram news posts: of 22
    pairs at 0.70-0.75, 0.75-0.80 and 0.80-0.85, 16, 18 and 21 were the same message; the others
    were bulletins of other days (exchange rates, weather) in the same words. A split between
    training and test needs other groups: see `copies`.

    Parameters
    ----------
    post_ids : sequence of str of length n
        In the order in which "first" is meant.
    texts : sequence of str of length n
        Best the `model_text`, where links and calls to action are gone.
    threshold : float, default=0.8
        Jaccard similarity in (0, 1].
    seed : int, default=0
        Of the MinHash permutations; it decides which pairs are proposed (99 of 100 pairs exactly at
        the threshold, nearly all above).
    progress : callable, default=None
        Called with the number of posts just hashed.

    Returns
    -------
    list of str or None, of length n
        The post_id of the first post of the group; None for that first one, for a post that
        repeats no other, and for one without a letter or digit.

    Raises
    ------
    ConfigError
        If the threshold is not in (0, 1].
    ValueError
        If `post_ids` and `texts` differ in length.

    Notes
    -----
    Measured on one core of a busy machine, in CPU seconds for 20,000 / 50,000 / 100,000 / 190,000
    tweets. Proposing pairs alone, 128 permutations: datasketch 2.0.0 as documented 4.0 / 10.3 /
    24.7 / 42.4 (1.5 GB), its signatures from hashed arrays 1.5 / 2.9 / 4.8 / 7.8, rensa 0.5.0 0.2 /
    0.8 / 1.1 / 2.3, the arrays here 0.2 / 0.5 / 0.7 / 1.9: hence no library. The whole function:
    0.5 / 1.3 / 3.1 / 7.5, and 94 MB beside the texts. A million tweets (those and altered copies)
    take 52 s and 600 MB, 100,000 Telegram posts of 400 characters 10 s.

    References
    ----------
    Broder (1997), On the resemblance and containment of documents.
    """
    if len(post_ids) != len(texts):
        raise ValueError(f"{len(post_ids)} post_ids for {len(texts)} texts")
    if not 0 < threshold <= 1:
        raise ConfigError(
            "the threshold of near-duplicates is a Jaccard similarity",
            got=threshold,
            remedy="Choose a number above 0 and at most 1; 1 means the same shingles.",
        )
    distinct = distinct_texts(texts, rows=rows_per_band(threshold), seed=seed, progress=progress)
    leader = _leaders(texts, distinct, threshold=threshold)
    firsts = (leader[first] if first >= 0 else -1 for first in distinct.first.tolist())
    return [None if of in (-1, i) else post_ids[of] for i, of in enumerate(firsts)]


def distinct_texts(
    texts: Sequence[str], *, rows: int, seed: int, progress: Callable[[int], None] | None
) -> Distinct:
    """Find equal texts, and hash the distinct ones into bands, a batch at a time."""
    seen: dict[bytes, int] = {}
    first = np.full(len(texts), -1, dtype=np.intp)
    near: list[int] = []
    keys: list[NDArray[np.uint64]] = []
    for start in range(0, len(texts), _BATCH):
        long_enough = []
        for i, text in enumerate(texts[start : start + _BATCH], start):
            words = normalise(text)
            if not words:
                continue
            # A digest: the texts themselves would be in memory twice.
            first[i] = seen.setdefault(blake2b(words.encode(), digest_size=16).digest(), i)
            if first[i] == i and words.count(" ") + 1 >= SHORTEST:
                near.append(i)
                long_enough.append(words)
        if long_enough:
            keys.append(band_keys(shingle_hashes(long_enough), rows=rows, seed=seed))
        if progress is not None:
            progress(min(_BATCH, len(texts) - start))
    joined = np.concatenate(keys) if keys else np.empty((0, 1), dtype=np.uint64)
    return Distinct(first, np.array(near, dtype=np.intp), joined)


def _leaders(texts: Sequence[str], distinct: Distinct, *, threshold: float) -> list[int]:
    """Return for each text the first text of its group, in one pass in input order."""

    @lru_cache(maxsize=_CACHED)
    def shingles(i: int) -> NDArray[np.uint64]:
        return np.unique(shingle_hashes([normalise(texts[i])]).hashes)

    leader = list(range(len(texts)))
    leaders_in: defaultdict[int, list[int]] = defaultdict(list)
    for i, buckets in _in_company(distinct):
        shared = Counter(chain.from_iterable(leaders_in[bucket] for bucket in buckets))
        likely = sorted(other for other, _ in shared.most_common(_CROWD))
        found = next((j for j in likely if _alike(shingles(i), shingles(j), threshold)), None)
        if found is not None:
            leader[i] = found
            continue
        for bucket in buckets:
            if len(leaders_in[bucket]) < _CROWD:
                leaders_in[bucket].append(i)
    return leader


def _in_company(distinct: Distinct) -> Iterator[tuple[int, list[int]]]:
    """Yield the texts that share a band's key with another, and the numbers of those buckets."""
    buckets = np.full(distinct.keys.shape, -1, dtype=np.int32)
    n_buckets = 0
    for band, keys in enumerate(distinct.keys.T):
        _, bucket, size = np.unique(keys, return_inverse=True, return_counts=True)
        shared = size[bucket] > 1
        buckets[shared, band] = bucket[shared] + n_buckets
        n_buckets += len(size)
    for row in np.flatnonzero((buckets >= 0).any(axis=1)):
        yield int(distinct.near[row]), buckets[row][buckets[row] >= 0].tolist()


def _alike(one: NDArray[np.uint64], other: NDArray[np.uint64], threshold: float) -> bool:
    """Say whether two sets, each without repeats, reach a Jaccard similarity."""
    if min(len(one), len(other)) / max(len(one), len(other)) < threshold:
        return False
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common) >= threshold
