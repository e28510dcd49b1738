"""Themes of themes: a tree over the themes, and cuts of it into a few named groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import ConfigError, TableError
from narraframe.themes.terms import Keywords, ThemeTerms, keywords_of, merge_themes, theme_name

# The number of groups is sought between the square root of the number of themes divided and
# multiplied by this.
_LEEWAY = 1.5


@dataclass(frozen=True, slots=True)
class Merge:
    """Nodes `a` and `b` become one of `n_posts` at `height`; node i < t is the i-th theme, node
    t + k the result of the k-th merge.
    """

    a: int
    b: int
    height: float
    n_posts: int


@dataclass(frozen=True)
class ThemeTree:
    """The t theme ids with their numbers of posts, and t - 1 merges, heights ascending."""

    themes: tuple[int, ...]
    n_posts: tuple[int, ...]
    merges: tuple[Merge, ...]


@dataclass(frozen=True)
class Branch:
    """A line of an indented tree: a group of themes, or one theme, the largest first."""

    depth: int
    name: str
    keywords: Keywords
    themes: tuple[int, ...]
    n_posts: int


def theme_tree(
    themes: Sequence[int], centroids: NDArray[np.floating], n_posts: Sequence[int]
) -> ThemeTree:
    """Join the themes that lie nearest to each other, two by two, until all are one.

    Ward's criterion on centroids of length one, where squared distance is twice the cosine
    distance. Of the linkages tried, with and without the weights of the neighbour graph between
    themes, it gave groups nearest to the benchmarks' classes; average linkage tends to one large
    group and single themes beside it.

    Parameters
    ----------
    themes : sequence of int of length t
        Theme ids.
    centroids : float array of shape (t, d)
        Mean vector of each theme.
    n_posts : sequence of int of length t

    Raises
    ------
    TableError
        If the columns differ in length.

    References
    ----------
    Ward (1963), Journal of the American Statistical Association 58.
    """
    lengths = {"themes": len(themes), "centroids": len(centroids), "n_posts": len(n_posts)}
    if len(set(lengths.values())) > 1:
        raise TableError("the columns for the tree of themes differ in length", got=lengths)
    sizes = [int(n) for n in n_posts]
    ids = tuple(int(theme) for theme in themes)
    if len(ids) < 2:
        return ThemeTree(ids, tuple(sizes), ())
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import pdist

    length = np.linalg.norm(centroids, axis=1, keepdims=True)
    # Rounded, so that themes equally near are joined in the same order everywhere.
    distance = pdist((centroids / np.maximum(length, 1e-12)).astype(np.float64)).round(6)
    merges: list[Merge] = []
    for a, b, height, _ in linkage(distance, "ward").tolist():
        sizes.append(sizes[int(a)] + sizes[int(b)])
        merges.append(Merge(int(a), int(b), height, sizes[-1]))
    return ThemeTree(ids, tuple(sizes[: len(ids)]), tuple(merges))


def groups_at(tree: ThemeTree, n_groups: int) -> NDArray[np.int32]:
    """Return the group of each theme when the tree is cut into so many.

    Parameters
    ----------
    tree : ThemeTree
    n_groups : int
        1 to the number of themes.

    Returns
    -------
    int32 array of shape (t,)
        Numbers from 0, the group with the most posts first; of equals that with the first theme.

    Raises
    ------
    ConfigError
        If the tree cannot be cut into so many groups.
    """
    t = len(tree.themes)
    if not min(t, 1) <= n_groups <= t:
        raise ConfigError(f"{t} themes cannot be put into so many groups", got=n_groups)
    inside = {i: [i] for i in range(t)}
    for k, merge in enumerate(tree.merges[: t - n_groups]):
        inside[t + k] = inside.pop(merge.a) + inside.pop(merge.b)
    by_size = sorted(inside.values(), key=lambda g: (-sum(tree.n_posts[i] for i in g), min(g)))
    group = np.empty(t, np.int32)
    for number, members in enumerate(by_size):
        group[members] = number
    return group


def n_top_groups(tree: ThemeTree) -> int:
    """Return into how many groups the tree falls most clearly, near the root of the theme count.

    Between ``sqrt(t) / 1.5`` and ``1.5 sqrt(t)`` the number with the largest relative gap between
    the last merge made and the first one not made, of equals the smaller; t below four themes.
    """
    t = len(tree.themes)
    if t < 4:
        return t
    low, high = max(2, int(np.ceil(t**0.5 / _LEEWAY))), min(t - 1, int(t**0.5 * _LEEWAY))
    height = [0.0, *(merge.height for merge in tree.merges)]
    gaps = {n: 1.0 - height[t - n] / max(height[t - n + 1], 1e-12) for n in range(low, high + 1)}
    return max(gaps, key=gaps.__getitem__)


def outline(
    tree: ThemeTree,
    terms: ThemeTerms,
    *,
    levels: Sequence[int] | None = None,
    n_keywords: int = 10,
) -> tuple[Branch, ...]:
    """Return the tree as lines to be indented by their depth: groups, then their themes.

    Names and keywords of a group come from the summed counts of its themes. A group of one theme
    is shown as that theme.

    Parameters
    ----------
    tree : ThemeTree
    terms : ThemeTerms
        Of the same themes.
    levels : sequence of int, default=None
        Numbers of groups of each level, ascending; None takes one level of `n_top_groups`.
    n_keywords : int, default=10
        At most so many per line.

    Raises
    ------
    ConfigError
        If the tree cannot be cut so.
    TableError
        If the tree and the terms are not of the same themes.
    """
    if sorted(tree.themes) != terms.themes.tolist():
        raise TableError("the tree and the terms are not of the same themes")
    cuts = [groups_at(tree, n) for n in (levels or [n_top_groups(tree)] if tree.themes else [])]
    position = np.argsort(tree.themes)
    described = [
        keywords_of(merge_themes(terms, cut[position]), n_keywords=n_keywords) for cut in cuts
    ]
    of_theme = dict(zip(position.tolist(), keywords_of(terms, n_keywords=n_keywords), strict=True))
    lines = []
    for depth, cut, members in _split(list(range(len(tree.themes))), cuts, tree.n_posts):
        first = members[0]
        keywords = of_theme[first] if cut < 0 else described[cut][cuts[cut][first]]
        posts = sum(tree.n_posts[i] for i in members)
        ids = tuple(tree.themes[i] for i in members)
        lines.append(Branch(depth, theme_name(keywords), keywords, ids, posts))
    return tuple(lines)


def _split(
    members: list[int],
    cuts: Sequence[NDArray[np.int32]],
    n_posts: Sequence[int],
    *,
    depth: int = 0,
    level: int = 0,
) -> Iterator[tuple[int, int, list[int]]]:
    """Yield depth, number of the cut (-1: a single theme) and members of each line in order."""
    members = sorted(members, key=lambda i: -n_posts[i])
    if level == len(cuts):
        yield from ((depth, -1, [i]) for i in members)
        return
    for number in sorted({int(cuts[level][i]) for i in members}):
        inside = [i for i in members if cuts[level][i] == number]
        if len(inside) == 1:
            yield depth, -1, inside
            continue
        # A level that does not divide a branch adds no line.
        divides = len(inside) < len(members)
        if divides:
            yield depth, level, inside
        yield from _split(inside, cuts, n_posts, depth=depth + divides, level=level + 1)
