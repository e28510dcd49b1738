"""Targets for training: what each annotator said of each label, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answer_table import read_answers
from narraframe.annotations.answers import UNKNOWN
from narraframe.annotations.consensus import any_voice, dawid_skene, majority
from narraframe.errors import ConfigError
from narraframe.records import Annotation, Codebook, Targets

CONSENSUS = ("majority", "any", "dawid-skene")


@dataclass(frozen=True)
class TargetsReport:
    """Targets, and what stands behind them.

    `n_annotators` int16 (n, k): annotators who know the cell; where gold settles it, those of gold.
    `undecided` and `contradicted` int64 (k,), by label: cells that some annotator knows but that
    stay unknown, and answers of one annotator that contradict each other (they count as no answer).
    `by_majority`: disputed labels that were left to the majority though another consensus was asked
    for, as too few posts have three answers.
    """

    targets: Targets
    n_annotators: NDArray[np.int16]
    undecided: NDArray[np.int64]
    contradicted: NDArray[np.int64]
    by_majority: tuple[str, ...] = ()


def build_targets(
    annotations: Sequence[Annotation], codebook: Codebook, *, consensus: str = "majority"
) -> TargetsReport:
    """Join the annotators' answers into one matrix in which unknown is not zero.

    The order of `annotations` does not matter; posts come out sorted by post_id, columns in
    codebook order. How one annotator's rows become an answer is told in `read_answer`. Where a gold
    row touches a facet of a post, gold answers alone count there: the majority of them, of each
    annotator the latest.

    Parameters
    ----------
    annotations : sequence of Annotation
        Rows on labels and on facets, of any number of annotators.
    codebook : Codebook
        The only source of columns.
    consensus : {"majority", "any", "dawid-skene"}, default="majority"
        See `majority`, `any_voice` and `dawid_skene`.

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
        If `consensus` is none of the three.
    """
    if consensus not in CONSENSUS:
        raise ConfigError("unknown consensus", got=consensus, remedy=f"Choose one of {CONSENSUS}.")
    table = read_answers(annotations, codebook)
    left: tuple[str, ...] = ()
    if consensus == "dawid-skene":
        verdict, left = dawid_skene(table)
    else:
        verdict = majority(table) if consensus == "majority" else any_voice(table)
    known = table.per_post(table.counting != UNKNOWN)
    mask = verdict != UNKNOWN
    return TargetsReport(
        targets=Targets(table.post_ids, codebook.label_ids, (verdict == 1).astype(np.int8), mask),
        n_annotators=known.astype(np.int16),
        undecided=((known > 0) & ~mask).sum(axis=0).astype(np.int64),
        contradicted=(table.contradicted == 1).sum(axis=0).astype(np.int64),
        by_majority=left,
    )
