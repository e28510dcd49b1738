from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from narraframe.themes import neighbours
from narraframe.themes.neighbours import Neighbours, nearest_neighbours


def unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def signs(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Unit vectors whose products are exact in whatever order they are summed."""
    bits = np.random.default_rng(seed).integers(0, 2, size=(n, d))
    return ((2 * bits - 1) / np.sqrt(d)).astype(np.float32)


def slowly(vectors: np.ndarray, k: int) -> Neighbours:
    distance = np.maximum(1 - vectors.astype(float) @ vectors.T.astype(float), 0).round(9)
    np.fill_diagonal(distance, -1)
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return Neighbours(order, np.maximum(np.take_along_axis(distance, order, 1), 0))


def as_bytes(found: Neighbours) -> bytes:
    return found.indices.tobytes() + found.distances.tobytes()


def test_neighbours_are_those_of_a_plain_search_over_several_blocks():
    vectors = unit(1100)
    found, expected = nearest_neighbours(vectors, n_neighbors=6), slowly(vectors, 6)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, atol=1e-6)
    assert (found.indices.dtype, found.distances.dtype) == (np.int32, np.float32)


def test_lists_find_at_least_85_of_100_true_neighbours_of_structured_vectors(make_blobs):
    vectors = make_blobs(*[30 + 10 * i for i in range(20)], spread=0.15).vectors
    found, expected = nearest_neighbours(vectors, exact=False), slowly(vectors, 15)
    hits = (found.indices[:, :, None] == expected.indices[:, None]).any(axis=2)
    assert hits.mean() > 0.85


def test_what_lists_find_are_different_rows_nearest_first_at_their_true_distance(make_blobs):
    vectors = make_blobs(500, 700, 800, spread=0.15).vectors
    found = nearest_neighbours(vectors, exact=False)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(2000))
    assert all(len(set(row)) == 15 for row in found.indices.tolist())
    assert (np.diff(found.distances, axis=1) >= 0).all()
    true = 1 - np.einsum("ij,ikj->ik", vectors, vectors[found.indices])
    np.testing.assert_allclose(found.distances, true, atol=1e-6)


@pytest.mark.parametrize(("limit", "exact"), [(300, True), (299, False)])
def test_lists_are_searched_above_a_number_of_rows_and_all_rows_up_to_it(monkeypatch, limit, exact):
    vectors = unit(300)
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", limit)
    found = nearest_neighbours(vectors)
    assert as_bytes(found) == as_bytes(nearest_neighbours(vectors, exact=exact))
    assert as_bytes(found) != as_bytes(nearest_neighbours(vectors, exact=not exact))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("d", [16, 256])
def test_of_rows_that_are_equally_near_the_lower_are_found(d, exact):
    same = np.repeat(signs(1, d), 1100, axis=0)
    found = nearest_neighbours(same, n_neighbors=5, exact=exact)
    lowest = [[i, *(j for j in range(5) if j != i)][:5] for i in range(1100)]
    assert found.indices.tolist() == lowest
    assert not found.distances.any()


def test_of_equal_neighbours_at_the_last_place_the_lower_is_found():
    here, near, far = np.eye(3, dtype=np.float32)
    near = np.array([0.8, 0.6, 0], np.float32)
    vectors = np.stack([far, near, here, near, far, near])
    assert nearest_neighbours(vectors, n_neighbors=3).indices[2].tolist() == [2, 1, 3]


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("exact", [True, False])
def test_there_are_no_more_neighbours_than_rows(n, exact):
    found = nearest_neighbours(unit(n), n_neighbors=15, exact=exact)
    np.testing.assert_array_equal(found.indices, slowly(unit(n), 15).indices)


def test_a_row_whose_lists_hold_too_few_is_compared_with_all():
    vectors = unit(200)
    found = [nearest_neighbours(vectors, n_neighbors=190, exact=e).indices for e in (True, False)]
    np.testing.assert_array_equal(found[0], found[1])


def test_rows_far_from_a_crowd_of_equal_ones_find_their_neighbours():
    vectors = np.vstack([signs(10, 64), np.repeat(signs(1, 64, seed=1), 1000, axis=0)])
    found = nearest_neighbours(vectors, n_neighbors=12, exact=False)
    np.testing.assert_array_equal(found.indices[:10], slowly(vectors, 12).indices[:10])


@pytest.mark.parametrize("exact", [True, False])
def test_one_and_two_threads_give_the_same_bytes(make_blobs, exact):
    vectors = make_blobs(500, 700, 900, d=96, spread=0.2).vectors
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            found.append(as_bytes(nearest_neighbours(vectors, exact=exact)))
    assert found[0] == found[1]


def test_another_seed_gives_other_lists(make_blobs):
    vectors = make_blobs(500, 700, spread=0.3).vectors
    found = [as_bytes(nearest_neighbours(vectors, exact=False, seed=s)) for s in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("exact", [True, False])
def test_progress_counts_every_row_once(exact):
    done: list[int] = []
    nearest_neighbours(unit(1300), exact=exact, progress=done.append)
    assert sum(done) == 1300
    assert len(done) > 1


def test_one_list_of_all_rows_takes_no_memory_of_their_square():
    same = np.repeat(unit(1), 6000, axis=0)
    tracemalloc.start()
    nearest_neighbours(same, exact=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6000 * 6000 * 4
