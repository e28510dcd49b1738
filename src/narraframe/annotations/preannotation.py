"""What pre-annotations did: how often they were accepted, and whether they moved the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answer_table import AnswerTable, read_answers
from narraframe.annotations.answers import UNKNOWN, time_of
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.label_sets import FacetAnswers, facet_answers
from narraframe.annotations.resampling import Resamples, difference, resample, share
from narraframe.records import Annotation, Codebook, Estimate

ACCEPTED, CHANGED, BLIND = "accepted", "changed", "blind"
ENOUGH = 10
"""Posts with held-back, and posts with shown pre-annotations, that it takes to compare them."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How often a shown pre-annotation of a facet was left as it was.

    `facet_id` is "" for all facets together. `n_empty`: of the accepted, those with nothing ticked.
    """

    facet_id: str
    n_shown: int
    n_accepted: int
    n_empty: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class Effect:
    """A figure where pre-annotations were shown, where they were held back, and the difference.

    `what` is "prevalence" of a label (with a facet's id: of any label of it), or "agreement": how
    near the answers of two annotators are on a facet, 1 where they are the same.
    """

    what: str
    unit_id: str
    shown: Estimate
    blind: Estimate
    difference: Estimate

    @property
    def enough(self) -> bool:
        """Tell whether both kinds of posts are enough to compare."""
        return min(self.shown.n, self.blind.n) >= ENOUGH

    @property
    def seen(self) -> bool:
        """Tell whether there is a difference beyond what chance may well do."""
        return self.enough and bool(self.difference.low > 0 or self.difference.high < 0)


@dataclass(frozen=True)
class PreAnnotation:
    """Acceptance, of all facets together first; effects, of `n_shown` against `n_blind` posts."""

    acceptance: tuple[Acceptance, ...]
    n_shown: int
    n_blind: int
    effects: tuple[Effect, ...]


def measure_preannotation(
    annotations: Sequence[Annotation],
    codebook: Codebook,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> PreAnnotation:
    """Measure how often pre-annotations were accepted, and whether they anchored the annotators.

    A facet's row says by its `origin` what the annotator saw. Answers to held-back pre-annotations
    ("blind") are compared with those to shown ones ("accepted", "changed"); this measures an effect
    if it was left to chance which were held back. Where there was no pre-annotation ("manual"), the
    posts are of another kind and are left out, and so are gold answers and second looks.

    Raises
    ------
    CodebookError
        As `read_answers`.
    """
    apart = [a for a in annotations if not a.gold and a.design != DOUBTFUL]
    table = read_answers(apart, codebook)
    reviews = _reviews(apart, codebook, table)
    resamples = resample(len(table.post_ids), n_resamples=n_resamples, seed=seed)
    shown = {i: np.isin(r.origin, (ACCEPTED, CHANGED)) for i, r in reviews.items()}
    blind = {i: r.origin == BLIND for i, r in reviews.items()}
    effects: list[Effect] = []
    for facet_id in reviews:
        if shown[facet_id].any() and blind[facet_id].any():
            split = (shown[facet_id], blind[facet_id])
            effects += _effects(facet_id, split, table, resamples)
    return PreAnnotation(
        acceptance=_acceptance(reviews, table, resamples),
        n_shown=_n_posts(np.any(list(shown.values()), axis=0), table),
        n_blind=_n_posts(np.any(list(blind.values()), axis=0), table),
        effects=tuple(effects),
    )


@dataclass(frozen=True)
class _Reviews:
    """Of one facet: `origin` str (a,), "" where it was not reviewed; `some` bool (a,): not none."""

    origin: NDArray[np.str_]
    some: NDArray[np.bool_]


def _reviews(
    annotations: Sequence[Annotation], codebook: Codebook, table: AnswerTable
) -> dict[str, _Reviews]:
    keys = zip(table.post.tolist(), table.annotator.tolist(), strict=True)
    row_of = {
        (table.post_ids[post], table.annotators[annotator]): row
        for row, (post, annotator) in enumerate(keys)
    }
    of_facet: dict[str, list[Annotation]] = {f.facet_id: [] for f in codebook.facets}
    for a in annotations:
        if a.label_id in of_facet:
            of_facet[a.label_id].append(a)
    found = {}
    for facet_id, rows in of_facet.items():
        origin = np.full(len(table.post), "", dtype=f"<U{len(ACCEPTED)}")
        some = np.zeros(len(table.post), dtype=bool)
        for a in sorted(rows, key=time_of):
            row = row_of[a.post_id, a.annotator]
            origin[row], some[row] = a.origin, a.value == 1
        found[facet_id] = _Reviews(origin, some)
    return found


def _acceptance(
    reviews: dict[str, _Reviews], table: AnswerTable, resamples: Resamples
) -> tuple[Acceptance, ...]:
    """Return nothing where nothing was shown."""
    accepted = {i: table.per_post(r.origin == ACCEPTED) for i, r in reviews.items()}
    changed = {i: table.per_post(r.origin == CHANGED) for i, r in reviews.items()}
    empty = {i: int(((r.origin == ACCEPTED) & ~r.some).sum()) for i, r in reviews.items()}
    together = {"": list(reviews)} | {i: [i] for i in reviews}
    found = []
    for name, facet_ids in together.items():
        kept = np.sum([accepted[i] for i in facet_ids], axis=0)
        shown = kept + np.sum([changed[i] for i in facet_ids], axis=0)
        if shown.any():
            n_empty = sum(empty[i] for i in facet_ids)
            estimate = share(kept, shown, resamples)
            found.append(Acceptance(name, int(shown.sum()), int(kept.sum()), n_empty, estimate))
    return tuple(found)


def _effects(
    facet_id: str,
    split: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    table: AnswerTable,
    resamples: Resamples,
) -> list[Effect]:
    columns, sheet = table.sheet.facets[facet_id], table.sheet
    answers = facet_answers(table.values, columns, sheet)
    near = [_near(answers, of, table) for of in split]
    found = [_effect("agreement", facet_id, near, resamples)]
    leaves = [j for j in columns if not sheet.below[j]]
    cells = {sheet.label_ids[j]: table.values[:, j] for j in leaves}
    if columns not in sheet.single_choice:
        some = (table.values[:, columns] == 1).any(axis=1)
        cells = {facet_id: np.where(answers.codes == UNKNOWN, UNKNOWN, some)} | cells
    for unit_id, values in cells.items():
        counted = [_counted(values, of, table) for of in split]
        found.append(_effect("prevalence", unit_id, counted, resamples))
    return found


_Counted = tuple[NDArray[np.float64], NDArray[np.float64]]


def _effect(what: str, unit_id: str, counted: Sequence[_Counted], resamples: Resamples) -> Effect:
    shown, blind = (share(some, asked, resamples) for some, asked in counted)
    return Effect(what, unit_id, shown, blind, difference(shown, blind))


def _counted(values: NDArray[np.generic], of: NDArray[np.bool_], table: AnswerTable) -> _Counted:
    """Count per post the answers that say yes, and those that say anything."""
    yes, known = of & (values == 1), of & (values != UNKNOWN)
    return table.per_post(yes).astype(np.float64), table.per_post(known).astype(np.float64)


def _near(answers: FacetAnswers, of: NDArray[np.bool_], table: AnswerTable) -> _Counted:
    """Add up per post how near pairs of answers are, and count the pairs."""
    near, pairs = np.zeros(len(table.post_ids)), np.zeros(len(table.post_ids))
    rows: dict[int, list[int]] = {}
    for row in np.flatnonzero(of & (answers.codes != UNKNOWN)):
        rows.setdefault(int(table.post[row]), []).append(int(answers.codes[row]))
    for post, codes in rows.items():
        for one, other in combinations(codes, 2):
            far = float(one != other) if answers.distance is None else answers.distance[one, other]
            near[post] += 1 - far
            pairs[post] += 1
    return near, pairs


def _n_posts(of: NDArray[np.bool_], table: AnswerTable) -> int:
    return len(np.unique(table.post[of]))
