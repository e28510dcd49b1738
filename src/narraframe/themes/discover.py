"""From embeddings to named themes: one call over all posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import ConfigError, InputError, TableError
from narraframe.records import Themes, ThemeSummary
from narraframe.themes.cluster import NOISE, Clusters, cluster, no_clusters
from narraframe.themes.neighbours import fuzzy_graph, nearest_neighbours
from narraframe.themes.quality import (
    FEWEST_POSTS,
    ThemeQuality,
    coherence,
    diversity,
    stability,
    theme_warnings,
)
from narraframe.themes.reduce import reduce
from narraframe.themes.represent import representatives
from narraframe.themes.terms import (
    Keywords,
    TermMatrix,
    count_terms,
    theme_keywords,
    theme_name,
)

STAGES = ("neighbours", "clusters", "reruns", "map", "keywords")

_CLUSTER_DIMENSIONS = 5
_MAP_MIN_DIST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeSettings:
    """How themes are sought; None lets `min_cluster_size` and `min_samples` follow the corpus.

    `n_reruns` further runs with other seeds give the stability; each costs a layout.

    Raises
    ------
    ConfigError
        If a number is too small to make sense; all such are named.
    """

    n_neighbors: int = 15
    min_cluster_size: int | None = None
    min_samples: int | None = None
    n_keywords: int = 10
    n_representatives: int = 5
    n_reruns: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"n_neighbors": 2, "min_cluster_size": 2, "min_samples": 1, "n_keywords": 1}
        least |= {"n_representatives": 1, "n_reruns": 0, "seed": 0}
        given = {name: getattr(self, name) for name in least}
        low = [name for name, n in given.items() if n is not None and n < least[name]]
        if low:
            raise ConfigError(
                "theme settings are too small: "
                + ", ".join(f"{name} must be {least[name]} or more" for name in low),
                got={name: given[name] for name in low},
            )


@dataclass(frozen=True)
class Discovery:
    """Theme of every post, what each theme is about, largest first, and how good they are."""

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    quality: ThemeQuality


def discover(
    post_ids: Sequence[str],
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    langs: Sequence[str | None],
    groups: Sequence[str],
    *,
    settings: ThemeSettings = ThemeSettings(),
    on_stage: Callable[[str], None] | None = None,
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
        Same settings and input, same result to the byte.
    on_stage : callable, default=None
        Called with each of `STAGES` as it begins.

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
    begin = on_stage or (lambda _: None)
    _check(post_ids, vectors, texts, langs, groups)
    first, row_of_post = _distinct(post_ids, groups)
    distinct = np.ascontiguousarray(vectors[first], dtype=np.float32)
    clusters, xy, steadiness = _layouts(distinct, settings, begin)
    begin("keywords")
    matrix = count_terms([texts[i] for i in first], [langs[i] for i in first])
    keywords = theme_keywords(matrix, clusters.theme, n_keywords=settings.n_keywords)
    themes = Themes(
        post_ids=tuple(post_ids),
        theme=clusters.theme[row_of_post],
        membership=clusters.membership[row_of_post],
        xy=xy[row_of_post],
    )
    ids = [post_ids[i] for i in first]
    summaries = _summaries(ids, distinct, clusters, keywords, themes, settings.n_representatives)
    quality = _quality(len(post_ids), clusters, matrix, keywords, steadiness)
    return Discovery(themes, summaries, quality)


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


def _layouts(
    vectors: NDArray[np.float32], settings: ThemeSettings, begin: Callable[[str], None]
) -> tuple[Clusters, NDArray[np.float32], float]:
    begin("neighbours")
    graph = fuzzy_graph(nearest_neighbours(vectors, n_neighbors=settings.n_neighbors))
    begin("clusters")
    clusters = _clusters(vectors, graph, settings, settings.seed)
    begin("reruns")
    seeds = range(settings.seed + 1, settings.seed + 1 + settings.n_reruns)
    others = [_clusters(vectors, graph, settings, seed).theme for seed in seeds]
    begin("map")
    xy = reduce(vectors, graph, n_components=2, min_dist=_MAP_MIN_DIST, seed=settings.seed)
    return clusters, xy, stability([clusters.theme, *others])


def _clusters(
    vectors: NDArray[np.float32], graph: sp.csr_matrix, settings: ThemeSettings, seed: int
) -> Clusters:
    n = len(vectors)
    if n < FEWEST_POSTS:
        return no_clusters(n, 0)
    return cluster(
        reduce(vectors, graph, n_components=_CLUSTER_DIMENSIONS, seed=seed),
        min_cluster_size=settings.min_cluster_size,
        min_samples=settings.min_samples,
    )


def _summaries(
    ids: Sequence[str],
    vectors: NDArray[np.float32],
    clusters: Clusters,
    keywords: Sequence[Keywords],
    themes: Themes,
    n_representatives: int,
) -> tuple[ThemeSummary, ...]:
    found = []
    for number, listed in enumerate(keywords):
        rows = np.flatnonzero(clusters.theme == number)
        chosen = rows[representatives(vectors[rows], n=n_representatives)]
        found.append(
            ThemeSummary(
                theme=number,
                name=theme_name(listed) or f"theme {number}",
                keywords=listed,
                n_posts=int(np.count_nonzero(themes.theme == number)),
                n_groups=len(rows),
                representative_post_ids=tuple(ids[i] for i in chosen),
            )
        )
    return tuple(found)


def _quality(
    n_posts: int,
    clusters: Clusters,
    matrix: TermMatrix,
    keywords: Sequence[Keywords],
    steadiness: float,
) -> ThemeQuality:
    n_groups, n_themes = len(clusters.theme), len(keywords)
    outlier_share = float(np.mean(clusters.theme == NOISE))
    return ThemeQuality(
        n_posts=n_posts,
        n_groups=n_groups,
        n_themes=n_themes,
        min_cluster_size=clusters.min_cluster_size,
        outlier_share=outlier_share,
        relative_validity=clusters.validity,
        npmi=coherence(matrix, keywords),
        diversity=diversity(keywords),
        stability=steadiness,
        warnings=theme_warnings(
            n_groups=n_groups,
            n_themes=n_themes,
            outlier_share=outlier_share,
            largest_share=float(np.mean(clusters.theme == 0)),
            relative_validity=clusters.validity,
            stability=steadiness,
        ),
    )
