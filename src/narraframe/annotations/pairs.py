"""Who disagrees with whom: pairs of annotators on each facet and label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answer_table import AnswerTable
from narraframe.annotations.answers import UNKNOWN
from narraframe.annotations.label_sets import FacetAnswers, facet_answers
from narraframe.annotations.reliability import alpha, kappa
from narraframe.annotations.resampling import Resamples
from narraframe.records import Codebook, Estimate


@dataclass(frozen=True, slots=True)
class LabelPair:
    """Two annotators on one label: posts to which both, only one, or neither gave it."""

    first: str
    second: str
    label_id: str
    both: int
    only_first: int
    only_second: int
    neither: int
    kappa: Estimate

    @property
    def n_differ(self) -> int:
        """Number of posts on which they disagree."""
        return self.only_first + self.only_second


@dataclass(frozen=True, slots=True)
class FacetPair:
    """Two annotators on one facet: posts that both answered, and those answered the same.

    `score` is Cohen's kappa of the choice in a single-choice facet, otherwise Krippendorff's alpha
    of the two with MASI distance; `measure` says which.
    """

    first: str
    second: str
    facet_id: str
    n_posts: int
    n_same: int
    measure: str
    score: Estimate


def label_pairs(table: AnswerTable, resamples: Resamples) -> tuple[LabelPair, ...]:
    """Compare every two annotators on every label that both know of some post."""
    found = []
    for a, b, rows_a, rows_b in _pairs(table):
        common = Resamples(resamples.weights[:, table.post[rows_a]])
        for j, label_id in enumerate(table.sheet.label_ids):
            known = (table.values[rows_a, j] != UNKNOWN) & (table.values[rows_b, j] != UNKNOWN)
            if not known.any():
                continue
            one, other = (
                table.values[rows[known], j].astype(np.int64) for rows in (rows_a, rows_b)
            )
            counts = np.bincount(one * 2 + other, minlength=4)
            found.append(
                LabelPair(
                    first=table.annotators[a],
                    second=table.annotators[b],
                    label_id=label_id,
                    both=int(counts[3]),
                    only_first=int(counts[2]),
                    only_second=int(counts[1]),
                    neither=int(counts[0]),
                    kappa=kappa(one, other, common.of(known), n_values=2),
                )
            )
    return tuple(found)


def facet_pairs(
    table: AnswerTable, codebook: Codebook, resamples: Resamples
) -> tuple[FacetPair, ...]:
    """Compare every two annotators on every facet that both answered whole for some post."""
    answers = {
        facet.facet_id: facet_answers(table.values, table.sheet.facets[facet.facet_id], table.sheet)
        for facet in codebook.facets
    }
    found = []
    for a, b, rows_a, rows_b in _pairs(table):
        for facet_id, facet in answers.items():
            known = (facet.codes[rows_a] != UNKNOWN) & (facet.codes[rows_b] != UNKNOWN)
            if known.any():
                one, other = facet.codes[rows_a[known]], facet.codes[rows_b[known]]
                drawn = Resamples(resamples.weights[:, table.post[rows_a[known]]])
                found.append(
                    FacetPair(
                        first=table.annotators[a],
                        second=table.annotators[b],
                        facet_id=facet_id,
                        n_posts=len(one),
                        n_same=int((one == other).sum()),
                        measure="kappa" if facet.distance is None else "alpha",
                        score=_score(one, other, facet, drawn),
                    )
                )
    return tuple(found)


def _score(
    one: NDArray[np.int64], other: NDArray[np.int64], facet: FacetAnswers, resamples: Resamples
) -> Estimate:
    if facet.distance is None:
        return kappa(one, other, resamples, n_values=facet.n_codes)
    each = np.eye(facet.n_codes, dtype=np.int64)
    return alpha(each[one] + each[other], resamples, distance=facet.distance)


def mix_ups(table: AnswerTable) -> dict[str, tuple[str, int]]:
    """Return, for each label, the one most often chosen by the one annotator in its place.

    With the number of pairs of answers in which one annotator chose the one label and not the
    other, and the second annotator the reverse. Labels of the same facet without children only.
    """
    k = len(table.sheet.label_ids)
    times = np.zeros((k, k), dtype=np.int64)
    for _, _, rows_a, rows_b in _pairs(table):
        one, other = table.values[rows_a], table.values[rows_b]
        only_first = ((one == 1) & (other == 0)).astype(np.int64)
        only_second = ((one == 0) & (other == 1)).astype(np.int64)
        times += only_first.T @ only_second
    times += times.T
    comparable = np.zeros_like(times, dtype=bool)
    for columns in table.sheet.facets.values():
        leaves = [j for j in columns if not table.sheet.below[j]]
        comparable[np.ix_(leaves, leaves)] = True
    times[~comparable] = 0
    label_ids = table.sheet.label_ids
    return {
        label_ids[j]: (label_ids[int(row.argmax())], int(row.max()))
        for j, row in enumerate(times)
        if row.any()
    }


def _pairs(
    table: AnswerTable,
) -> Iterator[tuple[int, int, NDArray[np.intp], NDArray[np.intp]]]:
    """Yield each two annotators with the rows of their answers on the posts that both answered."""
    row = np.full((len(table.annotators), len(table.post_ids)), -1, dtype=np.intp)
    row[table.annotator, table.post] = np.arange(len(table.post))
    for a, b in combinations(range(len(table.annotators)), 2):
        common = (row[a] >= 0) & (row[b] >= 0)
        if common.any():
            yield a, b, row[a, common], row[b, common]
