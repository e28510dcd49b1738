from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.cluster import cluster


def blobs(*sizes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return (10.0 * np.eye(5)[truth] + rng.normal(size=(len(truth), 5))).astype(np.float32), truth


def test_themes_are_numbered_by_size():
    layout, truth = blobs(20, 60, 40)
    found = cluster(layout)
    assert [np.count_nonzero(found.theme == t) for t in range(3)] == pytest.approx(
        [60, 40, 20], abs=4
    )
    assert set(truth[found.theme == 0]) == {1}
    assert set(truth[found.theme == 2]) == {0}
    assert found.theme.dtype == np.int32
    assert found.membership.dtype == np.float32


def test_of_themes_of_one_size_that_with_the_first_post_comes_first():
    spot = np.array([[0.0, 0.0], [9.0, 9.0]])[[1, 0] * 10]
    layout = (spot + np.repeat(0.1 * np.arange(10), 2)[:, None]).astype(np.float32)
    theme = cluster(layout, min_cluster_size=5, min_samples=2).theme
    assert theme.tolist() == [0, 1] * 10


def test_the_numbering_follows_the_posts_when_their_order_changes():
    layout, _ = blobs(20, 60, 40)
    order = np.random.default_rng(1).permutation(len(layout))
    straight, shuffled = cluster(layout).theme, cluster(layout[order]).theme
    assert adjusted_rand_score(straight[order], shuffled) > 0.99
    core = (straight[order] >= 0) & (shuffled >= 0)
    np.testing.assert_array_equal(straight[order][core], shuffled[core])


def test_a_post_far_from_all_others_is_noise_without_membership():
    # hdbscan's approximate spanning tree, its default, puts this post into a theme.
    layout, _ = blobs(40, 40)
    found = cluster(np.vstack([layout, np.full((1, 5), 90, np.float32)]))
    assert found.theme[-1] == -1
    assert found.membership[-1] == 0
    assert (found.membership[found.theme >= 0] > 0).all()
    assert found.membership.max() <= 1


def test_the_size_that_was_chosen_gives_the_same_clusters_when_asked_for():
    layout, _ = blobs(50, 30, 20)
    chosen = cluster(layout)
    again = cluster(layout, min_cluster_size=chosen.min_cluster_size)
    np.testing.assert_array_equal(chosen.theme, again.theme)
    assert chosen.validity == again.validity


def test_a_crumb_beside_a_blob_does_not_hide_the_themes_within_the_blob():
    # Split at the widest gap, 10 posts against 90 are the most valid clustering, and of no use.
    layout, truth = blobs(30, 30, 30, 10)
    layout[truth == 3] += 500
    assert cluster(layout).theme.max() == 3


def test_a_theme_has_at_least_the_size_asked_for():
    layout, _ = blobs(12, 40, 40)
    found = cluster(layout, min_cluster_size=15)
    assert found.theme.max() == 1
    assert min(np.bincount(found.theme[found.theme >= 0])) >= 15


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_posts_are_all_noise(n):
    found = cluster(np.zeros((n, 5), np.float32))
    assert found.theme.tolist() == [-1] * n
    assert np.isnan(found.validity)


def test_posts_in_one_place_are_all_noise():
    assert (cluster(np.zeros((50, 5), np.float32)).theme == -1).all()
