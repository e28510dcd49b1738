"""Everybody's answers on every post, as rows of one matrix."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answers import UNKNOWN, AnswerSheet, read_answer
from narraframe.errors import CodebookError
from narraframe.records import Annotation, Codebook


@dataclass(frozen=True)
class AnswerTable:
    """One row per answer: what one annotator said of one post, gold answers apart from others.

    `post` and `annotator` intp (a,): whose answer it is, as positions in `post_ids` and
    `annotators`. `values` int8 (a, k): 1, 0 or -1 for unknown. `contradicted` int8 (a, k): 1 where
    rows clash. `gold` bool (a,). `settled` bool (n, k): gold answers touch the facet of the label
    on that post.
    """

    post_ids: tuple[str, ...]
    annotators: tuple[str, ...]
    sheet: AnswerSheet
    post: NDArray[np.intp]
    annotator: NDArray[np.intp]
    values: NDArray[np.int8]
    contradicted: NDArray[np.int8]
    gold: NDArray[np.bool_]
    settled: NDArray[np.bool_]

    @cached_property
    def counting(self) -> NDArray[np.int8]:
        """`values`, unknown where gold answers settle the label; int8 (a, k)."""
        overruled = self.settled[self.post] & ~self.gold[:, None]
        return np.where(overruled, np.int8(UNKNOWN), self.values)

    @property
    def overlapping(self) -> AnswerTable:
        """The answers on posts that have two or more; all posts stay."""
        rows = np.bincount(self.post, minlength=len(self.post_ids))[self.post] >= 2
        return replace(
            self,
            post=self.post[rows],
            annotator=self.annotator[rows],
            values=self.values[rows],
            contradicted=self.contradicted[rows],
            gold=self.gold[rows],
        )

    def per_post(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count `flags` (a, ...) over the answers on each post; int64 (n, ...)."""
        total = np.zeros((len(self.post_ids), *flags.shape[1:]), dtype=np.int64)
        np.add.at(total, self.post, flags)
        return total


def read_answers(annotations: Sequence[Annotation], codebook: Codebook) -> AnswerTable:
    """Read all rows; the order of `annotations` does not matter.

    How one annotator's rows become an answer is told in `read_answer`. Posts and annotators come
    out sorted, columns in codebook order.

    Raises
    ------
    CodebookError
        If a label_id or value is not in the codebook, or an annotator gives two values for a
        single-choice facet of a post; all such faults are listed.
    """
    _check_ids(annotations, codebook)
    sheet = AnswerSheet.of(codebook)
    rows: dict[tuple[str, str, bool], list[Annotation]] = {}
    for annotation in annotations:
        key = (annotation.post_id, annotation.annotator, annotation.gold)
        rows.setdefault(key, []).append(annotation)
    keys = sorted(rows)
    answers = [read_answer(rows[key], sheet) for key in keys]
    post_ids = tuple(dict.fromkeys(post_id for post_id, _, _ in keys))
    annotators = tuple(sorted({annotator for _, annotator, _ in keys}))
    of_post = {post_id: i for i, post_id in enumerate(post_ids)}
    of_annotator = {annotator: i for i, annotator in enumerate(annotators)}
    table = AnswerTable(
        post_ids=post_ids,
        annotators=annotators,
        sheet=sheet,
        post=np.array([of_post[post_id] for post_id, _, _ in keys], dtype=np.intp),
        annotator=np.array([of_annotator[name] for _, name, _ in keys], dtype=np.intp),
        values=np.stack([a.value for a in answers]) if answers else sheet.none,
        contradicted=np.stack([a.contradicted for a in answers]) if answers else sheet.none,
        gold=np.array([gold for _, _, gold in keys], dtype=bool),
        settled=_settled(annotations, codebook, of_post, sheet),
    )
    _check_single_choice(table)
    return table


def _settled(
    annotations: Sequence[Annotation],
    codebook: Codebook,
    of_post: dict[str, int],
    sheet: AnswerSheet,
) -> NDArray[np.bool_]:
    settled = np.zeros((len(of_post), len(sheet.label_ids)), dtype=bool)
    facet_of = {label.label_id: label.facet_id for label in codebook.labels}
    for a in annotations:
        if a.gold:
            columns = sheet.facets[facet_of.get(a.label_id, a.label_id)]
            # A label that came later is not settled by who was not asked for it; but a row of its
            # own, such as a migrated one, settles it.
            settled[of_post[a.post_id], sheet.asked(columns, a.codebook_version)] = True
            if a.label_id in sheet.column:
                settled[of_post[a.post_id], sheet.column[a.label_id]] = True
    return settled


def _check_ids(annotations: Sequence[Annotation], codebook: Codebook) -> None:
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


def _check_single_choice(table: AnswerTable) -> None:
    chosen = table.values == 1
    clash = chosen & table.sheet.excluded(chosen)
    faults = []
    for i in np.flatnonzero(clash.any(axis=1)):
        labels = ", ".join(table.sheet.label_ids[j] for j in np.flatnonzero(clash[i]))
        post_id, annotator = table.post_ids[table.post[i]], table.annotators[table.annotator[i]]
        faults.append(f"post {post_id}, annotator {annotator}: {labels}")
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise CodebookError(
            f"{len(faults)} answers give more than one value for a single-choice facet: "
            + "; ".join(faults[:5])
            + more,
            remedy="Keep one value each, or make the facet multiple-choice.",
        )
