"""The strata of an audit, read back from the limits up to which its posts were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.strata import Cell

UNCOVERED = -1


def strata_of(cells: Sequence[Cell], limits: Mapping[Cell, float]) -> NDArray[np.intp]:
    """Number the stratum of each post: cells with one limit were drawn from together.

    A post of any of them was drawn by the same rule, its number lying below that limit: so those
    drawn are a simple random sample of the stratum, and of every part of it.

    Parameters
    ----------
    cells : sequence of Cell of length N
        The channel and month of each post, "" where unknown.
    limits : mapping of Cell to float
        `AuditSample.limits`.

    Returns
    -------
    intp array of shape (N,)
        From 0, in the order of the strata's first cells; `UNCOVERED` for posts of cells that the
        audit has drawn none from.
    """
    number: dict[float, int] = {}
    for cell in sorted(set(cells) & limits.keys()):
        number.setdefault(limits[cell], len(number))
    of_cell = {cell: number[limits[cell]] for cell in set(cells) & limits.keys()}
    found = (of_cell.get(cell, UNCOVERED) for cell in cells)
    return np.fromiter(found, dtype=np.intp, count=len(cells))


def without_unanswered(stratum: NDArray[np.intp], answered: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return `stratum` (N,), with `UNCOVERED` for posts of strata of which none is `answered`."""
    return np.where(np.isin(stratum, stratum[answered]), stratum, UNCOVERED)
