"""What several annotators say together, post by post and label by label.

Each function returns a verdict int8 (n, k): 1, 0 or -1 for unknown. Where gold answers settle a
label, their majority is the verdict, whatever the others say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answer_table import AnswerTable
from narraframe.annotations.answers import UNKNOWN, AnswerSheet
from narraframe.annotations.dawid_skene import posterior
from narraframe.annotations.label_sets import choices

SURE = 0.9
"""Posterior that Dawid and Skene's model must reach; it trusts itself somewhat too much."""


def majority(table: AnswerTable) -> NDArray[np.int8]:
    """Let the greater number decide; ties are unknown.

    In a single-choice facet, two labels that won together are unknown, and so are the labels named
    when none of them won although at least half of the annotators chose one.
    """
    ones, zeros = _votes(table)
    return _clear(ones > zeros, zeros > ones, table)


def any_voice(table: AnswerTable) -> NDArray[np.int8]:
    """Let one annotator be enough for a label, unless gold settles it.

    0 where all who know the cell say 0; in single-choice facets as `majority`.
    """
    ones, zeros = _votes(table)
    verdict = _clear(ones > 0, (zeros > 0) & (ones == 0), table)
    return np.where(table.settled, majority(table), verdict)


def dawid_skene(table: AnswerTable) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """Weigh annotators by how they err, which is estimated from where they overlap.

    Each label of a multiple-choice facet is a task of its own (applies or not); a single-choice
    facet is one (which label, or none). Where two or more annotators know the answer, it is decided
    if the model's posterior is `SURE`, and unknown otherwise. What one annotator alone knows stands
    as it is. Gold answers are the truth that the model learns errors from.

    Labels that too few posts were answered thrice on are left to `majority`: two annotators do not
    identify the model, and on few posts it did worse than the majority in simulations.

    Returns
    -------
    The verdict, and the label ids left to the majority although some annotators disagree on them.

    References
    ----------
    Dawid and Skene (1979), Applied Statistics 28, 20-28.
    """
    verdict = majority(table)
    left: list[str] = []
    for columns in table.sheet.facets.values():
        single = columns in table.sheet.single_choice
        for task in [columns] if single else [[j] for j in columns]:
            codes = np.where(table.gold, UNKNOWN, _codes(table.values, task, table.sheet))
            certain = np.where(table.settled, verdict, np.int8(UNKNOWN))
            truth = _codes(certain, task, table.sheet)
            found = posterior(codes, table.post, table.annotator, truth, n_codes=len(task) + 1)
            if found is None:
                left += [table.sheet.label_ids[j] for j in task if _disputed(j, table)]
            else:
                _decide(task, found, codes, table, verdict)
        if not single:
            _close(columns, table, verdict)
    return verdict, tuple(left)


def _votes(table: AnswerTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return table.per_post(table.counting == 1), table.per_post(table.counting == 0)


def _disputed(j: int, table: AnswerTable) -> bool:
    ones, zeros = _votes(table)
    return bool(((ones[:, j] > 0) & (zeros[:, j] > 0)).any())


def _clear(won: NDArray[np.bool_], lost: NDArray[np.bool_], table: AnswerTable) -> NDArray[np.int8]:
    """Return the verdict, unknown where a single-choice facet has two winners, or none."""
    values, sheet = table.counting, table.sheet
    named = table.per_post(values == 1) > 0
    unclear = won & sheet.excluded(won)
    for columns in sheet.single_choice:
        chose = table.per_post((values[:, columns] == 1).any(axis=1))
        refused = table.per_post((values[:, columns] == 0).all(axis=1))
        nobody = ~won[:, columns].any(axis=1) & (chose > 0) & (chose >= refused)
        unclear[:, columns] |= nobody[:, None] & named[:, columns]
    verdict = np.where(won, 1, np.where(lost, 0, UNKNOWN)).astype(np.int8)
    verdict[unclear] = UNKNOWN
    return verdict


def _codes(values: NDArray[np.int8], task: Sequence[int], sheet: AnswerSheet) -> NDArray[np.int64]:
    """Return, for each row of `values`, the position in `task` of the label that applies.

    ``len(task)`` stands for none, -1 for unknown.
    """
    if task in sheet.single_choice:
        return choices(values, task, sheet)
    value = values[:, task[0]].astype(np.int64)
    return np.where(value == UNKNOWN, UNKNOWN, 1 - value)


def _decide(
    task: Sequence[int],
    found: NDArray[np.float64],
    codes: NDArray[np.int64],
    table: AnswerTable,
    verdict: NDArray[np.int8],
) -> None:
    """Write, in place, what the posterior (n, codes) says of posts with two or more answers."""
    several = (table.per_post(codes != UNKNOWN) >= 2) & ~table.settled[:, task[0]]
    for j in task:
        # a parent applies where a label below it is chosen
        here = [i for i, column in enumerate(task) if column == j or column in table.sheet.below[j]]
        applies = found[several][:, here].sum(axis=1)
        verdict[several, j] = np.where(
            applies >= SURE, 1, np.where(applies <= 1 - SURE, 0, UNKNOWN)
        )


def _close(columns: Sequence[int], table: AnswerTable, verdict: NDArray[np.int8]) -> None:
    """Carry ones up to the parents; a parent is no 0 where a label below it is unknown."""
    for j in table.sheet.bottom_up:
        if j in columns and table.sheet.below[j]:
            below = verdict[:, table.sheet.below[j]]
            verdict[(below == 1).any(axis=1), j] = 1
            verdict[(verdict[:, j] == 0) & (below == UNKNOWN).any(axis=1), j] = UNKNOWN
