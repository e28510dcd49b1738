"""One annotator's answer on one post: every label a known 1, a known 0, or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Annotation, Codebook, version_key

UNKNOWN = -1


@dataclass(frozen=True)
class AnswerSheet:
    """The codebook as columns.

    `facets`: columns by facet id. `single_choice`: columns of each single-choice facet. `excludes`
    float32 (k, k): 1 where the two labels cannot both apply. `below`: columns of all descendants of
    a label. `leaves`: of those, the ones without children. `bottom_up`: columns, children before
    parents. `since`: the version that brought each label and its facet, as `version_key` reads it.
    """

    label_ids: tuple[str, ...]
    column: dict[str, int]
    facets: dict[str, list[int]]
    single_choice: tuple[list[int], ...]
    excludes: NDArray[np.float32]
    below: tuple[list[int], ...]
    leaves: tuple[list[int], ...]
    bottom_up: tuple[int, ...]
    since: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, codebook: Codebook) -> AnswerSheet:
        """Lay out `codebook`."""
        column = {label_id: j for j, label_id in enumerate(codebook.label_ids)}
        above = [_ancestors(label_id, codebook) for label_id in codebook.label_ids]
        below = tuple([j for j, ids in enumerate(above) if i in ids] for i in codebook.label_ids)
        facets = {
            facet.facet_id: [column[i] for i in codebook.facet_label_ids(facet.facet_id)]
            for facet in codebook.facets
        }
        single = tuple(facets[f.facet_id] for f in codebook.facets if f.choice == "single")
        excludes = np.zeros((len(column), len(column)), dtype=np.float32)
        for columns in single:
            excludes[np.ix_(columns, columns)] = 1
        np.fill_diagonal(excludes, val=0)
        facet_since = {facet.facet_id: version_key(facet.since) for facet in codebook.facets}
        for j, columns in enumerate(below):
            excludes[j, columns] = excludes[columns, j] = 0
        return cls(
            label_ids=codebook.label_ids,
            column=column,
            facets=facets,
            single_choice=single,
            excludes=excludes,
            below=below,
            leaves=tuple([j for j in columns if not below[j]] for columns in below),
            bottom_up=tuple(sorted(range(len(column)), key=lambda j: -len(above[j]))),
            since=tuple(
                max(version_key(label.since), facet_since[label.facet_id])
                for label in codebook.labels
            ),
        )

    def asked(self, columns: Iterable[int], version: str) -> list[int]:
        """Return those of `columns` that the codebook had at `version`; "" is before all others."""
        at = version_key(version)
        return [j for j in columns if self.since[j] <= at]

    @property
    def none(self) -> NDArray[np.int8]:
        """No answers at all: shape (0, k)."""
        return np.zeros((0, len(self.label_ids)), dtype=np.int8)

    def excluded(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which labels cannot apply beside the `chosen` ones; bool, shapes (..., k)."""
        if not self.single_choice:
            return np.zeros_like(chosen)
        return np.asarray(chosen.astype(np.float32) @ self.excludes > 0)


@dataclass(frozen=True)
class Answer:
    """`value` int8 (k,): 1, 0 or -1 for unknown; `contradicted` int8 (k,): 1 where rows clash."""

    value: NDArray[np.int8]
    contradicted: NDArray[np.int8]


def read_answer(rows: Sequence[Annotation], sheet: AnswerSheet) -> Answer:
    """Read the rows of one annotator on one post.

    - Of several rows on one label the latest counts (no time: earliest of all; naive: UTC). Rows
      of the same time that disagree leave the label unknown.
    - A reviewed facet makes every label without a row a known 0. A review that says "some apply"
      while no row of the facet does says nothing.
    - A later review replaces older rows of its facet, if it says "none" or comes with a positive
      row of its own. A positive row as late as a review that says "none" contradicts it.
    - One label chosen in a single-choice facet makes those that it excludes known zeros.
    - Neither a review nor a choice says anything of labels that are newer (`since`) than the
      codebook version of its row; what the annotator was not asked is unknown.
    - A parent applies where it or a label below it does; its own 0 holds for all labels below
      without a row. It is a known 0 only where all its leaves are.
    """
    latest, clashing = _latest(rows)
    value = np.full(len(sheet.label_ids), UNKNOWN, dtype=np.int8)
    contradicted = np.zeros(len(sheet.label_ids), dtype=np.int8)
    own = {sheet.column[i]: row for i, row in latest.items() if i in sheet.column}
    silent = {sheet.column[i] for i in clashing if i in sheet.column}
    for facet_id, columns in sheet.facets.items():
        if facet_id in latest:
            _review(latest[facet_id], columns, own, silent, value, sheet)
    for j, row in own.items():
        value[j] = row.value
    contradicted[sorted(silent)] = 1
    value[sorted(silent)] = UNKNOWN
    _exclude(own, value, contradicted, sheet)
    _close(value, own, silent, sheet)
    return Answer(value, contradicted)


def _review(
    facet: Annotation,
    columns: Sequence[int],
    own: dict[int, Annotation],
    silent: set[int],
    value: NDArray[np.int8],
    sheet: AnswerSheet,
) -> None:
    """Apply one facet row: may drop older rows from `own`, add to `silent`, set zeros."""
    reviewed = time_of(facet)
    current = [j for j in columns if j in own and time_of(own[j]) >= reviewed]
    positive = [j for j in current if own[j].value == 1]
    if facet.value == 0:
        silent.update(positive)
    if facet.value == 0 or positive:
        for j in set(columns) & set(own) - set(current):
            del own[j]
    if facet.value == 0 or any(own[j].value == 1 for j in columns if j in own):
        value[sheet.asked(columns, facet.codebook_version)] = 0


def _exclude(
    own: dict[int, Annotation],
    value: NDArray[np.int8],
    contradicted: NDArray[np.int8],
    sheet: AnswerSheet,
) -> None:
    """Set, in place, the zeros that a choice in a single-choice facet implies."""
    implied = (value == UNKNOWN) & sheet.excluded(value == 1) & (contradicted == 0)
    for columns in sheet.single_choice:
        for j in columns:
            if j in own and own[j].value == 1:
                asked = sheet.asked(columns, own[j].codebook_version)
                value[[i for i in asked if implied[i]]] = 0


def _close(
    value: NDArray[np.int8], own: dict[int, Annotation], silent: set[int], sheet: AnswerSheet
) -> None:
    """Carry a parent's own 0 down, then every 1 up, in place."""
    for j, row in own.items():
        if row.value == 0 and j not in silent:
            for child in sheet.below[j]:
                if value[child] == UNKNOWN and child not in silent:
                    value[child] = 0
    for j in sheet.bottom_up:
        if sheet.below[j] and value[j] != 1:
            if (value[sheet.below[j]] == 1).any():
                value[j] = 1
            elif (value[sheet.leaves[j]] == UNKNOWN).any():
                value[j] = UNKNOWN
            elif j not in silent:
                value[j] = 0


def _latest(rows: Sequence[Annotation]) -> tuple[dict[str, Annotation], set[str]]:
    """Return the latest row per id, and the ids whose latest rows disagree (they have none)."""
    latest: dict[str, Annotation] = {}
    clashing: set[str] = set()
    for row in sorted(rows, key=time_of):
        before = latest.get(row.label_id)
        same_time = before is not None and time_of(before) == time_of(row)
        if not same_time:
            clashing.discard(row.label_id)
        elif before is not None and before.value != row.value:
            clashing.add(row.label_id)
        latest[row.label_id] = row
    return {i: row for i, row in latest.items() if i not in clashing}, clashing


def time_of(row: Annotation) -> datetime:
    """Return when a row was made, to compare: no time is before all others, a naive one is UTC."""
    at = row.annotated_at
    if at is None:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _ancestors(label_id: str, codebook: Codebook) -> set[str]:
    above: set[str] = set()
    parent = codebook.by_id[label_id].parent
    while parent is not None and parent not in above:
        above.add(parent)
        parent = codebook.by_id[parent].parent
    return above
