from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from narraframe.errors import TableError
from narraframe.themes.votes import (
    Nearest,
    count_votes,
    from_units,
    in_units,
    nearest,
    similarities,
)


def unit_vectors(n: int, *, d: int = 24, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def whole(units: np.ndarray, others: np.ndarray) -> np.ndarray:
    return units.astype(np.int64) @ others.astype(np.int64).T


def test_units_survive_the_way_there_and_back():
    units = in_units(unit_vectors(50))
    np.testing.assert_array_equal(in_units(from_units(units)), units)


@pytest.mark.parametrize("bad", [0.0, 2.0, np.nan])
def test_a_vector_whose_length_is_not_one_is_refused(bad):
    vectors = unit_vectors(3)
    vectors[1] *= bad
    with pytest.raises(TableError, match="1 of 3 vectors are not of length 1"):
        in_units(vectors)


def test_similarities_are_exact_for_the_rounded_vectors():
    one, other = in_units(unit_vectors(300, d=384)), in_units(unit_vectors(70, d=384, seed=1))
    np.testing.assert_array_equal(similarities(one, other), whole(one, other) / 4000**2)


def test_rounding_moves_a_similarity_by_less_than_a_thousandth():
    one, other = unit_vectors(300, d=384), unit_vectors(70, d=384, seed=1)
    found = similarities(in_units(one), in_units(other))
    assert np.abs(found - one.astype(float) @ other.T.astype(float)).max() < 1e-3


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 6),
    m=st.integers(1, 140),
    k=st.integers(1, 20),
    kinds=st.integers(1, 12),
    without=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_the_nearest_are_those_of_a_full_sort_however_many_are_equal(n, m, k, kinds, without, seed):
    rng = np.random.default_rng(seed)
    few = in_units(unit_vectors(kinds, d=6, seed=seed))
    others, units = few[rng.integers(kinds, size=m)], few[rng.integers(kinds, size=n)]
    itself = rng.integers(-1, m, size=n) if without else None
    found = nearest(units, others, k=k, itself=itself)
    every = whole(units, others)
    if itself is not None:
        every[np.flatnonzero(itself >= 0), itself[itself >= 0]] = -(2**30)
    n_found = min(k, m - without)
    assert found.rows.shape == (n, n_found)
    dots = np.rint(found.similarity * 4000**2)
    np.testing.assert_array_equal(dots, np.sort(every, axis=1)[:, ::-1][:, :n_found])
    np.testing.assert_array_equal(dots, np.take_along_axis(every, found.rows, axis=1))
    assert all(len(set(rows)) == n_found for rows in found.rows.tolist())


@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_nearest_do_not_depend_on_the_batch(size):
    units, others = in_units(unit_vectors(700, d=384)), in_units(unit_vectors(900, d=384, seed=1))
    others[100:130] = others[7]
    units[5] = others[7]
    at_once = nearest(units, others)
    for start in range(0, 700, size):
        part = nearest(units[start : start + size], others)
        assert part.rows.tobytes() == at_once.rows[start : start + size].tobytes()
        assert part.similarity.tobytes() == at_once.similarity[start : start + size].tobytes()


def test_the_nearest_do_not_depend_on_the_number_of_threads():
    units, others = in_units(unit_vectors(600, d=384)), in_units(unit_vectors(900, d=384, seed=1))
    with threadpool_limits(limits=1):
        one = nearest(units, others)
    with threadpool_limits(limits=2):
        two = nearest(units, others)
    assert one.rows.tobytes() == two.rows.tobytes()
    assert one.similarity.tobytes() == two.similarity.tobytes()


def test_votes_weigh_as_the_fourth_power_of_similarity():
    units = in_units(unit_vectors(1))
    found = Nearest(np.array([[0, 1, 2]]), np.array([[0.8, 0.6, 0.5]]))
    cast = count_votes(units, found, np.array([0, 1, -1]), in_units(unit_vectors(2)))
    weights = np.array([0.8, 0.6, 0.5]) ** 4
    assert cast.suggested.tolist() == [0]
    np.testing.assert_allclose(cast.share, weights[0] / weights.sum())
    np.testing.assert_allclose(cast.lead, (weights[0] - weights[1]) / weights.sum())
    np.testing.assert_allclose(cast.near, 1.9 / 3)


def test_the_centroid_decides_where_only_noise_is_near():
    centroids = in_units(np.eye(3, 24, dtype=np.float32))
    units = centroids[2:3]
    found = Nearest(np.array([[0, 1]]), np.array([[0.9, 0.9]]))
    cast = count_votes(units, found, np.array([-1, -1]), centroids)
    assert (cast.suggested.tolist(), cast.share.tolist()) == ([2], [0.0])
    np.testing.assert_allclose(cast.margin, 1.0)


def test_without_themes_nothing_is_suggested():
    units = in_units(unit_vectors(4))
    found = nearest(units, units)
    cast = count_votes(units, found, np.full(4, -1), np.zeros((0, 24), np.float32))
    assert cast.suggested.tolist() == [-1] * 4
