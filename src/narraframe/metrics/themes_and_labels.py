"""Themes against the codebook: which labels spread over themes, and which themes none covers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from narraframe.errors import TableError
from narraframe.metrics.wilson import holm, wilson
from narraframe.records import ThemesAgainstLabels, Uncovered

FEW = 20
"""Distinct posts under which the shares of a theme or label are marked as saying little."""
BOUND = 0.25
"""A label that fewer distinct posts of a theme carry does not cover it."""
_LEVEL = 0.05


def themes_against_labels(
    theme: NDArray[np.int32],
    carries: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    theme_names: Mapping[int, str],
    labels: Sequence[tuple[str, str]],
) -> ThemesAgainstLabels:
    """Cross the themes of n posts with what a model decided on k labels.

    Parameters
    ----------
    theme : int32 array of shape (n,)
        Negative = in no theme.
    carries, decided : bool arrays of shape (n, k)
        What the model says, and where it says anything.
    groups : int array of shape (n,)
        Near-duplicate group of each post.
    theme_names : mapping of int to str
    labels : sequence of (label_id, name) of length k

    Raises
    ------
    TableError
        If the columns differ in length.
    """
    shape = (len(theme), len(labels))
    if carries.shape != shape or decided.shape != shape or len(groups) != len(theme):
        got = {"themes": shape, "labels": carries.shape, "groups": len(groups)}
        raise TableError("themes and labels are not of the same posts", got=got)
    numbers = np.unique(theme[theme >= 0])
    inside = theme >= 0
    row = np.searchsorted(numbers, theme[inside])
    yes = carries & decided
    n = _add_up(row, yes[inside], len(numbers))
    of = _add_up(row, decided[inside], len(numbers))
    with np.errstate(invalid="ignore", divide="ignore"):
        share_of_theme = n / of
        share_of_label = n / n.sum(axis=0)
    pairs = np.unique(np.column_stack([row, groups[inside]]), axis=0)
    size = np.bincount(pairs[:, 0], minlength=len(numbers))
    label_size = [len(np.unique(groups[yes[:, j]])) for j in range(len(labels))]
    return ThemesAgainstLabels(
        themes=tuple(numbers.tolist()),
        theme_names=tuple(theme_names.get(int(t), "") for t in numbers),
        label_ids=tuple(label_id for label_id, _ in labels),
        label_names=tuple(name for _, name in labels),
        n=n,
        decided=of,
        share_of_theme=share_of_theme,
        share_of_label=share_of_label,
        outside=yes[~inside].sum(axis=0).astype(np.int64),
        small_theme=size < FEW,
        small_label=np.array(label_size, dtype=np.intp) < FEW,
        spread=np.array([_evenness(column) for column in n.T]),
        mixture=np.array([_evenness(line) for line in n]),
        dependence=_dependence(n),
        few=FEW,
    )


def uncovered(
    theme: NDArray[np.int32],
    carries: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    groups: NDArray[np.intp],
    moments: Sequence[datetime | None],
    *,
    theme_names: Mapping[int, str],
    label_ids: Sequence[str],
    likeness: Mapping[int, tuple[str, float]] | None = None,
    bound: float = BOUND,
) -> tuple[Uncovered, ...]:
    """Return the themes that no label covers, the growing first, then the larger.

    Themes of which nothing was decided are left out: they say nothing of the codebook.
    A theme is covered where one label applies to at least `bound` of its decided distinct posts.
    Likeness to the definitions is judged by that of the covered themes: as like as half of them
    are, a theme's label may be missed by the model rather than missing from the codebook.

    Parameters
    ----------
    theme, carries, decided, groups
        As of `themes_against_labels`.
    moments : sequence of datetime or None of length n
        When each post was published. A distinct post counts once, at its first date, and the halves
        are those of all distinct posts by these; what has no date takes no part in growth.
    theme_names : mapping of int to str
    label_ids : sequence of str of length k
    likeness : mapping of int to (label id, cosine), default=None
        The nearest definition of each theme's centre; None = not known.
    bound : float, default=0.25
    """
    first = first_seen(groups, moments)
    median = float(np.nanmedian(first)) if np.isfinite(first).any() else math.nan
    covered, found = [], []
    for number in np.unique(theme[theme >= 0]).tolist():
        inside = theme == number
        one = _theme(number, inside, carries & decided, decided, groups, label_ids)
        near = (likeness or {}).get(number, ("", math.nan))
        one = replace(one, name=theme_names.get(number, ""), nearest_label=near[0])
        one = replace(one, likeness=near[1])
        if not one.labelled.n:
            continue  # nothing was decided of it: that says nothing of the codebook
        if one.top_share >= bound:
            covered.append(one.likeness)
        else:
            found.append(_grown(one, np.unique(groups[inside]), first, median))
    usual = float(np.median(covered)) if covered else math.nan
    found = [replace(one, like_a_label=one.likeness >= usual) for one in found]
    adjusted = holm([one.p_growth for one in found])
    found = [
        replace(one, p_growth=float(p), grows=bool(p <= _LEVEL))
        for one, p in zip(found, adjusted, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (not one.grows, -one.n_distinct, one.theme)))


def _theme(
    number: int,
    inside: NDArray[np.bool_],
    yes: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    groups: NDArray[np.intp],
    label_ids: Sequence[str],
) -> Uncovered:
    """Say what labels the theme's distinct posts carry."""
    rows = np.flatnonzero(inside & decided.any(axis=1))
    names, member = np.unique(groups[rows], return_inverse=True)
    of = _add_up(member, decided[rows], len(names))
    has = (2 * _add_up(member, yes[rows], len(names)) >= of) & (of > 0)
    asked = (of > 0).sum(axis=0)
    shares = has.sum(axis=0) / np.maximum(asked, 1)
    top = int(np.argmax(shares)) if len(label_ids) else -1
    some = top >= 0 and shares[top] > 0
    return Uncovered(
        theme=number,
        name="",
        n_posts=int(inside.sum()),
        n_distinct=len(np.unique(groups[inside])),
        labelled=wilson(int(has.any(axis=1).sum()), len(names)),
        top_label=label_ids[top] if some else "",
        top_share=float(shares[top]) if some else 0.0,
        likeness=math.nan,
        nearest_label="",
        like_a_label=False,
        early=math.nan,
        late=math.nan,
        growth=math.nan,
        p_growth=math.nan,
        grows=False,
    )


def first_seen(groups: NDArray[np.intp], moments: Sequence[datetime | None]) -> NDArray[np.float64]:
    """Return when each distinct post was first published, in seconds; nan where no copy has a date.

    Parameters
    ----------
    groups : int array of shape (n,)
        Near-duplicate group of each post, from 0; shape of the result is (greatest + 1,).
    moments : sequence of datetime or None of length n
    """
    first = np.full(int(groups.max(initial=-1)) + 1, np.inf)
    np.minimum.at(first, groups, [m.timestamp() if m else math.inf for m in moments])
    return np.where(np.isfinite(first), first, np.nan)


def _grown(
    one: Uncovered, distinct: NDArray[np.intp], first: NDArray[np.float64], median: float
) -> Uncovered:
    """Compare the theme's share of the distinct posts of the two halves."""
    own = first[distinct]
    before, after = int((first <= median).sum()), int((first > median).sum())
    n_before, n_after = int((own <= median).sum()), int((own > median).sum())
    if not before or not after or not n_before + n_after:
        return one
    table = [[n_after, after - n_after], [n_before, before - n_before]]
    share = n_before / before, n_after / after
    growth = share[1] / share[0] if n_before else math.inf
    p = float(fisher_exact(table, alternative="greater").pvalue)
    return replace(one, early=share[0], late=share[1], growth=growth, p_growth=p)


def _add_up(row: NDArray[np.intp], marked: NDArray[np.bool_], n_rows: int) -> NDArray[np.int64]:
    """Count the marked (n, k) by row: int64 (n_rows, k)."""
    return np.column_stack(
        [np.bincount(row[column], minlength=n_rows) for column in marked.T]
        or [np.zeros((n_rows, 0), dtype=np.int64)]
    ).astype(np.int64)


def _evenness(counts: NDArray[np.int64]) -> float:
    """Return the entropy of `counts` over the greatest that so many kinds can have."""
    if not counts.sum() or len(counts) < 2:
        return math.nan
    return _entropy(counts) / math.log(len(counts))


def _entropy(counts: NDArray[np.int64]) -> float:
    p = counts[counts > 0] / counts.sum()
    return max(float((p * np.log(1 / p)).sum()), 0.0)


def _dependence(n: NDArray[np.int64]) -> float:
    """Return Theil's U(label | theme); nan where there is one label, or nothing."""
    of_labels, of_themes = n.sum(axis=0), n.sum(axis=1)
    if not n.sum() or not _entropy(of_labels):
        return math.nan
    left = _entropy(n.ravel()) - _entropy(of_themes)
    return min(max(1 - left / _entropy(of_labels), 0.0), 1.0)
