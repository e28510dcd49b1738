"""What an answer says of a facet as a whole: its label set, or its choice."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answers import UNKNOWN, AnswerSheet


@dataclass(frozen=True)
class FacetAnswers:
    """What each answer says of one facet as a whole.

    `codes` int64 (a,): a number from 0 for each different answer, -1 for unknown. `distance`
    float64 (n_codes, n_codes) between label sets; None where a choice is the same or not.
    """

    codes: NDArray[np.int64]
    n_codes: int
    distance: NDArray[np.float64] | None

    def counts(self, post: NDArray[np.intp], n_posts: int) -> NDArray[np.int64]:
        """Count the answers of each kind on each post; int64 (n_posts, n_codes)."""
        found = np.zeros((n_posts, self.n_codes), dtype=np.int64)
        known = self.codes != UNKNOWN
        np.add.at(found, (post[known], self.codes[known]), 1)
        return found


def facet_answers(values: NDArray[np.int8], columns: list[int], sheet: AnswerSheet) -> FacetAnswers:
    """Number the answers `values` (a, k) by what they say of the facet with these columns."""
    if columns in sheet.single_choice:
        return FacetAnswers(choices(values, columns, sheet), len(columns) + 1, None)
    number: dict[frozenset[int] | None, int] = {}
    sets = label_sets(values, columns, sheet)
    codes = [UNKNOWN if one is None else number.setdefault(one, len(number)) for one in sets]
    distance = masi_distance([one for one in number if one is not None])
    return FacetAnswers(np.array(codes, dtype=np.int64), len(number), distance)


def most_specific(
    values: NDArray[np.int8], columns: Sequence[int], sheet: AnswerSheet
) -> NDArray[np.bool_]:
    """Return the chosen labels without those that only stand above another; bool (a, len)."""
    chosen = values == 1
    specific: NDArray[np.bool_] = chosen[:, list(columns)]
    for i, j in enumerate(columns):
        specific[:, i] &= ~chosen[:, sheet.below[j]].any(axis=1)
    return specific


def label_sets(
    values: NDArray[np.int8], columns: Sequence[int], sheet: AnswerSheet
) -> tuple[frozenset[int] | None, ...]:
    """Return, for each row of `values` (a, k), the columns chosen; None where it is not known.

    The set is known where every label of the facet is. Parents are in it only where nothing below
    them is chosen.
    """
    specific = most_specific(values, columns, sheet)
    known = (values[:, list(columns)] != UNKNOWN).all(axis=1)
    return tuple(
        frozenset(columns[i] for i in np.flatnonzero(row)) if all_known else None
        for row, all_known in zip(specific, known, strict=True)
    )


def choices(
    values: NDArray[np.int8], columns: Sequence[int], sheet: AnswerSheet
) -> NDArray[np.int64]:
    """Return the position in `columns` of the choice in a single-choice facet; int64 (a,).

    ``len(columns)`` stands for none, -1 for unknown. A choice is known by itself, none only where
    every label is a known 0.
    """
    specific = most_specific(values, columns, sheet)
    none = (values[:, list(columns)] == 0).all(axis=1)
    found = np.where(none, len(columns), UNKNOWN)
    return np.where(specific.any(axis=1), specific.argmax(axis=1), found)


def masi_distance(sets: Sequence[AbstractSet[int]]) -> NDArray[np.float64]:
    """Return how far label sets are from each other, float64 (v, v) in [0, 1].

    1 less Jaccard's index, times 1 where the sets are the same, 2/3 where one holds the other, 1/3
    where they overlap otherwise. The empty set is 0 from itself and 1 from all others.

    References
    ----------
    Passonneau (2006), Measuring Agreement on Set-Valued Items (MASI), LREC.
    """
    members = sorted(set().union(*sets))
    holds = np.array([[m in one for m in members] for one in sets], dtype=np.float64)
    holds = holds.reshape(len(sets), len(members))
    shared = holds @ holds.T
    size = holds.sum(axis=1)
    jaccard = shared / np.maximum(size[:, None] + size[None, :] - shared, 1)
    within = (shared == size[:, None]) | (shared == size[None, :])
    same = (shared == size[:, None]) & (shared == size[None, :])
    distance = 1 - jaccard * np.where(within, 2 / 3, 1 / 3)
    distance[same] = 0
    return np.asarray(distance)
