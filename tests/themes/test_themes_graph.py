from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.neighbours import Neighbours, nearest_neighbours


def unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("k", [5, 15])
def test_the_graph_is_the_fuzzy_simplicial_set_of_umap_learn(monkeypatch, copies, k):
    from umap import umap_

    # The plain Python under the compiled functions: compiling them takes a quarter of a minute.
    for name in ("smooth_knn_dist", "compute_membership_strengths"):
        monkeypatch.setattr(umap_, name, getattr(umap_, name).py_func)
    vectors = np.repeat(unit(40), copies, axis=0)
    found = nearest_neighbours(vectors, n_neighbors=k)
    expected, _, _ = umap_.fuzzy_simplicial_set(
        vectors, k, None, "cosine", knn_indices=found.indices, knn_dists=found.distances
    )
    np.testing.assert_allclose(fuzzy_graph(found).toarray(), expected.toarray(), atol=1e-4)


def test_weights_by_hand():
    # Each of three posts in a row holds the next nearer than the last: log2(3) in weight is 1 for
    # the nearest, and 0.585 for the other.
    found = Neighbours(
        np.array([[0, 1, 2], [1, 0, 2], [2, 1, 0]], np.int32),
        np.array([[0, 0.1, 0.3], [0, 0.1, 0.2], [0, 0.2, 0.3]], np.float32),
    )
    rest = np.log2(3) - 1
    either = rest + 1 - rest * 1
    both = rest + rest - rest * rest
    expected = [[0, 1, both], [1, 0, either], [both, either, 0]]
    np.testing.assert_allclose(fuzzy_graph(found).toarray(), expected, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 40), k=st.integers(2, 20), copies=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_the_graph_is_symmetric_without_loops_and_its_weights_are_shares(n, k, copies, seed):
    graph = fuzzy_graph(nearest_neighbours(np.repeat(unit(n, seed=seed), copies, 0), n_neighbors=k))
    assert (graph != graph.T).nnz == 0
    assert graph.diagonal().max() == 0
    assert ((graph.data > 0) & (graph.data <= 1 + 1e-6)).all()
    assert graph.has_sorted_indices
    assert graph.dtype == np.float32


def test_every_post_is_tied_to_its_nearest_with_full_weight():
    graph = fuzzy_graph(nearest_neighbours(unit(300)))
    np.testing.assert_allclose(graph.max(axis=1).toarray(), 1.0, atol=1e-6)


def test_one_post_has_no_ties():
    graph = fuzzy_graph(nearest_neighbours(unit(1)))
    assert (graph.shape, graph.nnz) == ((1, 1), 0)
