"""From embeddings to named themes: one call over all posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import InputError, TableError
from narraframe.records import Themes, ThemeSummary
from narraframe.themes.counting import TermMatrix, count_terms
from narraframe.themes.engine import Found, Stage, find_clusters, silent
from narraframe.themes.keywords import Keywords, theme_name
from narraframe.themes.modularity import NOISE
from narraframe.themes.quality import ThemeQuality, coherence, diversity, theme_warnings
from narraframe.themes.represent import representatives
from narraframe.themes.settings import DEFAULTS, ThemeSettings
from narraframe.themes.terms import theme_keywords


@dataclass(frozen=True)
class Discovery:
    """Theme of every post, what each theme is about, largest first, and how good they are.

    What later steps build on, by distinct post: `distinct` (m,), the place among the posts of the
    one that stands for each near-duplicate group; `row_of_post` (n,), each post's row in that;
    `terms` (m, n_terms) and `found`.
    """

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    quality: ThemeQuality
    distinct: NDArray[np.intp]
    row_of_post: NDArray[np.intp]
    terms: TermMatrix
    found: Found


def discover(
    post_ids: Sequence[str],
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    langs: Sequence[str | None],
    groups: Sequence[str],
    *,
    settings: ThemeSettings = DEFAULTS,
    graph: sp.csr_matrix | None = None,
    stage: Stage = silent,
) -> Discovery:
    """Find the themes of a corpus.

    One post per near-duplicate group is laid out and clustered; its copies take its theme,
    membership and place, so copies change neither the number of themes nor their keywords. Below
    fifteen distinct posts all are noise, and a warning says so.

    Parameters
    ----------
    post_ids : sequence of str of length n
        The posts; those without text are to be left out.
    vectors : float32 array of shape (n, d)
        Normalised embeddings, rows as in `post_ids`.
    texts : sequence of str of length n
        What the encoder saw.
    langs : sequence of str or None of length n
        ISO 639-1 codes, for the stop words.
    groups : sequence of str of length n
        Post_id of the first post of each post's near-duplicate group (its own, if alone).
    settings : ThemeSettings
        Same settings and input, same result to the byte, on any number of threads.
    graph : csr_matrix of shape (m, m), default=None
        The neighbour graph of an earlier discovery of the same posts; None makes it.
    stage : callable
        Opens each stage of the work.

    Returns
    -------
    Discovery

    Raises
    ------
    InputError
        If there are no posts.
    TableError
        If the columns differ in length, a post_id repeats, or a vector is zero or not finite.
    """
    _check(post_ids, vectors, texts, langs, groups)
    first, row_of_post = _distinct(post_ids, groups)
    distinct = np.ascontiguousarray(vectors[first], dtype=np.float32)
    found = find_clusters(distinct, settings, graph=graph, stage=stage)
    clusters = found.clusters
    with stage("keywords", total=1, unit="matrix") as step:
        matrix = count_terms([texts[i] for i in first], [langs[i] for i in first])
        keywords = theme_keywords(matrix, clusters.theme, n_keywords=settings.n_keywords)
        step(1)
    membership = np.where(clusters.theme == NOISE, 0, clusters.confidence).astype(np.float32)
    themes = Themes(
        post_ids=tuple(post_ids),
        theme=clusters.theme[row_of_post],
        membership=membership[row_of_post],
        xy=found.xy[row_of_post],
    )
    ids = [post_ids[i] for i in first]
    summaries = _summaries(ids, distinct, found, keywords, themes, settings.n_representatives)
    quality = _quality(len(post_ids), found, matrix, keywords, settings)
    return Discovery(themes, summaries, quality, first, row_of_post, matrix, found)


def _summaries(
    ids: Sequence[str],
    vectors: NDArray[np.float32],
    found: Found,
    keywords: Sequence[Keywords],
    themes: Themes,
    n_representatives: int,
) -> tuple[ThemeSummary, ...]:
    n_posts = np.bincount(themes.theme[themes.theme >= 0], minlength=len(keywords))
    summaries = []
    for number, listed in enumerate(keywords):
        rows = np.flatnonzero(found.clusters.theme == number)
        chosen = rows[representatives(vectors[rows], n=n_representatives)]
        summaries.append(
            ThemeSummary(
                theme=number,
                name=theme_name(listed) or f"theme {number}",
                keywords=listed,
                n_posts=int(n_posts[number]),
                n_groups=len(rows),
                representative_post_ids=tuple(ids[i] for i in chosen),
                confidence=round(float(found.clusters.confidence[rows].mean()), 6),
                stability=round(float(found.theme_stability[number]), 6),
            )
        )
    return tuple(summaries)


def _quality(
    n_posts: int,
    found: Found,
    matrix: TermMatrix,
    keywords: Sequence[Keywords],
    settings: ThemeSettings,
) -> ThemeQuality:
    theme = found.clusters.theme
    inside = theme != NOISE
    return ThemeQuality(
        n_posts=n_posts,
        n_groups=len(theme),
        n_themes=len(keywords),
        granularity=settings.resolution(len(theme)),
        outlier_share=float(np.mean(~inside)),
        confidence=float(found.clusters.confidence[inside].mean()) if inside.any() else np.nan,
        relative_validity=found.relative_validity,
        npmi=coherence(matrix, keywords),
        diversity=diversity(keywords),
        stability=found.stability,
        stability_resampled=found.stability_resampled,
        warnings=theme_warnings(
            n_groups=len(theme),
            n_themes=len(keywords),
            outlier_share=float(np.mean(~inside)),
            largest_share=float(np.mean(theme == 0)),
            stability=found.stability,
            stability_resampled=found.stability_resampled,
        ),
    )


def _check(
    post_ids: Sequence[str],
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    langs: Sequence[str | None],
    groups: Sequence[str],
) -> None:
    if not post_ids:
        raise InputError("there are no posts to find themes in")
    lengths = {
        "post_ids": len(post_ids),
        "vectors": len(vectors),
        "texts": len(texts),
        "langs": len(langs),
        "groups": len(groups),
    }
    if len(set(lengths.values())) > 1:
        raise TableError("the columns for themes differ in length", got=lengths)
    repeated = [post_id for post_id, n in Counter(post_ids).items() if n > 1]
    if repeated:
        raise TableError("a post_id is given twice", got=repeated[0])
    bad = ~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1)
    if bad.any():
        raise TableError(
            f"{np.count_nonzero(bad)} posts have no usable vector",
            got=post_ids[int(np.flatnonzero(bad)[0])],
            remedy="Leave posts without text out, and embed the others again.",
        )


def _distinct(
    post_ids: Sequence[str], groups: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the post that stands for each group, in post order, and each post's row in that."""
    stands: dict[str, int] = {}
    for i, (post_id, group) in enumerate(zip(post_ids, groups, strict=True)):
        if group not in stands or post_id == group:
            stands[group] = i
    first = np.array(sorted(stands.values()), dtype=np.intp)
    row = {groups[i]: r for r, i in enumerate(first)}
    return first, np.array([row[group] for group in groups], dtype=np.intp)
