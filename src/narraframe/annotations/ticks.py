"""What the labelling page shows as ticked before anybody has labelled, from a model's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.results import prediction_results
from narraframe.records import Codebook, Scores

_DIGITS = 4


@dataclass(frozen=True)
class Ticks:
    """What a post's page shows as ticked; an empty list of `results` says that nothing applies.

    `score` is the share of the page's questions that the model expects to have answered right, in
    [0, 1]: the lower, the more there is to learn from labelling the post. Each label of a
    multiple-choice facet is a question, and each single-choice facet is one. `facets` are those of
    which the model said something: where nothing is ticked of one, nothing applies. A facet that it
    left open, as too close to call, is not among them.
    """

    results: list[dict[str, Any]]
    score: float
    facets: frozenset[str]


def tick(scores: Scores, codebook: Codebook) -> tuple[Ticks | None, ...]:
    """Turn the scores of posts into what is ticked on the page made from `codebook`.

    Ticked are the leaves that the model decided; of a single-choice facet only the most probable
    of them. Labels are the page's: a label of the model that was renamed or merged since stands for
    the one that took its place, and those that are no longer asked, or were split, are left out.
    Where the model abstained nothing is ticked, but how sure it would have been counts in `score`.

    Parameters
    ----------
    scores : Scores
        Of n posts, by the labels of the model.
    codebook : Codebook
        That the page was made from.

    Returns
    -------
    tuple of length n
        None where a post has no score, or the model knows no label of the page.
    """
    columns = _columns(scores.label_ids, codebook)
    label_ids, shape = tuple(columns), (len(scores.post_ids), len(columns))
    p, ticked = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    open_ = ticked.copy()
    for j, old in enumerate(columns.values()):
        p[:, j] = np.fmax.reduce(scores.probability[:, old], axis=1)
        ticked[:, j] = (scores.decision & ~scores.abstained)[:, old].any(axis=1)
        open_[:, j] = scores.abstained[:, old].any(axis=1) & ~ticked[:, j]
    right = np.where(ticked, p, np.where(open_, np.maximum(p, 1 - p), 1 - p))
    for group in _single_choices(label_ids, codebook):
        right[:, group] = np.nan
        right[:, group[0]] = _choose(p, ticked, open_, group)
    answered = ~np.isnan(right)
    facet_of = np.array([codebook.by_id[label_id].facet_id for label_id in label_ids])
    total, n_answered = np.nansum(right, axis=1), answered.sum(axis=1)
    found: list[Ticks | None] = []
    for i, reason in enumerate(scores.reasons):
        if reason or not n_answered[i]:
            found.append(None)
            continue
        decided = {label_ids[j]: float(p[i, j]) for j in np.flatnonzero(ticked[i])}
        share = round(float(total[i] / n_answered[i]), _DIGITS)
        silent = {*facet_of[open_[i]].tolist()} - {*facet_of[ticked[i]].tolist()}
        facets = frozenset(facet_of[answered[i]].tolist()) - silent
        found.append(Ticks(prediction_results(decided, codebook), share, facets))
    return tuple(found)


def _columns(label_ids: Sequence[str], codebook: Codebook) -> Mapping[str, list[int]]:
    """Return, for the leaves of `codebook` that the model knows, its columns that mean them."""
    into = {old.label_id: old.into for old in codebook.retired}
    columns: dict[str, list[int]] = {}
    for j, label_id in enumerate(label_ids):
        now, passed = label_id, {label_id}
        while now not in codebook.by_id and len(into.get(now, ())) == 1:
            (now,) = into[now]
            if now in passed:
                break
            passed.add(now)
        columns.setdefault(now, []).append(j)
    return {label_id: columns[label_id] for label_id in codebook.leaf_ids if label_id in columns}


def _single_choices(label_ids: Sequence[str], codebook: Codebook) -> list[list[int]]:
    """Return the places in `label_ids` of each single-choice facet that has any."""
    single = [facet.facet_id for facet in codebook.facets if facet.choice == "single"]
    groups = [
        [j for j, i in enumerate(label_ids) if codebook.by_id[i].facet_id == facet_id]
        for facet_id in single
    ]
    return [group for group in groups if group]


def _choose(
    p: NDArray[np.float64],
    ticked: NDArray[np.bool_],
    open_: NDArray[np.bool_],
    group: list[int],
) -> NDArray[np.float64]:
    """Leave one tick at most in the columns of `group`, in place, and return how sure that is.

    Where none is ticked, it is what the probabilities leave of 1, or the most probable label's
    where that was left open and is more; nan where there are no probabilities.
    """
    own, rows = p[:, group], np.arange(len(p))
    best = np.where(ticked[:, group], own, -1).argmax(axis=1)
    chosen = ticked[:, group].any(axis=1)
    ticked[:, group] = False
    ticked[rows[chosen], np.array(group)[best[chosen]]] = True
    unknown = np.isnan(own).all(axis=1)
    rest = np.where(unknown, np.nan, np.clip(1 - np.nansum(own, axis=1), 0, 1))
    left = np.where(open_[:, group].any(axis=1), np.fmax(np.fmax.reduce(own, axis=1), rest), rest)
    return np.where(chosen, own[rows, best], left)
