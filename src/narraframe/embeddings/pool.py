"""From repeated texts to distinct ones, and from chunk vectors back to one vector a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distinct:
    """Each text once, in order of first appearance: ``values[index[i]]`` is text i of the input."""

    values: tuple[str, ...]
    index: NDArray[np.intp]


def distinct(texts: Sequence[str]) -> Distinct:
    """Return each different text once, and where every input text went.

    Parameters
    ----------
    texts : sequence of str of length n

    Returns
    -------
    Distinct
        `index` is an intp array of shape (n,).
    """
    position: dict[str, int] = {}
    index = [position.setdefault(text, len(position)) for text in texts]
    return Distinct(tuple(position), np.array(index, dtype=np.intp))


def normalise(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale each row to length 1 (L2); a row of zeros stays.

    Parameters
    ----------
    vectors : float array of shape (n, d)

    Returns
    -------
    float32 array of shape (n, d)
    """
    wide = vectors.astype(np.float64, copy=False)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (wide / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return scaled


def pool(
    vectors: NDArray[np.float32], weights: NDArray[np.integer], starts: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return one unit vector a text: the weighted mean of its chunks' vectors.

    Parameters
    ----------
    vectors : float32 array of shape (m, d)
        Chunk vectors, those of one text side by side.
    weights : integer array of shape (m,)
        Tokens of each chunk.
    starts : intp array of shape (n,)
        Strictly rising: where the chunks of each text begin; ``starts[0] == 0``.

    Returns
    -------
    float32 array of shape (n, d)
        Rows of length 1 (L2).
    """
    if not len(starts):
        return np.zeros((0, vectors.shape[1]), dtype=np.float32)
    return normalise(np.add.reduceat(vectors * weights[:, None], starts, axis=0))
