from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.themes.neighbours import fuzzy_graph, nearest_neighbours


def unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbours_are_those_of_a_plain_search_over_several_blocks():
    vectors = unit(1100)
    found = nearest_neighbours(vectors, n_neighbors=6)
    distance = 1 - vectors.astype(float) @ vectors.T.astype(float)
    np.fill_diagonal(distance, -1)
    expected = np.argsort(distance, axis=1)[:, :6]
    np.testing.assert_array_equal(found.indices, expected)
    np.testing.assert_allclose(
        found.distances[:, 1:], np.take_along_axis(distance, expected, 1)[:, 1:], atol=1e-6
    )


def test_a_row_is_its_own_first_neighbour_even_among_equal_rows():
    found = nearest_neighbours(np.repeat(unit(1), 40, axis=0), n_neighbors=5)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(40))
    assert all(len(set(row)) == 5 for row in found.indices.tolist())
    assert (found.distances == 0).all()


@pytest.mark.parametrize("n", [1, 2, 7])
def test_there_are_no_more_neighbours_than_rows(n):
    assert nearest_neighbours(unit(n), n_neighbors=15).indices.shape == (n, n)


@pytest.mark.parametrize("copies", [1, 3])
def test_the_fuzzy_graph_is_that_of_umap(copies):
    from umap import umap_

    neighbours = nearest_neighbours(np.repeat(unit(30), copies, axis=0), n_neighbors=10)
    distances = neighbours.distances
    # The plain Python under the compiled functions: compiling them takes a quarter of a minute.
    sigma, rho = umap_.smooth_knn_dist.py_func(distances, 10.0)
    rows, columns, weights, _ = umap_.compute_membership_strengths.py_func(
        neighbours.indices, distances, sigma, rho
    )
    directed = sp.coo_matrix((weights, (rows, columns)), shape=(30 * copies,) * 2).toarray()
    expected = directed + directed.T - directed * directed.T
    np.testing.assert_allclose(fuzzy_graph(neighbours).toarray(), expected, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 40), k=st.integers(2, 20), copies=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_the_fuzzy_graph_is_symmetric_without_loops_and_its_weights_are_shares(n, k, copies, seed):
    graph = fuzzy_graph(nearest_neighbours(np.repeat(unit(n, seed=seed), copies, 0), n_neighbors=k))
    assert (graph != graph.T).nnz == 0
    assert graph.diagonal().max() == 0
    assert ((graph.data > 0) & (graph.data <= 1 + 1e-6)).all()
