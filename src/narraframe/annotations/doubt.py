"""Wrong labels: the annotations that a model, which never saw them, doubts most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import HeldOut

DOUBTFUL = "doubtful"
"""The design of a second look. Such posts are chosen by the model that they are to mend: they are
no random sample, and their pairs of answers no measure of agreement."""
ERRORS = 0.03
"""Share of a label's true posts on which an annotator leaves it out. What is ranked, and which
cells are doubtful, hardly depends on it: it is the chance of an error before the model is asked."""
_SURE = 1e-3


@dataclass(frozen=True, slots=True)
class DoubtfulCell:
    """What was `said` of a label (1 or 0), and what speaks against it.

    `probability` is the model's, `frequency` the share of answered posts that carry the label,
    `doubt` the chance that it was said wrongly; see `doubt`.
    """

    label_id: str
    said: int
    probability: float
    frequency: float
    doubt: float


@dataclass(frozen=True, slots=True)
class DoubtfulPost:
    """A post and its doubtful cells, the worst first; its own doubt is that of the worst."""

    post_id: str
    cells: tuple[DoubtfulCell, ...]

    @property
    def doubt(self) -> float:
        """Doubt of the worst cell."""
        return self.cells[0].doubt


def doubt(held: HeldOut, *, voices: NDArray[np.integer] | None = None) -> NDArray[np.float64]:
    """Return how likely each answer is wrong, given what a model says that was not trained on it.

    By Bayes' rule from the model's probability p, for annotators who leave a label out on `ERRORS`
    of the posts that it is on, and wrongly give it to as many others, so that labels keep their
    frequency. A "no" is doubtful from p = 1/2 on, a "yes" where p is below the label's frequency:
    that a rare label is unlikely says little against it. m voices that agree are wrong by chance
    ``ERRORS ** m`` only.

    Share of posts with an injected error among as many first ones, ranked by the worst cell; 5 % of
    posts in error, mean of three seeds (experiments/benchmarks/doubtful.py). The label given too
    much is drawn by its frequency / with equal chance:

    ================================= ========= ========= =========== ===========
    ..                                gvfc      ccf       euvs top 10 euvs top 50
    ================================= ========= ========= =========== ===========
    doubt                             .556/.518 .347/.303 .310/.233   .213/.197
    self-confidence, or margin        .452/.533 .253/.270 .203/.200   .143/.147
    rank within label and answer      .378/.400 .213/.203 .270/.243   .143/.153
    confident learning's margins      .437/.422 .213/.213 .273/.200   .150/.137
    cleanlab 2.9, self-confidence     .407/.415 .273/.293 .187/.170   .107/.123
    cleanlab 2.9, weighted by entropy .452/.533 .293/.293 .200/.163   .123/.163
    ================================= ========= ========= =========== ===========

    The sets have errors of their own among the first, which count as misses here.

    Parameters
    ----------
    held : HeldOut
        n posts, k labels; calibrated probabilities.
    voices : int array of shape (n, k), default=None
        How many annotators said what `held.y` says, apart from each other; None means one.

    Returns
    -------
    float64 array of shape (n, k)
        In [0, 1]; above `ERRORS` = doubtful; nan where nothing was said or the model has no score.

    References
    ----------
    Northcutt, Jiang and Chuang (2021), arXiv:1911.00068; Thyagarajan et al. (2022),
    arXiv:2211.13895: the rivals above.
    """
    p = np.clip(held.probability.astype(np.float64), _SURE, 1 - _SURE)
    share = frequency(held)
    left_out = ERRORS ** (np.ones(p.shape) if voices is None else np.maximum(voices, 1))
    too_much = np.minimum(left_out * share / (1 - share), 0.5)
    no_is_wrong, no_is_right = p * left_out, (1 - p) * (1 - too_much)
    yes_is_wrong, yes_is_right = (1 - p) * too_much, p * (1 - left_out)
    found = np.where(
        held.y == 1,
        yes_is_wrong / (yes_is_wrong + yes_is_right),
        no_is_wrong / (no_is_wrong + no_is_right),
    )
    return np.where(held.mask, found, np.nan)


def frequency(held: HeldOut) -> NDArray[np.float64]:
    """Return the share of the answered posts that carry each label, never quite 0 or 1; (k,)."""
    yes = ((held.y == 1) & held.mask).sum(axis=0)
    return np.asarray((yes + 0.5) / (held.mask.sum(axis=0) + 1))


def doubtful_posts(
    held: HeldOut, *, voices: NDArray[np.integer] | None = None
) -> tuple[DoubtfulPost, ...]:
    """Return the posts with a doubtful cell, the most doubtful first; parameters as `doubt`."""
    doubts, shares = doubt(held, voices=voices), frequency(held)
    worst = np.where(np.isnan(doubts), 0.0, doubts)
    found = []
    for i in np.argsort(-worst.max(axis=1, initial=0.0), kind="stable"):
        columns = [j for j in np.argsort(-worst[i], kind="stable") if worst[i, j] > ERRORS]
        cells = tuple(
            DoubtfulCell(
                label_id=held.label_ids[j],
                said=int(held.y[i, j]),
                probability=float(held.probability[i, j]),
                frequency=float(shares[j]),
                doubt=float(doubts[i, j]),
            )
            for j in columns
        )
        if cells:
            found.append(DoubtfulPost(held.post_ids[i], cells))
    return tuple(found)
