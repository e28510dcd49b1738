"""Posts on which annotators disagree, and what each of them chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.annotations.answer_table import read_answers
from narraframe.records import Annotation, Codebook


@dataclass(frozen=True)
class Dispute:
    """A post in dispute: `labels` that some chose and others did not; `chosen` by annotator."""

    post_id: str
    labels: tuple[str, ...]
    chosen: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Disputes:
    """Of `n_compared` posts with two answers or more, those in dispute, the most labels first."""

    n_compared: int
    disputes: tuple[Dispute, ...]


def disputes(annotations: Sequence[Annotation], codebook: Codebook) -> Disputes:
    """Find the labels that one annotator says apply and another denies.

    What one of them does not know is no disagreement, and what a gold answer has settled is none
    any more. Parents are passed over: they are in dispute where a label below them is.

    Raises
    ------
    CodebookError
        If annotations contradict the codebook.
    """
    table = read_answers(annotations, codebook)
    leaf = np.isin(table.sheet.label_ids, codebook.leaf_ids)
    values = table.counting[:, leaf]
    ids = np.array(table.sheet.label_ids)[leaf]
    both = (table.per_post(values == 1) > 0) & (table.per_post(values == 0) > 0)
    both &= ~table.settled[:, leaf]
    found = []
    for n in np.flatnonzero(both.any(axis=1)):
        rows = np.flatnonzero((table.post == n) & ~table.gold)
        chosen = {
            table.annotators[table.annotator[row]]: tuple(
                ids[table.values[row, leaf] == 1].tolist()
            )
            for row in rows
        }
        found.append(Dispute(table.post_ids[n], tuple(ids[both[n]].tolist()), chosen))
    n_answers = table.per_post(~table.gold)
    return Disputes(
        int((n_answers > 1).sum()),
        tuple(sorted(found, key=lambda d: (-len(d.labels), d.post_id))),
    )
