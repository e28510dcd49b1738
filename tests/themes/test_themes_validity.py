from __future__ import annotations

import numpy as np
import pytest
from hdbscan import HDBSCAN

from narraframe.themes.validity import relative_validity


def blobs_with_noise(*sizes: int, n_noise: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    blobs = 10.0 * np.eye(5)[truth] + rng.normal(size=(len(truth), 5))
    return np.vstack([blobs, rng.uniform(-10, 20, (n_noise, 5))])


def fitted(points: np.ndarray, **options: object) -> HDBSCAN:
    return HDBSCAN(min_samples=3, gen_min_span_tree=True, **options).fit(points)


@pytest.mark.parametrize("n_noise", [0, 20, 150])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [{}, {"cluster_selection_method": "leaf"}])
def test_validity_is_that_of_hdbscan_for_its_own_clusters(n_noise, seed, options):
    points = blobs_with_noise(60, 40, 25, n_noise=n_noise, seed=seed)
    model = fitted(points, min_cluster_size=6, **options)
    found = relative_validity(model.minimum_spanning_tree_.to_numpy(), model.labels_)
    assert found == pytest.approx(model.relative_validity_)


@pytest.mark.parametrize("n_noise", [0, 10])
def test_validity_of_a_single_cluster_is_that_of_hdbscan(n_noise):
    points = blobs_with_noise(80, n_noise=n_noise, seed=0)
    model = fitted(points, min_cluster_size=50, allow_single_cluster=True)
    assert model.labels_.max() == 0
    found = relative_validity(model.minimum_spanning_tree_.to_numpy(), model.labels_)
    assert found == pytest.approx(model.relative_validity_)


def test_validity_by_hand():
    # 0 -1- 1 -4- 2 -2- 3, and post 4 is noise.
    tree = np.array([[0, 1, 1.0], [1, 2, 4.0], [2, 3, 2.0], [3, 4, 9.0]])
    labels = np.array([0, 0, 1, 1, -1], np.int32)
    expected = (2 * (4 - 1) / 4 + 2 * (4 - 2) / 4) / 5
    assert relative_validity(tree, labels) == pytest.approx(expected)


def test_edges_between_noise_do_not_count():
    # 0 -1- 1 -5- 2 -2- 3, of which posts 2 and 3 are noise.
    tree = np.array([[0, 1, 1.0], [1, 2, 5.0], [2, 3, 2.0]])
    labels = np.array([0, 0, -1, -1], np.int32)
    assert relative_validity(tree, labels) == pytest.approx(2 * (2 * 5 - 1) / (2 * 5) / 4)


def test_validity_without_clusters_or_without_a_tree_is_undefined():
    tree = np.array([[0, 1, 1.0]])
    assert np.isnan(relative_validity(tree, np.array([-1, -1], np.int32)))
    assert np.isnan(relative_validity(np.zeros((0, 3)), np.array([0, 0], np.int32)))
