from __future__ import annotations

import numba as nb
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from narraframe.themes.cluster import cluster
from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.layout import layout, principal_components
from narraframe.themes.neighbours import nearest_neighbours


def graph_of(vectors: np.ndarray) -> sp.csr_matrix:
    return fuzzy_graph(nearest_neighbours(vectors))


def laid_out(vectors: np.ndarray, c: int = 5, **options: object) -> np.ndarray:
    return layout(graph_of(vectors), principal_components(vectors, c), **options)


def distances(places: np.ndarray) -> np.ndarray:
    return np.linalg.norm(places[:, None] - places, axis=2)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(make_blobs):
    vectors = make_blobs(70, 50).vectors
    places = [laid_out(vectors, seed=seed) for seed in (3, 3, 4)]
    assert places[0].tobytes() == places[1].tobytes() != places[2].tobytes()
    assert (places[0].shape, places[0].dtype) == ((120, 5), np.float32)


@pytest.mark.skipif(nb.config.NUMBA_NUM_THREADS < 2, reason="numba may start one thread only")
def test_one_and_two_threads_give_the_same_bytes(make_blobs):
    vectors = make_blobs(300, 200, spread=0.3).vectors
    threads, places = nb.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            nb.set_num_threads(n_threads)
            places.append(laid_out(vectors).tobytes())
    finally:
        nb.set_num_threads(threads)
    assert places[0] == places[1]


@pytest.mark.parametrize("c", [2, 5])
def test_two_far_blobs_lie_further_apart_than_their_posts(make_blobs, c):
    blobs = make_blobs(150, 100)
    distance = distances(laid_out(blobs.vectors, c))
    together = blobs.truth[:, None] == blobs.truth
    np.fill_diagonal(distance, np.inf)
    nearest = np.where(together, distance, np.inf).min(axis=1)
    assert distance[~together].min() > 2 * nearest.max()


def test_neighbours_find_each_other_even_from_a_start_at_random(make_blobs):
    blobs = make_blobs(120, 80, 60)
    start = np.random.default_rng(0).normal(size=(260, 2)).astype(np.float32)
    distance = distances(layout(graph_of(blobs.vectors), start))
    np.fill_diagonal(distance, np.inf)
    assert np.mean(blobs.truth[distance.argmin(axis=1)] == blobs.truth) > 0.98


def test_shuffled_posts_have_another_layout_with_the_same_clusters(make_blobs):
    # What pushes a post away is drawn by its row, so that the places themselves differ.
    vectors = make_blobs(90, 70, 50, 40, spread=0.1).vectors
    order = np.random.default_rng(1).permutation(len(vectors))
    straight, shuffled = laid_out(vectors), laid_out(vectors[order])
    assert not np.allclose(straight[order], shuffled, atol=1e-3)
    found = cluster(straight, graph_of(vectors)).labels[order]
    again = cluster(shuffled, graph_of(vectors[order])).labels
    assert adjusted_rand_score(found, again) >= 0.95


def test_a_post_without_neighbours_stays_where_it_began(make_blobs):
    vectors = make_blobs(40, 30).vectors
    graph = sp.block_diag([graph_of(vectors), sp.csr_matrix((1, 1))], format="csr")
    start = np.vstack([principal_components(vectors, 2), [[3.5, -2.0]]])
    assert layout(graph.astype(np.float32), start)[-1].tolist() == [3.5, -2.0]


def test_one_post_and_posts_in_one_place_stay_where_they_are():
    assert layout(sp.csr_matrix((1, 1), dtype=np.float32), np.zeros((1, 5))).tolist() == [[0] * 5]
    assert not laid_out(np.full((40, 16), 0.25, np.float32)).any()


def test_start_and_graph_stay_as_they_were(make_blobs):
    vectors = make_blobs(40, 30).vectors
    graph, start = graph_of(vectors), principal_components(vectors, 2)
    weights, places = graph.data.copy(), start.copy()
    layout(graph, start)
    np.testing.assert_array_equal(graph.data, weights)
    np.testing.assert_array_equal(start, places)


def test_progress_counts_the_steps(make_blobs):
    done: list[int] = []
    laid_out(make_blobs(30).vectors, n_epochs=7, progress=done.append)
    assert done == [1] * 7


def test_principal_components_are_those_of_a_singular_value_decomposition(make_blobs):
    vectors = make_blobs(60, 40, 20, spread=0.2).vectors
    centred = vectors.astype(float) - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = (left * values)[:, :3]
    expected *= 10 / np.abs(expected).max()
    found = principal_components(vectors, 3)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    assert np.abs(found).max() == pytest.approx(10)


def test_principal_components_have_the_same_bytes_on_one_and_two_threads(make_blobs):
    # LAPACK parts its work among threads only where there are some hundred dimensions.
    vectors = make_blobs(400, 300, d=384, spread=0.3).vectors
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            found.append(principal_components(vectors, 5).tobytes())
    assert found[0] == found[1]


def test_dimensions_beyond_those_of_the_vectors_are_nought():
    found = principal_components(np.eye(3, dtype=np.float32), 5)
    assert not found[:, 3:].any()


@pytest.mark.parametrize("n", [1, 2, 30])
def test_equal_vectors_begin_in_one_place(n):
    found = principal_components(np.full((n, 16), 0.25, np.float32), 5)
    assert (found == 0).all()
