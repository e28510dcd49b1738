"""Targets for training: what each annotator said of each label, and what they say together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answers import Answer, AnswerSheet, read_answer
from narraframe.errors import CodebookError, ConfigError
from narraframe.records import Annotation, Codebook, Targets

CONSENSUS = ("majority", "any")


@dataclass(frozen=True)
class TargetsReport:
    """Targets, and what stands behind them.

    `n_annotators` int16 (n, k): annotators who know the cell. `undecided` and `contradicted`
    int64 (k,), by label: cells that some annotator knows but that stay unknown, and answers of one
    annotator that contradict each other (they count as no answer).
    """

    targets: Targets
    n_annotators: NDArray[np.int16]
    undecided: NDArray[np.int64]
    contradicted: NDArray[np.int64]


def build_targets(
    annotations: Sequence[Annotation], codebook: Codebook, *, consensus: str = "majority"
) -> TargetsReport:
    """Join the annotators' answers into one matrix in which unknown is not zero.

    The order of `annotations` does not matter; posts come out sorted by post_id, columns in
    codebook order. How one annotator's rows become an answer is told in `read_answer`.

    Parameters
    ----------
    annotations : sequence of Annotation
        Rows on labels and on facets, of any number of annotators.
    codebook : Codebook
        The only source of columns.
    consensus : {"majority", "any"}, default="majority"
        "majority": 1 or 0 where more annotators say so, ties are unknown. "any": 1 where one says
        so, 0 where all who know the cell say 0. In a single-choice facet, two labels that won
        together are unknown, and so are the labels named when none of them won although at least
        half of the annotators chose one.

    Returns
    -------
    TargetsReport
        With one row for every post that has a row in `annotations`.

    Raises
    ------
    CodebookError
        If a label_id or value is not in the codebook, or an annotator gives two values for a
        single-choice facet of a post; all such faults are listed.
    ConfigError
        If `consensus` is neither of the two.
    """
    if consensus not in CONSENSUS:
        raise ConfigError("unknown consensus", got=consensus, remedy=f"Choose one of {CONSENSUS}.")
    sheet = AnswerSheet.of(codebook)
    _check_rows(annotations, codebook)
    rows: dict[tuple[str, str], list[Annotation]] = {}
    for annotation in annotations:
        rows.setdefault((annotation.post_id, annotation.annotator), []).append(annotation)
    answers = {key: read_answer(rows[key], sheet) for key in sorted(rows)}
    _check_single_choice(answers, sheet)
    post_ids = tuple(dict.fromkeys(post_id for post_id, _ in answers))
    position = {post_id: i for i, post_id in enumerate(post_ids)}
    member = np.array([position[post_id] for post_id, _ in answers], dtype=np.intp)
    values = np.stack([a.value for a in answers.values()]) if answers else sheet.none
    contradicted = np.stack([a.contradicted for a in answers.values()]) if answers else sheet.none
    y, mask, known = _consensus(values, member, len(post_ids), consensus, sheet)
    return TargetsReport(
        targets=Targets(post_ids, codebook.label_ids, y, mask),
        n_annotators=known.astype(np.int16),
        undecided=((known > 0) & ~mask).sum(axis=0).astype(np.int64),
        contradicted=(contradicted == 1).sum(axis=0).astype(np.int64),
    )


def _consensus(
    values: NDArray[np.int8], member: NDArray[np.intp], n: int, consensus: str, sheet: AnswerSheet
) -> tuple[NDArray[np.int8], NDArray[np.bool_], NDArray[np.int64]]:
    """Return y, mask and the number of annotators who know each cell."""
    ones = _per_post(values == 1, member, n)
    zeros = _per_post(values == 0, member, n)
    won = ones > zeros if consensus == "majority" else ones > 0
    lost = zeros > ones if consensus == "majority" else (zeros > 0) & (ones == 0)
    unclear = won & sheet.excluded(won)
    for columns in sheet.single_choice:
        chose = _per_post((values[:, columns] == 1).any(axis=1), member, n)
        refused = _per_post((values[:, columns] == 0).all(axis=1), member, n)
        nobody = ~won[:, columns].any(axis=1) & (chose > 0) & (chose >= refused)
        unclear[:, columns] |= nobody[:, None] & (ones[:, columns] > 0)
    mask = (won | lost) & ~unclear
    return (won & mask).astype(np.int8), mask, ones + zeros


def _per_post(flags: NDArray[np.bool_], member: NDArray[np.intp], n: int) -> NDArray[np.int64]:
    total = np.zeros((n, *flags.shape[1:]), dtype=np.int64)
    np.add.at(total, member, flags)
    return total


def _check_rows(annotations: Sequence[Annotation], codebook: Codebook) -> None:
    facet_ids = [facet.facet_id for facet in codebook.facets]
    both = sorted(set(facet_ids) & set(codebook.label_ids))
    if both:
        raise CodebookError(
            "a facet and a label have the same id, so their annotations cannot be told apart",
            where=f"codebook {codebook.version}",
            got=both,
            remedy="Rename one of them.",
        )
    known = [*codebook.label_ids, *facet_ids]
    unknown = sorted({a.label_id for a in annotations} - set(known))
    if unknown:
        raise CodebookError(
            f"{len(unknown)} label_ids are not in codebook {codebook.version}: "
            + ", ".join(_did_you_mean(label_id, known) for label_id in unknown),
            remedy="Correct the annotations, or use the codebook they were made with.",
        )
    wrong = [a for a in annotations if a.value not in (0, 1)]
    if wrong:
        raise CodebookError(
            f"{len(wrong)} annotations have a value other than 0 and 1",
            where=f"post {wrong[0].post_id}, annotator {wrong[0].annotator}, {wrong[0].label_id}",
            got=wrong[0].value,
        )


def _did_you_mean(label_id: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(label_id, known, n=1)
    return f'"{label_id}"' + (f' (did you mean "{near[0]}"?)' if near else "")


def _check_single_choice(answers: Mapping[tuple[str, str], Answer], sheet: AnswerSheet) -> None:
    faults = []
    for (post_id, annotator), answer in answers.items():
        chosen = answer.value == 1
        clash = np.flatnonzero(chosen & sheet.excluded(chosen))
        if len(clash):
            labels = ", ".join(sheet.label_ids[j] for j in clash)
            faults.append(f"post {post_id}, annotator {annotator}: {labels}")
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise CodebookError(
            f"{len(faults)} answers give more than one value for a single-choice facet: "
            + "; ".join(faults[:5])
            + more,
            remedy="Keep one value each, or make the facet multiple-choice.",
        )
