from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.cluster import cluster
from narraframe.themes.engine import find_clusters
from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.layout import layout, principal_components
from narraframe.themes.neighbours import nearest_neighbours
from narraframe.themes.reduce import umap_layout
from narraframe.themes.settings import ThemeSettings

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
TITLES = DATA / "stackoverflow_titles" / "data.jsonl.gz"


@dataclass(frozen=True)
class Faith:
    """How well a layout keeps what the vectors say, each figure a mean over seeds."""

    trustworthiness: float
    neighbours_kept: float
    ari: float


def graph_of(vectors: np.ndarray) -> sp.csr_matrix:
    return fuzzy_graph(nearest_neighbours(vectors))


def preserved(vectors: np.ndarray, places: np.ndarray, k: int = 15) -> float:
    true = nearest_neighbours(vectors, n_neighbors=k + 1).indices[:, 1:]
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1)[:, :k]
    return float((true[:, :, None] == near[:, None]).any(axis=2).mean())


def faith(lay_out, vectors: np.ndarray, truth: np.ndarray, c: int, seeds=(0, 1)) -> Faith:
    graph, start = graph_of(vectors), principal_components(vectors, c)
    figures = []
    for seed in seeds:
        places = lay_out(graph, start, seed=seed)
        found = cluster(places, graph, granularity=0.7).labels
        figures.append(
            (
                trustworthiness(vectors, places, n_neighbors=15, metric="cosine"),
                preserved(vectors, places),
                adjusted_rand_score(truth, found),
            )
        )
    return Faith(*np.mean(figures, axis=0).tolist())


def titles(n: int) -> Iterator[tuple[str, str]]:
    with gzip.open(TITLES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows[:: len(rows) // n][:n]:
        yield row["text"], row["labels"][0]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(make_blobs):
    vectors = make_blobs(20, 15).vectors
    graph, start = graph_of(vectors), principal_components(vectors, 5)
    places = [umap_layout(graph, start, seed=seed) for seed in (3, 3, 4)]
    assert places[0].tobytes() == places[1].tobytes() != places[2].tobytes()
    assert (places[0].shape, places[0].dtype) == ((35, 5), np.float32)


def test_umap_learn_leaves_graph_and_start_as_they_were(make_blobs):
    vectors = make_blobs(20, 15).vectors
    graph, start = graph_of(vectors), principal_components(vectors, 2)
    weights, places = graph.toarray(), start.copy()
    umap_layout(graph, start)
    np.testing.assert_array_equal(graph.toarray(), weights)
    np.testing.assert_array_equal(start, places)


def test_themes_are_found_on_the_layout_of_umap_learn_too(make_blobs):
    blobs = make_blobs(50, 40, 30)
    settings = ThemeSettings(layout="umap-learn", n_reruns=0)
    found = find_clusters(blobs.vectors, settings)
    assert adjusted_rand_score(blobs.truth, found.clusters.theme) == 1.0
    own = find_clusters(blobs.vectors, ThemeSettings(n_reruns=0))
    assert own.xy.tobytes() != found.xy.tobytes()


@pytest.mark.parametrize("c", [2, 5])
def test_our_layout_of_blobs_is_as_faithful_as_that_of_umap_learn(make_blobs, c):
    blobs = make_blobs(150, 120, 90, 60, 50, 30, spread=0.15)
    own = faith(layout, blobs.vectors, blobs.truth, c)
    umap = faith(umap_layout, blobs.vectors, blobs.truth, c)
    assert own.trustworthiness > umap.trustworthiness - 0.02
    assert own.neighbours_kept > umap.neighbours_kept - 0.08
    assert own.ari > umap.ari - 0.01


@pytest.mark.data
@pytest.mark.skipif(not TITLES.exists(), reason="the data sets are not there: set NARRAFRAME_DATA")
def test_our_layout_of_1500_titles_is_as_faithful_as_that_of_umap_learn():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    texts, labels = zip(*titles(1500), strict=True)
    truth = np.unique(labels, return_inverse=True)[1]
    words = TfidfVectorizer(stop_words="english", min_df=2, sublinear_tf=True)
    vectors = TruncatedSVD(64, random_state=0).fit_transform(words.fit_transform(texts))
    vectors = normalize(vectors).astype(np.float32)
    own = faith(layout, vectors, truth, 5)
    umap = faith(umap_layout, vectors, truth, 5, seeds=[0])
    assert own.trustworthiness > umap.trustworthiness - 0.03
    assert own.neighbours_kept > umap.neighbours_kept - 0.08
    assert own.ari > umap.ari - 0.02
