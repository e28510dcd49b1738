"""What the plain labels of posts say in the terms of a codebook, and what they leave open."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import CodebookError, UsageError
from narraframe.records import Codebook, Post


def label_matrix(posts: Sequence[Post], codebook: Codebook) -> NDArray[np.int8]:
    """Return what the posts' labels say, shape (n, k); a label makes its parents apply too.

    A string is a label's name where any label has that name, and otherwise a label's id.

    Raises
    ------
    CodebookError
        If a string is neither a name nor an id of the codebook, or is the name of several labels
        (all such are listed), or if a post carries two labels of a single-choice facet of which
        neither is above the other.
    """
    column = {label.label_id: j for j, label in enumerate(codebook.labels)}
    parent = {j: column[x.parent] for j, x in enumerate(codebook.labels) if x.parent}
    meaning = _meanings(posts, codebook)
    y = np.zeros((len(posts), len(column)), dtype=np.int8)
    for i, post in enumerate(posts):
        for name in post.labels or ():
            j: int | None = meaning[name]
            while j is not None:
                y[i, j] = 1
                j = parent.get(j)
    _check_single_choices(posts, y, codebook)
    return y


def asked_cells(
    y: NDArray[np.int8], codebook: Codebook, *, facets: Sequence[str] = ()
) -> NDArray[np.bool_]:
    """Tell of which labels each post speaks; bool (n, k).

    Plain labels do not say which facets were asked. A facet that `facets` names, or the only one of
    the codebook, was asked of every post. Of any other facet, a post speaks only if it carries one
    of its labels: without one, it may not have been asked.

    Parameters
    ----------
    y : int8 array of shape (n, k)
        From `label_matrix`.
    codebook : Codebook
        Gives the columns of `y`.
    facets : sequence of str, default=()
        Ids of the facets that were asked of every post.

    Raises
    ------
    UsageError
        If `facets` names one that the codebook does not have.
    """
    known = [facet.facet_id for facet in codebook.facets]
    unknown = sorted(set(facets) - set(known))
    if unknown:
        raise UsageError(
            "the model's codebook has no such facet",
            where="--facet",
            got=", ".join(unknown),
            remedy=f"Its facets are: {', '.join(known)}.",
        )
    facet_of = np.array([label.facet_id for label in codebook.labels])
    asked = np.zeros(y.shape, dtype=np.bool_)
    for facet_id in known:
        columns = facet_of == facet_id
        uses = y[:, columns].any(axis=1, keepdims=True)
        asked[:, columns] = True if facet_id in facets or len(known) == 1 else uses
    return asked


def _meanings(posts: Sequence[Post], codebook: Codebook) -> Mapping[str, int]:
    """Return the column that each string which the posts carry means."""
    meanings: dict[str, list[int]] = {}
    for j, label in enumerate(codebook.labels):
        meanings.setdefault(label.name, []).append(j)
    for j, label_id in enumerate(codebook.label_ids):
        meanings.setdefault(label_id, [j])
    carried = sorted({name for post in posts for name in post.labels or ()})
    unknown = [name for name in carried if name not in meanings]
    if unknown:
        raise _unknown(unknown, list(meanings), codebook)
    several = [name for name in carried if len(meanings[name]) > 1]
    if several:
        listed = [
            f"{name!r} ({', '.join(codebook.label_ids[j] for j in meanings[name])})"
            for name in several
        ]
        raise CodebookError(
            f"{len(several)} labels of the posts are names of several labels of the codebook: "
            f"{', '.join(listed)}",
            remedy="Use the ids that stand in brackets.",
        )
    return {name: meanings[name][0] for name in carried}


def _unknown(unknown: Sequence[str], known: Sequence[str], codebook: Codebook) -> CodebookError:
    near = [difflib.get_close_matches(name, known, n=1) for name in unknown[:5]]
    hints = [
        f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")
        for name, close in zip(unknown, near, strict=False)
    ]
    return CodebookError(
        f"{len(unknown)} labels of the posts are not in the model's codebook "
        f"{codebook.version}: {', '.join(hints)}",
        remedy="Use the names or ids of its codebook.",
    )


def _check_single_choices(posts: Sequence[Post], y: NDArray[np.int8], codebook: Codebook) -> None:
    """Refuse posts with two labels of a single-choice facet, unless one is above the other."""
    lowest = y.astype(bool)
    column = {label_id: j for j, label_id in enumerate(codebook.label_ids)}
    for j, label in enumerate(codebook.labels):
        if label.parent:
            lowest[:, column[label.parent]] &= y[:, j] == 0
    for facet in codebook.facets:
        if facet.choice != "single":
            continue
        columns = [column[label_id] for label_id in codebook.facet_label_ids(facet.facet_id)]
        faulty = np.flatnonzero(lowest[:, columns].sum(axis=1) > 1)
        if len(faulty):
            first = faulty[0]
            raise CodebookError(
                f"{len(faulty)} posts carry more than one label of the single-choice facet "
                f"{facet.facet_id!r}, the first of them post {posts[first].post_id!r}",
                got=", ".join(codebook.label_ids[j] for j in columns if lowest[first, j]),
                remedy="Leave each post the one that applies.",
            )
