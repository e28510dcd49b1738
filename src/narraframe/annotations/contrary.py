"""Copies of one text that were labelled with contrary answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Contrary:
    """How many texts stand in posts that contradict each other, and on how many labels."""

    n_texts: int
    n_labels: int


def contrary_copies(texts: Sequence[str], y: NDArray[np.int8], mask: NDArray[np.bool_]) -> Contrary:
    """Count the texts of which one copy is a known yes and another a known no to the same label.

    Whatever a model says of such a text, one of its copies says otherwise.

    Parameters
    ----------
    texts : sequence of str of length n
        Equal texts are copies.
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    """
    numbers: dict[str, int] = {}
    text = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.intp)
    copied = np.flatnonzero(np.bincount(text, minlength=len(numbers))[text] > 1)
    yes, no = (np.zeros((len(numbers), y.shape[1]), dtype=np.bool_) for _ in range(2))
    for i in copied:
        yes[text[i]] |= mask[i] & (y[i] == 1)
        no[text[i]] |= mask[i] & (y[i] == 0)
    both = yes & no
    return Contrary(int(both.any(axis=1).sum()), int(both.any(axis=0).sum()))
