"""How far annotators agree, label by label and facet by facet, and whether that is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from narraframe.annotations.answer_table import AnswerTable, read_answers
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.label_sets import facet_answers
from narraframe.annotations.pairs import FacetPair, LabelPair, facet_pairs, label_pairs, mix_ups
from narraframe.annotations.reliability import alpha
from narraframe.annotations.resampling import Resamples, resample, share
from narraframe.records import Annotation, Codebook, Estimate

LOWEST = 0.667
"""Krippendorff's lowest conceivable limit: below it not even tentative conclusions (2004, p. 241).
"""
ENOUGH = 10
"""Posts with a yes, and posts with a no, that it takes to judge a label."""
NEEDS_WORK, HOLDS, UNCLEAR, TOO_FEW = "needs work", "holds", "unclear", "too few"


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Agreement on one label.

    `n_yes`, `n_no`: posts with two or more answers on which some annotator says yes, or no.
    `prevalence`: share of yes among all known answers, by posts. `verdict`: "needs work" where the
    whole interval of alpha lies below `LOWEST`, "holds" where none of it does, "unclear" otherwise;
    "too few" where fewer than `ENOUGH` posts have a yes or a no. `mixed_up_with`: another label of
    the facet that one annotator chose where another chose this, and on how many pairs of answers.
    """

    label_id: str
    facet_id: str
    alpha: Estimate
    n_yes: int
    n_no: int
    prevalence: Estimate
    verdict: str
    mixed_up_with: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class FacetAgreement:
    """Agreement on one facet as a whole; `distance` is "nominal" (its choice) or "MASI" (its
    label set, so that sets that overlap are closer).
    """

    facet_id: str
    distance: str
    alpha: Estimate


@dataclass(frozen=True)
class Agreement:
    """All of it; `n_posts` annotated, `n_overlap` of them by two or more annotators."""

    n_posts: int
    n_overlap: int
    annotators: tuple[str, ...]
    facets: tuple[FacetAgreement, ...]
    labels: tuple[LabelAgreement, ...]
    facet_pairs: tuple[FacetPair, ...]
    label_pairs: tuple[LabelPair, ...]

    @property
    def needs_work(self) -> tuple[LabelAgreement, ...]:
        """The labels whose definition needs work, the worst first."""
        found = [label for label in self.labels if label.verdict == NEEDS_WORK]
        return tuple(sorted(found, key=lambda label: label.alpha.value))


def measure_agreement(
    annotations: Sequence[Annotation],
    codebook: Codebook,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Measure how far annotators agree who worked apart from each other.

    Gold answers are left out: who settles a dispute has seen the answers. So are second looks at
    posts that a model doubted: there is more disagreement there than elsewhere. What an annotator
    was not asked, or contradicted, is unknown and counts nowhere. A label set is known where every
    label of its facet is. Parents are measured as well, but only labels that can be chosen are
    judged.

    Parameters
    ----------
    annotations : sequence of Annotation
        Rows of any number of annotators, in any order.
    codebook : Codebook
        Labels and facets, in the order of the result.
    n_resamples : int, default=1000
        Resamples of posts behind each interval.
    seed : int, default=0
        The same seed gives the same intervals.

    Raises
    ------
    CodebookError
        As `read_answers`.
    """
    apart = [a for a in annotations if not a.gold and a.design != DOUBTFUL]
    table = read_answers(apart, codebook)
    resamples = resample(len(table.post_ids), n_resamples=n_resamples, seed=seed)
    compared = table.overlapping
    mixed_up = mix_ups(compared)
    labels = [_label(j, codebook, table, resamples) for j in range(len(codebook.labels))]
    return Agreement(
        n_posts=len(table.post_ids),
        n_overlap=len(np.unique(compared.post)),
        annotators=table.annotators,
        facets=tuple(_facet(f.facet_id, compared, resamples) for f in codebook.facets),
        labels=tuple(
            replace(label, mixed_up_with=mixed_up.get(label.label_id)) for label in labels
        ),
        facet_pairs=facet_pairs(compared, codebook, resamples),
        label_pairs=label_pairs(compared, resamples),
    )


def _label(j: int, codebook: Codebook, table: AnswerTable, resamples: Resamples) -> LabelAgreement:
    label = codebook.labels[j]
    values = table.values[:, j]
    zeros, ones = table.per_post(values == 0), table.per_post(values == 1)
    found = alpha(np.column_stack([zeros, ones]), resamples)
    overlap = zeros + ones >= 2
    n_yes, n_no = int((overlap & (ones > 0)).sum()), int((overlap & (zeros > 0)).sum())
    leaf = not table.sheet.below[j]
    return LabelAgreement(
        label_id=label.label_id,
        facet_id=label.facet_id,
        alpha=found,
        n_yes=n_yes,
        n_no=n_no,
        prevalence=share(ones, zeros + ones, resamples),
        verdict=_verdict(found, min(n_yes, n_no)) if leaf else "",
    )


def _verdict(found: Estimate, n: int) -> str:
    if n < ENOUGH:
        return TOO_FEW
    if found.high < LOWEST:
        return NEEDS_WORK
    return HOLDS if found.low >= LOWEST else UNCLEAR


def _facet(facet_id: str, table: AnswerTable, resamples: Resamples) -> FacetAgreement:
    answers = facet_answers(table.values, table.sheet.facets[facet_id], table.sheet)
    counts = answers.counts(table.post, len(table.post_ids))
    measure = "nominal" if answers.distance is None else "MASI"
    return FacetAgreement(facet_id, measure, alpha(counts, resamples, distance=answers.distance))
