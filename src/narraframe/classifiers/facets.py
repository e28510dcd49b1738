"""Single-choice facets, once it is known which of their labels have a probability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.structure import Choice, Structure


def answerable(structure: Structure, scored: NDArray[np.bool_]) -> Structure:
    """Let a scored label of a single-choice facet be an answer where none below it is scored.

    It would else follow children without probability, and never be said.
    """
    told: set[int] = set()
    for child, parent in structure.links:
        if scored[child] or child in told:
            told.add(parent)
    choices = []
    for choice in structure.choices:
        answers = {j for j in choice.parents if scored[j] and j not in told}
        under = set(answers)
        for child, parent in reversed(structure.links):
            if parent in under:
                under.add(child)
        leaves = sorted((set(choice.leaves) - under) | answers)
        parents = tuple(j for j in choice.parents if j not in under)
        choices.append(replace(choice, leaves=tuple(leaves), parents=parents))
    return replace(structure, choices=tuple(choices))


def opened(
    structure: Structure,
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    trained: NDArray[np.bool_],
) -> Structure:
    """Mark the single-choice facets that may stay without an answer."""

    def is_open(choice: Choice) -> bool:
        leaves = list(choice.leaves)
        none = mask[:, leaves].all(axis=1) & (y[:, leaves] == 0).all(axis=1)
        return bool(not trained[leaves].all() or none.any())

    choices = tuple(replace(choice, is_open=is_open(choice)) for choice in structure.choices)
    return replace(structure, choices=choices)


def fixed_for_choices(
    thresholds: NDArray[np.float64], structure: Structure, scored: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give single-choice labels the least probability that a most probable label can have."""
    thresholds = thresholds.copy()
    for choice in structure.choices:
        columns = np.array(choice.leaves + choice.parents, dtype=np.intp)
        ways = max(int(scored[list(choice.leaves)].sum()) + choice.is_open, 1)
        thresholds[columns[scored[columns]]] = np.float32(1 / ways)
    return thresholds
