from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.cluster import cluster, smallest_cluster
from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.neighbours import Neighbours


def blobs(*sizes: int, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    layout = 10.0 * np.eye(5)[truth] + spread * rng.normal(size=(len(truth), 5))
    return layout.astype(np.float32), truth


def graph_of(layout: np.ndarray, k: int = 15) -> sp.csr_matrix:
    distance = np.linalg.norm(layout[:, None].astype(float) - layout, axis=2)
    np.fill_diagonal(distance, -1)
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    near = np.maximum(np.take_along_axis(distance, order, axis=1), 0)
    return fuzzy_graph(Neighbours(order.astype(np.int32), near.astype(np.float32)))


def test_blobs_are_the_clusters():
    layout, truth = blobs(20, 60, 40)
    found = cluster(layout, graph_of(layout))
    inside = found.labels >= 0
    assert adjusted_rand_score(truth[inside], found.labels[inside]) == 1.0
    assert inside.mean() > 0.9
    assert found.labels.dtype == np.int32


def test_the_clusters_follow_the_posts_when_their_order_changes():
    layout, _ = blobs(20, 60, 40)
    order = np.random.default_rng(1).permutation(len(layout))
    straight = cluster(layout, graph_of(layout)).labels
    shuffled = cluster(layout[order], graph_of(layout[order])).labels
    assert adjusted_rand_score(straight[order], shuffled) == 1.0


def test_a_post_far_from_all_others_is_noise():
    # hdbscan's approximate spanning tree, its default, puts this post into a cluster.
    layout, _ = blobs(40, 40)
    layout = np.vstack([layout, np.full((1, 5), 90, np.float32)])
    assert cluster(layout, graph_of(layout)).labels[-1] == -1


def test_a_crumb_beside_a_blob_does_not_hide_the_clusters_within_the_blob():
    # Parted at the widest gap, 10 posts against 90 are the most valid clustering, and of no use.
    layout, truth = blobs(30, 30, 30, 10)
    layout[truth == 3] += 500
    found = cluster(layout, graph_of(layout, 9)).labels
    assert adjusted_rand_score(truth, found) > 0.9


def test_a_cluster_has_at_least_the_posts_asked_for():
    layout, _ = blobs(12, 40, 40)
    labels = cluster(layout, graph_of(layout), min_cluster_size=15).labels
    assert np.bincount(labels[labels >= 0]).min() >= 15


def test_more_granularity_parts_what_less_leaves_together():
    rng = np.random.default_rng(0)
    large = np.repeat(np.eye(5)[:3] * 40, 60, axis=0)
    small = np.tile(np.repeat(np.eye(5)[3:] * 5, 30, axis=0), (3, 1))
    layout = (large + small + rng.normal(size=(180, 5))).astype(np.float32)
    graph = graph_of(layout, 50)
    numbers = [cluster(layout, graph, granularity=g).labels.max() + 1 for g in (0.01, 1.0, 4.0)]
    assert numbers[0] == 3
    assert numbers == sorted(numbers)
    assert numbers[-1] >= 6


def test_the_spanning_tree_ties_every_post_to_the_others():
    layout, _ = blobs(20, 15)
    tree = cluster(layout, graph_of(layout)).spanning_tree
    assert tree.shape == (34, 3)
    ties = sp.coo_matrix((tree[:, 2], tree[:, :2].T.astype(int)), shape=(35, 35))
    assert sp.csgraph.connected_components(ties, directed=False)[0] == 1
    apart = np.linalg.norm(layout[tree[:, 0].astype(int)] - layout[tree[:, 1].astype(int)], axis=1)
    assert (tree[:, 2] >= apart - 1e-4).all()


@pytest.mark.parametrize(("n", "fewest"), [(1, 3), (200, 3), (1000, 5), (8000, 10), (10**6, 10)])
def test_the_smallest_cluster_grows_with_the_corpus_between_three_and_ten(n, fewest):
    assert smallest_cluster(n) == fewest


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_posts_are_all_noise(n):
    found = cluster(np.zeros((n, 5), np.float32), sp.csr_matrix((n, n), dtype=np.float32))
    assert found.labels.tolist() == [-1] * n
    assert found.spanning_tree.shape == (0, 3)


@pytest.mark.parametrize("size", [2, 3])
def test_as_many_posts_as_make_a_cluster_can_be_clustered(size):
    layout = np.arange(5 * size, dtype=np.float32).reshape(size, 5)
    graph = sp.csr_matrix(1 - np.eye(size, dtype=np.float32))
    assert len(set(cluster(layout, graph, min_cluster_size=size).labels.tolist())) == 1


def test_posts_in_one_place_are_together():
    layout = np.zeros((50, 5), np.float32)
    assert len(set(cluster(layout, graph_of(layout)).labels.tolist())) == 1
