"""One corpus, one graph, and from it the themes: once, and again to see what comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.themes.calibration import ABSENT
from narraframe.themes.cluster import cluster, smallest_cluster
from narraframe.themes.communities import communities
from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.layout import N_EPOCHS, layout, principal_components
from narraframe.themes.modularity import NOISE
from narraframe.themes.neighbours import nearest_neighbours
from narraframe.themes.quality import FEWEST_POSTS
from narraframe.themes.settings import ThemeSettings
from narraframe.themes.settle import Clusters, settle
from narraframe.themes.stability import agreement, recovery
from narraframe.themes.validity import relative_validity

_DIMENSIONS = 5
_KEPT_SHARE = 0.8
# so that the least corpus can lose a fifth
_FEWEST_IN_A_RUN = int(FEWEST_POSTS * _KEPT_SHARE)

Step = Callable[[int], None]


class Stage(Protocol):
    """Opens a stage of the work; the value entered takes the number of items just finished."""

    def __call__(
        self, name: str, *, total: int | None = None, unit: str = "posts"
    ) -> AbstractContextManager[Step]:
        """Open the stage `name` of `total` items."""
        ...


def silent(
    name: str,  # noqa: ARG001
    *,
    total: int | None = None,  # noqa: ARG001
    unit: str = "posts",  # noqa: ARG001
) -> AbstractContextManager[Step]:
    """Open a stage that nobody sees."""
    return nullcontext(lambda _: None)


@dataclass(frozen=True)
class Found:
    """Themes of n distinct posts and what is known of them.

    `clusters` by post; `xy` float32 (n, 2), the map; `graph` (n, n); `refits` int32 (n,) each, the
    themes by a rerun, -1 = noise, -2 = left out; `theme_stability` float64 (t,), the mean share of
    each theme that the reruns found again; `stability` and `stability_resampled` the mean agreement
    with reruns of another seed, and of another seed without a fifth of the posts; nan = unknown.
    """

    clusters: Clusters
    xy: NDArray[np.float32]
    graph: sp.csr_matrix
    refits: tuple[NDArray[np.int32], ...]
    theme_stability: NDArray[np.float64]
    stability: float
    stability_resampled: float
    relative_validity: float


@dataclass(frozen=True)
class _Run:
    clusters: Clusters
    spanning_tree: NDArray[np.float64]


def find_clusters(
    vectors: NDArray[np.float32],
    settings: ThemeSettings,
    *,
    graph: sp.csr_matrix | None = None,
    stage: Stage = silent,
) -> Found:
    """Find the themes of distinct posts; same settings and input, same bytes on any threads.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings, one per near-duplicate group.
    settings : ThemeSettings
    graph : csr_matrix of shape (n, n), default=None
        From an earlier call with the same vectors and number of neighbours; None makes it.
    stage : callable
        Opens each stage of the work.

    Returns
    -------
    Found
        Below fifteen posts all are noise.
    """
    n = len(vectors)
    if graph is None:
        graph = make_graph(vectors, settings, stage=stage)
    start = principal_components(vectors, _DIMENSIONS)
    seeds = [settings.seed + r for r in range(settings.n_reruns + 1)]
    fewest = settings.min_cluster_size or smallest_cluster(n)
    # The same for reruns, which have fewer posts.
    settings = replace(settings, granularity=settings.resolution(n))
    with stage("themes", total=len(seeds) * N_EPOCHS, unit="steps") as step:
        run = _run(graph, start, settings, settings.seed, fewest, step)
        refits = tuple(
            _rerun(graph, start, settings, seed, fewest, step, leave_out=r % 2 == 1)
            for r, seed in enumerate(seeds[1:])
        )
    with stage("map", total=N_EPOCHS, unit="steps") as step:
        xy = _lay_out(graph, start[:, :2], settings, settings.seed, step)
    theme = run.clusters.theme
    same, resampled = ([_agree(theme, again) for again in refits[r::2]] for r in (0, 1))
    n_themes = int(theme.max(initial=-1)) + 1
    returns = [recovery(*_both(theme, again), n_themes=n_themes) for again in refits]
    return Found(
        clusters=run.clusters,
        xy=xy,
        graph=graph,
        refits=refits,
        theme_stability=np.mean(returns, axis=0) if returns else np.full(n_themes, np.nan),
        stability=float(np.mean(same)) if same else float("nan"),
        stability_resampled=float(np.mean(resampled)) if resampled else float("nan"),
        relative_validity=relative_validity(run.spanning_tree, theme),
    )


def make_graph(
    vectors: NDArray[np.float32], settings: ThemeSettings, *, stage: Stage = silent
) -> sp.csr_matrix:
    """Return the one neighbour graph that everything else is made from."""
    with stage("neighbours", total=len(vectors)) as step:
        found = nearest_neighbours(vectors, n_neighbors=settings.n_neighbors, progress=step)
    return fuzzy_graph(found)


def _run(
    graph: sp.csr_matrix,
    start: NDArray[np.float32],
    settings: ThemeSettings,
    seed: int,
    fewest: int,
    step: Step,
    *,
    whole: bool = True,
) -> _Run:
    n = len(start)
    if n < (FEWEST_POSTS if whole else _FEWEST_IN_A_RUN):
        step(N_EPOCHS)
        nothing = np.full(n, NOISE, np.int32)
        return _Run(Clusters(nothing, np.zeros(n, np.float32), nothing), np.zeros((0, 3)))
    tree: NDArray[np.float64] = np.zeros((0, 3))
    if settings.engine == "graph":
        labels = communities(graph, granularity=settings.resolution(n), seed=seed)
        step(N_EPOCHS)
    else:
        places = _lay_out(graph, start, settings, seed, step)
        cut = cluster(places, graph, granularity=settings.resolution(n), min_cluster_size=fewest)
        labels, tree = cut.labels, cut.spanning_tree
    noise = settings.engine != "graph" and not settings.assign_all
    return _Run(settle(graph, labels, fewest=fewest, noise=noise), tree)


def _rerun(
    graph: sp.csr_matrix,
    start: NDArray[np.float32],
    settings: ThemeSettings,
    seed: int,
    fewest: int,
    step: Step,
    *,
    leave_out: bool,
) -> NDArray[np.int32]:
    n = len(start)
    again = np.full(n, ABSENT, np.int32)
    rows: NDArray[np.intp] = np.arange(n)
    if leave_out:
        chosen = np.random.default_rng(seed).choice(n, int(n * _KEPT_SHARE), replace=False)
        rows = np.sort(chosen)
        graph, start = graph[rows][:, rows].tocsr(), start[rows]
    run = _run(graph, start, settings, seed, fewest, step, whole=not leave_out)
    again[rows] = run.clusters.theme
    return again


def _lay_out(
    graph: sp.csr_matrix,
    start: NDArray[np.float32],
    settings: ThemeSettings,
    seed: int,
    step: Step,
) -> NDArray[np.float32]:
    if len(start) < _FEWEST_IN_A_RUN:
        # too few for a neighbourhood to keep
        step(N_EPOCHS)
        return start
    if settings.layout == "batch":
        return layout(graph, start, seed=seed, progress=step)
    from narraframe.themes.reduce import umap_layout

    places = umap_layout(graph, start, seed=seed)
    step(N_EPOCHS)
    return places


def _both(
    theme: NDArray[np.int32], again: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Leave out the posts that the rerun left out; the themes keep their numbers."""
    inside = again != ABSENT
    return theme[inside], again[inside]


def _agree(theme: NDArray[np.int32], again: NDArray[np.int32]) -> float:
    return agreement(*_both(theme, again))
