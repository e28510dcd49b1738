"""Posts with what was decided and found of them, as columns: what trends and copies are counted of.

Rows meet by post_id: a post without a row in the scores or the themes was not asked there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError, UsageError
from narraframe.io.scores import read_scores
from narraframe.io.tables import iter_scores
from narraframe.io.themes import ThemesFolder, read_themes_folder
from narraframe.metrics.trends import Line
from narraframe.records import Codebook, Post, Scores, ThemeSummary


@dataclass(frozen=True)
class Decisions:
    """`carries` and `decided`, bool (n, k): what a model says of n posts, and where it does."""

    label_ids: tuple[str, ...]
    names: tuple[str, ...]
    carries: NDArray[np.bool_]
    decided: NDArray[np.bool_]

    def only(self, label_ids: Sequence[str]) -> Decisions:
        """Return the columns of `label_ids`, those that are here."""
        kept = [j for j, label_id in enumerate(self.label_ids) if label_id in set(label_ids)]
        return Decisions(
            tuple(self.label_ids[j] for j in kept),
            tuple(self.names[j] for j in kept),
            self.carries[:, kept],
            self.decided[:, kept],
        )


@dataclass(frozen=True)
class Found:
    """Themes of n posts: `theme` int32 (n,), -1 = none; `asked` (n,) False = not looked at."""

    summaries: tuple[ThemeSummary, ...]
    theme: NDArray[np.int32]
    asked: NDArray[np.bool_]

    @property
    def names(self) -> dict[int, str]:
        """Name of each theme."""
        return {summary.theme: summary.name for summary in self.summaries}


def read_decisions(path: Path, posts: Sequence[Post]) -> Decisions:
    """Read a table of scores as columns over `posts`.

    Raises
    ------
    TableError
        If `path` is no such table, mixes models, or has no row of these posts.
    """
    scores = read_scores(path)
    found = decisions_of(scores, posts, names=_names(path, scores.label_ids))
    if found is None:
        raise TableError(
            "holds scores of other posts", where=path, remedy="Score these posts: narraframe score."
        )
    return found


def decisions_of(
    scores: Scores, posts: Sequence[Post], *, names: Mapping[str, str]
) -> Decisions | None:
    """Return `scores` as columns over `posts`; None if no row is of these posts."""
    rows = _rows(posts, scores.post_ids)
    if not (rows >= 0).any():
        return None
    known = np.isfinite(scores.probability) & ~scores.abstained
    decided = np.where((rows >= 0)[:, None], known[rows], False)
    return Decisions(
        label_ids=scores.label_ids,
        names=tuple(names.get(label_id) or label_id for label_id in scores.label_ids),
        carries=decided & scores.decision[rows],
        decided=decided,
    )


def read_found(folder: Path, posts: Sequence[Post]) -> Found:
    """Read a folder of themes as a column over `posts`.

    Raises
    ------
    TableError
        If `folder` holds no themes, is damaged, or speaks of other posts.
    """
    return found_of(read_themes_folder(folder, posts=posts), posts)


def found_of(content: ThemesFolder, posts: Sequence[Post]) -> Found:
    """Return the themes of a folder as a column over `posts`."""
    rows = _rows(posts, content.themes.post_ids)
    shown = {summary.theme for summary in content.summaries}
    theme = np.where(np.isin(content.themes.theme, list(shown)), content.themes.theme, -1)
    asked = rows >= 0
    if not len(theme):
        return Found((), np.full(len(posts), -1, dtype=np.int32), asked)
    return Found(content.summaries, np.where(asked, theme[rows], -1).astype(np.int32), asked)


def group_column(posts: Sequence[Post]) -> NDArray[np.intp]:
    """Number the near-duplicate groups of `posts`, 0 upward; shape (n,)."""
    numbers: dict[str, int] = {}
    firsts = (post.duplicate_of or post.post_id for post in posts)
    return np.array([numbers.setdefault(first, len(numbers)) for first in firsts], dtype=np.intp)


def lines_of(decisions: Decisions | None, found: Found | None) -> Iterator[Line]:
    """Yield labels, then themes, the largest first, one column at a time."""
    if decisions is not None:
        for j, label_id in enumerate(decisions.label_ids):
            asked = decisions.decided[:, j]
            yield Line("label", label_id, decisions.names[j], decisions.carries[:, j], asked)
    if found is not None:
        for summary in found.summaries:
            carries = found.theme == summary.theme
            yield Line("theme", f"T{summary.theme}", summary.name, carries, found.asked)


def leaves_of_facet(codebook: Codebook, facet_id: str | None) -> tuple[str, ...]:
    """Return the labels to choose from in one facet; None = the first of the codebook.

    Raises
    ------
    UsageError
        If there is no such facet.
    """
    facets = [facet.facet_id for facet in codebook.facets]
    wanted = facet_id or facets[0]
    if wanted not in facets:
        raise UsageError(
            "the codebook has no such facet", got=wanted, remedy=f"It has: {', '.join(facets)}."
        )
    leaves = set(codebook.leaf_ids)
    return tuple(i for i in codebook.facet_label_ids(wanted) if i in leaves)


def _rows(posts: Sequence[Post], post_ids: Sequence[str]) -> NDArray[np.intp]:
    place = {post_id: i for i, post_id in enumerate(post_ids)}
    return np.fromiter((place.get(post.post_id, -1) for post in posts), np.intp, len(posts))


def _names(path: Path, label_ids: Sequence[str]) -> dict[str, str]:
    """Return the labels' names: the first post that has a score has all of them."""
    names: dict[str, str] = {}
    for block in iter_scores(path, columns=("label_id", "label_name")):
        ids, told = block["label_id"].to_pylist(), block["label_name"].to_pylist()
        names |= {i: name for i, name in zip(ids, told, strict=True) if i is not None}
        if len(names) == len(label_ids):
            break
    return names
