"""Assign posts that came later to the themes of a fit, or to none of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import ConfigError, TableError
from narraframe.themes.calibration import probability, relative_nearness
from narraframe.themes.reference import Reference
from narraframe.themes.votes import Votes, count_votes, in_units, nearest

NOISE = -1
_CHUNK = 4096


@dataclass(frozen=True)
class Assignment:
    """Theme per post; arrays of shape (n,).

    `theme` int32 is the theme, or -1 for "none of these"; `suggested` int32 the best theme all the
    same (-1 if the fit has none), and `probability` float32 that of `suggested`. `known` bool is
    False where the post lies further from all themes than nearly all posts of the fit: a post
    without theme that is known lies between themes, one that is not is new. `similarity` float32 is
    the mean to the nearest five posts of the reference, `nearness` float32 that over what is usual
    in the suggested theme (1 = as usual).
    """

    theme: NDArray[np.int32]
    probability: NDArray[np.float32]
    suggested: NDArray[np.int32]
    known: NDArray[np.bool_]
    similarity: NDArray[np.float32]
    nearness: NDArray[np.float32]


def assign(
    kept: Reference,
    vectors: NDArray[np.float32],
    *,
    novel_share: float = 0.02,
    least_probability: float | None = None,
) -> Assignment:
    """Assign new posts to themes, each by itself: any batch gives the same answer.

    The fifteen nearest posts of the reference vote. A post gets no theme if it is not known, or if
    the probability of the best theme is too low.

    Parameters
    ----------
    kept : Reference
        From the fit.
    vectors : float32 array of shape (n, d)
        Normalised embeddings by the encoder of the fit.
    novel_share : float, default=0.02
        Share of the fit's own themed posts that may lie further out than a post that is known:
        about the share of ordinary posts that are wrongly taken for new.
    least_probability : float, default=None
        Least probability of a theme; None takes the value below which as many posts of the fit lie
        as the fit left without a theme: 0 where it left none.

    Returns
    -------
    Assignment
        `probability`: that a fit which had included the post would have put it into `suggested`.

    Raises
    ------
    ConfigError
        If an option is not a share.
    TableError
        If the vectors have another width than the reference's, or a length that is not 1.
    """
    calibration = kept.calibration
    least = calibration.least_probability if least_probability is None else least_probability
    for name, value in {"novel_share": novel_share, "least_probability": least}.items():
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"{name} must lie between 0 and 1", got=value)
    cast = _votes(kept, vectors, None)
    certainty = probability(cast, calibration.weights)
    nearness = relative_nearness(cast, calibration.usual)
    known = nearness >= _cut(calibration.nearness, novel_share)
    suggested = _numbers(kept, cast)
    return Assignment(
        theme=np.where(known & (certainty >= least), suggested, NOISE).astype(np.int32),
        probability=certainty.astype(np.float32),
        suggested=suggested,
        known=known,
        similarity=cast.near.astype(np.float32),
        nearness=nearness.astype(np.float32),
    )


@dataclass(frozen=True)
class Suggestions:
    """`theme` int32 (n,), -1 if the fit has none, and `probability` float32 (n,)."""

    theme: NDArray[np.int32]
    probability: NDArray[np.float32]


def suggest(kept: Reference, vectors: NDArray[np.float32]) -> Suggestions:
    """Suggest themes for posts that the fit itself left without one.

    Parameters
    ----------
    kept : Reference
        From the fit.
    vectors : float32 array of shape (n, d)
        Embeddings of the posts, as they went into the fit. No post votes on itself.

    Returns
    -------
    Suggestions
        `probability`: that another fit, if it put the post into any theme, would take this one.

    Raises
    ------
    TableError
        If the vectors have another width than the reference's, or a length that is not 1.
    """
    cast = _votes(kept, vectors, np.flatnonzero(kept.theme < 0))
    certainty = probability(cast, kept.calibration.noise_weights)
    return Suggestions(_numbers(kept, cast), certainty.astype(np.float32))


def _votes(
    kept: Reference, vectors: NDArray[np.float32], no_vote: NDArray[np.int64] | None
) -> Votes:
    """Count the votes, chunk by chunk; a row of `no_vote` has none on a post that it equals."""
    if vectors.ndim != 2 or vectors.shape[1] != kept.vectors.shape[1]:
        raise TableError(
            "the vectors are not those of the fit's encoder",
            got=vectors.shape,
            remedy=f"Vectors of width {kept.vectors.shape[1]} are needed.",
        )
    others, centroids, places = in_units(kept.vectors), in_units(kept.centroids), kept.places
    row_of = None if no_vote is None else {others[r].tobytes(): int(r) for r in no_vote}
    parts = []
    for start in range(0, max(len(vectors), 1), _CHUNK):
        units = in_units(vectors[start : start + _CHUNK])
        itself = None
        if row_of is not None:
            itself = np.array([row_of.get(unit.tobytes(), -1) for unit in units], dtype=np.int64)
        found = nearest(units, others, itself=itself)
        parts.append(count_votes(units, found, places, centroids))
    return Votes(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Votes)))


def _numbers(kept: Reference, cast: Votes) -> NDArray[np.int32]:
    """Return the number of each suggested theme; -1 if there are none."""
    return np.append(kept.themes, np.int32(NOISE))[cast.suggested]


def _cut(nearness: NDArray[np.float64], share: float) -> float:
    """Return the nearness below which `share` of the fit's own posts lie."""
    if not len(nearness):
        return np.inf
    return float(nearness[min(int(share * len(nearness)), len(nearness) - 1)])
