"""What is kept of a fit, so that later posts can be assigned to its themes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import InputError, TableError
from narraframe.themes.calibration import Calibration, calibrate
from narraframe.themes.votes import from_units, in_units

CAP = 20_000
_FEWEST_OF_A_THEME = 30
_OWN = ("vectors", "theme", "themes", "centroids")
_LEARNT = ("usual", "nearness", "weights", "noise_weights", "least_probability")


@dataclass(frozen=True)
class Reference:
    """A capped sample of the distinct posts of a fit, and how far to trust them.

    `vectors` float32 (m, d), whole multiples of 1/4000, and `theme` int32 (m,), negative = noise;
    `themes` int32 (t,), ascending, and `centroids` float32 (t, d), normalised, of all posts of the
    fit; `calibration` by place among `themes`.
    """

    vectors: NDArray[np.float32]
    theme: NDArray[np.int32]
    themes: NDArray[np.int32]
    centroids: NDArray[np.float32]
    calibration: Calibration

    @property
    def places(self) -> NDArray[np.int64]:
        """Place of each row's theme among `themes`; -1 = noise."""
        return places_of(self.theme, self.themes)


def reference(
    vectors: NDArray[np.float32],
    theme: NDArray[np.int32],
    *,
    refits: Sequence[NDArray[np.int32]] = (),
    seed: int = 0,
    cap: int = CAP,
) -> Reference:
    """Keep of a fit what later posts are compared with.

    Rows are drawn from each theme, and from noise, in proportion to its size, but from each theme
    30 at least, or all that it has.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings of the fit's distinct posts (one per near-duplicate group).
    theme : int32 array of shape (n,)
        Their themes, in any numbering; negative = noise.
    refits : sequence of int32 arrays of shape (n,), default=()
        Themes of the same posts by other runs (best on a sample of the posts), numbered in any way:
        -1 = noise, -2 = not in that run. They make the probabilities honest; without them these are
        too high (see `calibrate`).
    seed : int, default=0
        Same seed and input, same bytes.
    cap : int, default=20_000
        Most rows to keep. On StackOverflow titles 12,600 rows agree with a refit on two posts in a
        hundred more than 6,000, and on four more than 3,000.

    Returns
    -------
    Reference

    Raises
    ------
    InputError
        If there are no posts.
    TableError
        If the columns differ in length, or a vector's length is not 1.
    """
    lengths = {len(vectors), len(theme), *(len(refit) for refit in refits)}
    if len(lengths) > 1:
        raise TableError("the columns for a reference differ in length", got=sorted(lengths))
    if not len(vectors):
        raise InputError("there are no posts to keep a reference of")
    themes = np.unique(theme[theme >= 0]).astype(np.int32)
    place = places_of(theme, themes)
    rows = _sample(place, len(themes), cap, np.random.default_rng(seed))
    units = in_units(vectors[rows])
    centroids = _centroids(vectors, place, len(themes))
    calibration = calibrate(
        units,
        place[rows],
        in_units(centroids),
        refits=[refit[rows].astype(np.int64) for refit in refits],
        seed=seed,
    )
    kept = np.where(place[rows] < 0, -1, theme[rows]).astype(np.int32)
    return Reference(from_units(units), kept, themes, centroids, calibration)


def to_arrays(kept: Reference) -> dict[str, NDArray[Any]]:
    """Return the arrays that `from_arrays` makes the same reference of; none needs pickling."""
    return {
        name: np.asarray(getattr(kept if name in _OWN else kept.calibration, name))
        for name in (*_OWN, *_LEARNT)
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Reference:
    """Return the reference that `to_arrays` took apart; further arrays are passed over.

    Raises
    ------
    TableError
        If an array is missing, or its shape does not fit the others.
    """
    missing = [name for name in (*_OWN, *_LEARNT) if name not in arrays]
    if missing:
        raise TableError(
            "the themes' state lacks arrays", got=missing, remedy="Find the themes again."
        )
    m, d = arrays["vectors"].shape
    t, w = len(arrays["themes"]), len(arrays["weights"])
    fits = {"theme": (m,), "centroids": (t, d), "usual": (t,), "noise_weights": (w,)}
    bad = {name: arrays[name].shape for name in fits if arrays[name].shape != fits[name]}
    if bad:
        raise TableError(
            "arrays of the themes' state do not fit each other",
            got=bad,
            remedy="Find the themes again.",
        )
    learnt: dict[str, Any] = {name: arrays[name] for name in _LEARNT}
    learnt["least_probability"] = float(arrays["least_probability"])
    return Reference(**{name: arrays[name] for name in _OWN}, calibration=Calibration(**learnt))


def places_of(theme: NDArray[np.int32], themes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the place among the ascending `themes` of each post's theme; -1 = noise."""
    return np.where(theme < 0, -1, np.searchsorted(themes, theme)).astype(np.int64)


def _sample(
    place: NDArray[np.int64], t: int, cap: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the rows to keep, ascending."""
    if len(place) <= cap:
        return np.arange(len(place))
    size = np.bincount(place + 1, minlength=t + 1)
    least = np.minimum(size, min(_FEWEST_OF_A_THEME, cap // (t + 1)))
    small = np.zeros(t + 1, np.bool_)
    while True:
        share = (cap - least[small].sum()) / size[~small].sum()
        smaller = size * share < least
        if not (smaller & ~small).any():
            break
        small |= smaller
    quota = np.where(small, least, (size * share).astype(np.int64))
    order = np.argsort(place, kind="stable")
    groups = np.split(order, np.cumsum(size)[:-1])
    drawn = [rng.permutation(rows)[:n] for rows, n in zip(groups, quota, strict=True)]
    return np.sort(np.concatenate(drawn))


def _centroids(
    vectors: NDArray[np.float32], place: NDArray[np.int64], t: int
) -> NDArray[np.float32]:
    """Return the normalised mean vector per theme, in whole 1/4000s, so that sums are exact."""
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(t + 1))
    found = np.zeros((t, vectors.shape[1]))
    for number in range(t):
        rows = order[starts[number] : starts[number + 1]]
        total = in_units(vectors[rows]).sum(axis=0, dtype=np.float64)
        found[number] = total / np.sqrt((total * total).sum())
    return from_units(in_units(found.astype(np.float32)))
