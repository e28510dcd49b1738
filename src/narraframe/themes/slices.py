"""Themes over time or by channel: posts and keywords of each theme in each slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import TableError
from narraframe.themes.counting import TermMatrix
from narraframe.themes.terms import Keywords, group_terms, keywords_of, term_rarity


@dataclass(frozen=True)
class ThemeSlices:
    """Themes by slices: `themes` are t ids, `slices` the s names, both ascending.

    `n_posts` int64 (t, s) counts each theme's posts, `n_all` int64 (s,) those of all themes and of
    none; ``keywords[i][j]`` says what theme i is about in slice j.
    """

    themes: tuple[int, ...]
    slices: tuple[str, ...]
    n_posts: NDArray[np.int64]
    n_all: NDArray[np.int64]
    keywords: tuple[tuple[Keywords, ...], ...]


def slice_keywords(
    matrix: TermMatrix,
    theme: NDArray[np.int32],
    slice_of_post: Sequence[str | None],
    *,
    row_of_post: NDArray[np.intp] | None = None,
    n_keywords: int = 5,
) -> ThemeSlices:
    """Count and describe the themes slice by slice.

    Weights are as in the themes' own keywords: a term's share of the theme's counts within the
    slice, times its rarity in the whole corpus. Slices of a theme can so be compared with each
    other and with the whole. A text that several posts share counts once per slice for the
    keywords.

    Parameters
    ----------
    matrix : TermMatrix
        One row per distinct text.
    theme : int32 array of shape (p,)
        Theme id per post; negative is noise.
    slice_of_post : sequence of str or None of length p
        Such as "2024-03" or a channel; None (no date) belongs to no slice.
    row_of_post : int array of shape (p,), default=None
        The row of `matrix` with each post's text; None where posts and rows are the same.
    n_keywords : int, default=5
        At most so many per theme and slice.

    Raises
    ------
    TableError
        If the columns differ in length.
    """
    rows = np.arange(matrix.counts.shape[0]) if row_of_post is None else row_of_post
    lengths = {"theme": len(theme), "slice_of_post": len(slice_of_post), "posts": len(rows)}
    if len(set(lengths.values())) > 1:
        raise TableError("the columns for slices of themes differ in length", got=lengths)
    slices = sorted({name for name in slice_of_post if name is not None})
    place = {name: j for j, name in enumerate(slices)} | {None: -1}
    column = np.fromiter(map(place.__getitem__, slice_of_post), np.int64, len(theme))
    themes = np.unique(theme[theme >= 0])
    t, s = len(themes), len(slices)
    dated = column >= 0
    counted = dated & (theme >= 0)
    cell = np.searchsorted(themes, theme[counted]) * s + column[counted]
    n_posts = np.bincount(cell, minlength=t * s)
    filled = np.flatnonzero(n_posts)
    members = sp.csr_matrix(
        (np.ones(len(cell)), (np.searchsorted(filled, cell), rows[counted])),
        shape=(len(filled), matrix.counts.shape[0]),
    )
    members.data[:] = 1.0
    rarity = term_rarity(matrix, n_themes=t + bool(np.any(theme < 0)))
    described = keywords_of(
        group_terms(matrix, members, filled, rarity=rarity), n_keywords=n_keywords
    )
    listed = dict(zip(filled.tolist(), described, strict=True))
    return ThemeSlices(
        themes=tuple(themes.tolist()),
        slices=tuple(slices),
        n_posts=n_posts.reshape(t, s),
        n_all=np.bincount(column[dated], minlength=s),
        keywords=tuple(tuple(listed.get(i * s + j, ()) for j in range(s)) for i in range(t)),
    )
