"""The quality of a classifier on posts it was not trained on, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.metrics import multilabel
from narraframe.metrics.intervals import Resamples, estimate, resample_groups
from narraframe.metrics.multilabel import Confusion, together
from narraframe.records import Estimate, LabelQuality, Quality

Figure = Callable[[Confusion], NDArray[np.float64]]


def measure(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    p: NDArray[np.float32],
    decision: NDArray[np.bool_],
    groups: ArrayLike,
    label_ids: Sequence[str],
    thresholds: NDArray[np.float64],
    *,
    how: str,
    seed: int,
    n_resamples: int = 1000,
) -> Quality:
    """Measure decisions and probabilities against targets.

    Precision, recall and F1 rest on the decisions of all known cells (`mask`), whether there is a
    probability or not: a post that was not scored, and a label that could not be trained (in
    cross-validation: without the post's fold), are decided as `decision` says, which is not at all.
    That is what such a model does to its user; leaving these cells out would flatter it. Average
    precision and calibration error rest on the known cells that have a probability. An estimate's
    `n` says how many cells it rests on.

    Recall and F1 of a label without known positives are nan, and the label is named in `undefined`;
    macro F1 is the mean of the others, also within each resample. False positives of undefined
    labels still count in micro F1.

    The calibration error is the mean over labels of the expected calibration error, each label with
    bins of its own and weighing as many cells as it has: in shared bins, one label's excess would
    make up for another's want.

    Intervals are 95 % percentile intervals over resamples of whole groups (see `estimate`), nan
    where the figure rests on fewer than two groups: for recall, F1 and average precision groups
    with a positive, for precision groups with a decision. Those of means over labels, macro F1
    and mean average precision, hold their mirror image too: over 60 labels of 10 to 30
    positives, plain ones held the truth in 76 to 81 % of simulated samples, these in 98 %; over
    labels of 3 to 5, in 72 to 77 and in 85 %. The bins of the calibration error stay fixed over
    resamples; as resampling adds noise to it, its interval errs on the high side. With few
    posts a label, chance alone makes it positive. Intervals tell of the posts measured, not of
    what other training posts would have changed.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    p : float32 array of shape (n, k)
        Held-out or out-of-fold probability, nan where there is none.
    decision : bool array of shape (n, k)
        What was decided.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    label_ids : sequence of str of length k
        Columns.
    thresholds : float64 array of shape (k,)
        Reported with the labels; not used.
    how : str
        On what posts and by which split this is measured, for the reader.
    seed, n_resamples : int
        Of the resampling.
    """
    with threadpool_limits(limits=1):
        evidence = _gather(y, mask, p, decision, groups, n_resamples=n_resamples, seed=seed)
        rankings = [_ranking(evidence, j) for j in range(len(label_ids))]
        labels = tuple(
            LabelQuality(
                label_id=label_ids[j],
                n_known=int(mask[:, j].sum()),
                n_positive=int((mask[:, j] & (y[:, j] == 1)).sum()),
                threshold=float(thresholds[j]),
                precision=_of_label(evidence, multilabel.precision, decision[:, j], j),
                recall=_of_label(evidence, multilabel.recall, y[:, j] == 1, j),
                f1=_of_label(evidence, multilabel.f1, y[:, j] == 1, j),
                average_precision=_average_precision(evidence, rankings[j], j),
            )
            for j in range(len(label_ids))
        )
        return Quality(
            how=how,
            n_posts=len(y),
            n_groups=len(evidence.draws.weights),
            micro_f1=_overall(evidence, multilabel.micro_f1),
            macro_f1=_overall(evidence, multilabel.macro_f1, mirrored=True),
            calibration_error=_calibration_error(evidence),
            labels=labels,
            undefined=tuple(label.label_id for label in labels if np.isnan(label.f1.value)),
            micro_precision=_overall(evidence, lambda c: multilabel.precision(together(c))),
            micro_recall=_overall(evidence, lambda c: multilabel.recall(together(c))),
            mean_average_precision=_mean_average_precision(evidence, rankings),
        )


@dataclass(frozen=True)
class _Evidence:
    """Cells that are known and, of them, those with a probability (`scored`); counts of the known
    ones on all posts and on every resample.
    """

    y: NDArray[np.int8]
    p: NDArray[np.float64]
    known: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    draws: Resamples
    counts: Confusion
    resampled: Confusion


def _gather(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    p: NDArray[np.float32],
    decision: NDArray[np.bool_],
    groups: ArrayLike,
    *,
    n_resamples: int,
    seed: int,
) -> _Evidence:
    draws = resample_groups(groups, n_resamples=n_resamples, seed=seed)
    cells = multilabel.cells(y, decision, mask)
    return _Evidence(
        y=y,
        p=p.astype(np.float64),
        known=mask,
        scored=mask & np.isfinite(p),
        draws=draws,
        counts=multilabel.confusion(y, decision, mask),
        resampled=Confusion(*(draws.totals(outcome) for outcome in cells)),
    )


def _of_label(evidence: _Evidence, figure: Figure, bearing: NDArray[np.bool_], j: int) -> Estimate:
    """Estimate `figure` of label j; `bearing` (n,) marks the posts that it rests on."""
    known, counts = evidence.known[:, j], evidence.resampled
    return estimate(
        float(figure(evidence.counts)[j]),
        figure(Confusion(counts.tp[:, j], counts.fp[:, j], counts.fn[:, j])),
        n=int(known.sum()),
        n_groups=evidence.draws.n_groups(bearing & known),
    )


def _ranking(evidence: _Evidence, j: int) -> NDArray[np.float64]:
    """Return the average precision of label j on all posts, then on each resample; (1 + r,)."""
    draws, scored = evidence.draws, evidence.scored[:, j]
    y, p = evidence.y[scored, j], evidence.p[scored, j]
    resampled = multilabel.average_precision(y, p, draws.weights[draws.member[scored]])
    return np.append(multilabel.average_precision(y, p), resampled)


def _average_precision(evidence: _Evidence, ranking: NDArray[np.float64], j: int) -> Estimate:
    scored = evidence.scored[:, j]
    return estimate(
        float(ranking[0]),
        ranking[1:],
        n=int(scored.sum()),
        n_groups=evidence.draws.n_groups(scored & (evidence.y[:, j] == 1)),
    )


def _mean_average_precision(
    evidence: _Evidence, rankings: Sequence[NDArray[np.float64]]
) -> Estimate:
    """Estimate the mean over the labels whose average precision is defined."""
    mean = multilabel.mean_of_defined(np.array(rankings), axis=0)
    positive = np.asarray((evidence.scored & (evidence.y == 1)).any(axis=1))
    return estimate(
        float(mean[0]),
        mean[1:],
        n=int(evidence.scored.sum()),
        n_groups=evidence.draws.n_groups(positive),
        mirrored=True,
    )


def _overall(evidence: _Evidence, figure: Figure, *, mirrored: bool = False) -> Estimate:
    """Estimate a figure of all labels together."""
    positive = np.asarray((evidence.known & (evidence.y == 1)).any(axis=1))
    return estimate(
        float(figure(evidence.counts)),
        figure(evidence.resampled),
        n=int(evidence.known.sum()),
        n_groups=evidence.draws.n_groups(positive),
        mirrored=mirrored,
    )


def _calibration_error(evidence: _Evidence) -> Estimate:
    """Estimate the mean over labels of the expected calibration error, weighted by cells."""
    draws, scored = evidence.draws, evidence.scored
    total, resampled = 0.0, np.zeros(draws.weights.shape[1])
    for j in np.flatnonzero(scored.any(axis=0)):
        rows = np.flatnonzero(scored[:, j])
        y, p = evidence.y[rows, j], evidence.p[rows, j]
        bins = multilabel.calibration_bins(p)
        gaps = np.zeros((len(evidence.y), int(bins.max()) + 1))
        gaps[rows, bins] = p - (y == 1)
        resampled += np.abs(draws.totals(gaps)).sum(axis=1)
        total += multilabel.calibration_error(y, p) * len(rows)
    n = int(scored.sum())
    n_cells = draws.totals(scored.sum(axis=1, keepdims=True))[:, 0]
    return estimate(
        total / n if n else float("nan"),
        np.divide(resampled, n_cells, out=np.full(len(n_cells), np.nan), where=n_cells > 0),
        n=n,
        n_groups=draws.n_groups(np.asarray(scored.any(axis=1))),
    )
