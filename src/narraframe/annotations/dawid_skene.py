"""Dawid and Skene's model of annotators who err, each in their own way."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answers import UNKNOWN

ANSWERS, POSTS, MINORITY = 3, 50, 10
"""The model needs so many answers each on so many posts, and on so many of those some answer other
than the commonest. With fewer it did worse than the majority on simulated annotators."""


def posterior(
    codes: NDArray[np.int64],
    post: NDArray[np.intp],
    annotator: NDArray[np.intp],
    truth: NDArray[np.int64],
    *,
    n_codes: int,
) -> NDArray[np.float64] | None:
    """Estimate how probable each code is on each post.

    Parameters
    ----------
    codes : int64 array of shape (a,)
        What each answer says, from 0; -1 is unknown.
    post, annotator : intp arrays of shape (a,)
        Whose answers they are.
    truth : int64 array of shape (n,)
        What is known for certain of each post, -1 where nothing is; the errors are learnt from it.
    n_codes : int
        Number of codes that there are, whether used or not.

    Returns
    -------
    float64 array of shape (n, n_codes), nan for posts without an answer; None if the
    answers overlap too little.

    References
    ----------
    Dawid and Skene (1979), Applied Statistics 28, 20-28, as in crowd-kit.
    """
    known = codes != UNKNOWN
    if not _overlap_enough(codes[known], post[known], truth):
        return None
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    data = pd.DataFrame({"task": post[known], "worker": annotator[known], "label": codes[known]})
    # a code that nobody gave has no column in the model
    certain = np.flatnonzero(np.isin(truth, codes[known]))
    certain = np.intersect1d(certain, post[known])
    gold = pd.Series(truth[certain], index=certain) if len(certain) else None
    with warnings.catch_warnings():
        # the package calls pandas in ways that pandas 3 warns of
        warnings.simplefilter("ignore", DeprecationWarning)
        model = DawidSkene(n_iter=100).fit(data, true_labels=gold)
    found = np.full((len(truth), n_codes), np.nan)
    probabilities = model.probas_
    rows = probabilities.index.to_numpy()
    found[rows] = 0
    found[np.ix_(rows, probabilities.columns.to_numpy())] = probabilities.to_numpy()
    return found


def _overlap_enough(
    codes: NDArray[np.int64], post: NDArray[np.intp], truth: NDArray[np.int64]
) -> bool:
    if not len(codes):
        return False
    n = len(truth)
    # what is certain is worth an answer
    heard = np.bincount(post, minlength=n) + (truth != UNKNOWN)
    other = np.bincount(post[codes != np.bincount(codes).argmax()], minlength=n) > 0
    enough = heard >= ANSWERS
    return bool(enough.sum() >= POSTS and (enough & other).sum() >= MINORITY)
