"""What the plain labels of posts say in the terms of a codebook, and what they leave open."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import CodebookError, UsageError
from narraframe.records import Codebook, Post

_SHOWN = 5


@dataclass(frozen=True)
class KnownLabels:
    """Posts with those of their labels that a codebook has.

    `left_out` are the others, most frequent first, with the number of posts that carried each, and
    `n_posts` counts the posts that carried any.
    """

    posts: tuple[Post, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    n_posts: int = 0


def known_labels(posts: Sequence[Post], codebook: Codebook) -> KnownLabels:
    """Take off the posts what `codebook` has neither as a name nor as an id.

    A post that carries nothing else stays, as one to which none of the known labels applies.

    Raises
    ------
    CodebookError
        If the posts carry labels, and none of them is known.
    """
    known = _columns(codebook)
    carried = Counter(name for post in posts for name in post.labels or ())
    left_out = {name: n for name, n in carried.most_common() if name not in known}
    if left_out and len(left_out) == len(carried):
        none = f"none of the {len(carried):,} labels of the posts is"
        raise _unknown(none, list(left_out), list(known), codebook)
    kept = tuple(
        replace(post, labels=tuple(name for name in post.labels or () if name in known))
        for post in posts
    )
    n_posts = sum(new.labels != old.labels for new, old in zip(kept, posts, strict=True))
    return KnownLabels(kept, left_out, n_posts)


def strange_note(known: KnownLabels, codebook: Codebook) -> str:
    """Say which labels were left out, and what that does to the figures."""
    names = list(known.left_out)
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (
        f"{len(names):,} labels on {known.n_posts:,} of {len(known.posts):,} posts are not among "
        f"those that the model was taught: {_listed(names, list(_columns(codebook)))}{more}. They "
        "are left out of the figures; a post that carries no other counts as one to which none of "
        "the known labels applies"
    )


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
    meanings = _columns(codebook)
    carried = sorted({name for post in posts for name in post.labels or ()})
    unknown = [name for name in carried if name not in meanings]
    if unknown:
        some = f"{len(unknown):,} labels of the posts are not"
        raise _unknown(some, unknown, list(meanings), codebook)
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


def _columns(codebook: Codebook) -> dict[str, list[int]]:
    """Return the columns that each name, and each id that is no name, stands for."""
    columns: dict[str, list[int]] = {}
    for j, label in enumerate(codebook.labels):
        columns.setdefault(label.name, []).append(j)
    for j, label_id in enumerate(codebook.label_ids):
        columns.setdefault(label_id, [j])
    return columns


def _unknown(
    what: str, unknown: Sequence[str], known: Sequence[str], codebook: Codebook
) -> CodebookError:
    return CodebookError(
        f"{what} in the model's codebook {codebook.version}: {_listed(unknown, known)}",
        remedy="Use the names or ids of its codebook.",
    )


def _listed(unknown: Sequence[str], known: Sequence[str]) -> str:
    """List the first few of `unknown`, each with the nearest that is known."""
    near = [difflib.get_close_matches(name, known, n=1) for name in unknown[:_SHOWN]]
    return ", ".join(
        f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")
        for name, close in zip(unknown, near, strict=False)
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
