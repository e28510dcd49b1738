"""The themes near a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError
from narraframe.themes.reference import Reference
from narraframe.themes.votes import in_units, similarities


@dataclass(frozen=True, slots=True)
class FoundTheme:
    """A theme, the cosine similarity of its centroid to the sentence, and that of its nearest post
    in the reference.
    """

    theme: int
    similarity: float
    nearest_post: float


def nearest_themes(kept: Reference, vector: NDArray[np.float32]) -> tuple[FoundTheme, ...]:
    """Rank the themes by the similarity of their centroids to a sentence.

    Sentences that describe the twenty classes of StackOverflow titles and of 20 Newsgroups, and the
    names of these classes, found the themes of the class better by centroid than by the nearest
    one to twenty posts of each theme: mean average precision 0.83 against 0.78 to 0.80.

    Parameters
    ----------
    kept : Reference
        From the fit.
    vector : float32 array of shape (d,)
        Normalised embedding of the sentence, by the encoder of the fit.

    Returns
    -------
    tuple of FoundTheme
        All themes, the nearest first; of equally near ones that with the smaller number.

    Raises
    ------
    TableError
        If the vector has another width than the reference's, or a length that is not 1.
    """
    if vector.shape != kept.vectors.shape[1:]:
        raise TableError(
            "the vector is not one of the fit's encoder",
            got=vector.shape,
            remedy=f"A vector of width {kept.vectors.shape[1]} is needed.",
        )
    units = in_units(vector[None])
    towards = similarities(units, in_units(kept.centroids))[0]
    posts = similarities(units, in_units(kept.vectors))[0]
    best = np.full(len(kept.themes) + 1, -1.0)
    np.maximum.at(best, kept.places, posts)
    return tuple(
        FoundTheme(int(kept.themes[i]), float(towards[i]), float(best[i]))
        for i in np.argsort(-towards, kind="stable")
    )
