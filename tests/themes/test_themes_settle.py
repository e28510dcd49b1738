from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.themes.settle import settle


def clique(n: int) -> np.ndarray:
    return 1.0 - np.eye(n)


def tied(*blocks: int, edges: dict[tuple[int, int], float] | None = None) -> sp.csr_matrix:
    """Cliques of so many posts each, one after the other, and further edges of some weight."""
    weights = sp.block_diag([clique(n) for n in blocks]).toarray()
    for (a, b), weight in (edges or {}).items():
        weights[a, b] = weights[b, a] = weight
    return sp.csr_matrix(weights.astype(np.float32))


def labels(*runs: tuple[int, int]) -> np.ndarray:
    return np.repeat([t for t, _ in runs], [n for _, n in runs]).astype(np.int32)


def test_clusters_that_their_neighbours_confirm_stay_as_they_are():
    found = settle(tied(5, 4), labels((0, 5), (1, 4)), fewest=3)
    assert found.theme.tolist() == [0] * 5 + [1] * 4
    assert found.confidence.tolist() == [1.0] * 9
    assert found.nearest.tolist() == found.theme.tolist()
    assert [a.dtype.name for a in (found.theme, found.confidence, found.nearest)] == [
        "int32", "float32", "int32",
    ]  # fmt: skip


def test_a_post_moves_to_the_theme_of_most_of_its_neighbours():
    found = settle(tied(5, 4), labels((0, 4), (1, 5)), fewest=3)
    assert found.theme.tolist() == [0] * 5 + [1] * 4


def test_a_noise_post_among_the_posts_of_a_theme_is_taken_in():
    found = settle(tied(5, 4), labels((0, 4), (-1, 1), (1, 4)), fewest=3)
    assert found.theme.tolist() == [0] * 5 + [1] * 4


def test_a_move_can_draw_another_after_it():
    # Post 7 is tied to post 8 more than to its theme, and post 8 to the other theme.
    edges = {(7, 8): 1.0, (7, 4): 0.8, (8, 0): 2.0, (8, 1): 2.0, (7, 0): 0.5}
    graph = tied(4, 3, 1, 1, edges=edges)
    found = settle(graph, labels((0, 4), (1, 5)), fewest=3)
    assert found.theme.tolist() == [0] * 4 + [1] * 3 + [0, 0]


def between_two(weight: float, other: float) -> sp.csr_matrix:
    """Ten posts and nine, and one that is tied to a third of both."""
    edges = {(19, i): weight for i in (0, 1, 2)} | {(19, i): other for i in (10, 11, 12)}
    return tied(10, 9, 1, edges=edges)


@pytest.mark.parametrize(("weight", "theme"), [(0.6, 0), (0.4, 1)])
def test_the_weight_of_the_ties_decides_and_is_the_confidence(weight, theme):
    found = settle(between_two(weight, 1 - weight), labels((0, 10), (1, 9), (-1, 1)), fewest=3)
    assert found.theme[19] == theme
    assert found.confidence[19] == pytest.approx(0.6)


@pytest.mark.parametrize("given_theme", [0, 1])
def test_a_post_half_of_whose_ties_are_in_its_theme_stays(given_theme):
    start = labels((0, 10), (1, 9), (given_theme, 1))
    assert settle(between_two(1.0, 1.0), start, fewest=3).theme[19] == given_theme


def three_ways() -> sp.csr_matrix:
    edges = {(12, i): w for i, w in ((0, 0.4), (4, 0.35), (8, 0.25))}
    return tied(4, 4, 4, 1, edges=edges)


@pytest.mark.parametrize("given_theme", [0, 1, 2, -1])
def test_a_post_without_a_majority_is_noise_and_its_nearest_theme_is_told(given_theme):
    found = settle(three_ways(), labels((0, 4), (1, 4), (2, 4), (given_theme, 1)), fewest=3)
    assert found.theme.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [-1]
    assert found.nearest[12] == 0
    assert found.confidence[12] == pytest.approx(0.4)


@pytest.mark.parametrize("given_theme", [0, 1, 2, -1])
def test_without_noise_it_goes_to_the_nearest_theme(given_theme):
    start = labels((0, 4), (1, 4), (2, 4), (given_theme, 1))
    found = settle(three_ways(), start, fewest=3, noise=False)
    assert found.theme.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [0]
    assert found.confidence[12] == pytest.approx(0.4)
    assert found.nearest[12] == 0


def test_of_themes_that_are_equally_near_the_lower_is_told():
    graph = tied(4, 4, 4, 1, edges={(12, 0): 0.5, (12, 4): 0.5, (12, 8): 0.5})
    found = settle(graph, labels((0, 4), (1, 4), (2, 4), (-1, 1)), fewest=3)
    assert found.nearest[12] == 0


def test_a_cluster_of_too_few_posts_is_dissolved():
    found = settle(tied(5, 4, 2), labels((0, 5), (1, 4), (2, 2)), fewest=3)
    assert found.theme.tolist() == [0] * 5 + [1] * 4 + [-1] * 2
    assert found.nearest[-2:].tolist() == [-1, -1]
    assert found.confidence[-2:].tolist() == [0, 0]


def test_the_posts_of_a_dissolved_cluster_go_where_most_of_their_ties_are():
    graph = tied(5, 4, 2, edges={(9, 0): 1.0, (10, 0): 1.0, (9, 1): 1.0, (10, 1): 1.0})
    found = settle(graph, labels((0, 5), (1, 4), (2, 2)), fewest=3)
    assert found.theme.tolist() == [0] * 5 + [1] * 4 + [0] * 2


def test_a_theme_that_only_noise_makes_too_small_is_the_nearest_of_no_post():
    # Posts 10 to 12 hold together, but posts 11 and 12 are tied to others more.
    edges = {(10, 11): 1.0, (10, 12): 1.0, (11, 12): 0.1}
    edges |= {(11, i): 0.3 for i in (0, 1, 5, 6)} | {(12, i): 0.3 for i in (0, 1, 5, 6)}
    graph = tied(5, 5, 1, 1, 1, edges=edges)
    found = settle(graph, labels((0, 5), (1, 5), (2, 3)), fewest=3)
    assert found.theme[10:].tolist() == [-1] * 3
    assert found.nearest[10:].tolist() == [-1, 0, 0]
    assert found.confidence[10:].tolist() == pytest.approx([0, 0.6 / 2.3, 0.6 / 2.3])


def test_without_noise_a_post_far_from_all_themes_is_reached_through_others():
    chain = {(4 + i, 5 + i): 1.0 for i in range(8)} | {(4, 0): 1.0}
    graph = tied(4, *[1] * 9, 4, edges=chain)
    found = settle(graph, labels((0, 4), (-1, 9), (1, 4)), fewest=3, noise=False)
    assert found.theme.tolist() == [0] * 13 + [1] * 4


def test_one_theme_of_more_than_nine_tenths_is_none():
    even = settle(tied(19, 2), labels((0, 19), (1, 2)), fewest=2)
    assert even.theme.tolist() == even.nearest.tolist() == [-1] * 21
    assert not even.confidence.any()
    just = settle(tied(18, 2), labels((0, 18), (1, 2)), fewest=2)
    assert just.theme.tolist() == [0] * 18 + [1] * 2


def test_themes_are_numbered_by_size_and_then_by_their_first_post():
    found = settle(tied(3, 5, 3, 4), labels((1, 3), (0, 5), (3, 3), (2, 4)), fewest=3)
    assert found.theme.tolist() == [2] * 3 + [0] * 5 + [3] * 3 + [1] * 4
    assert found.nearest.tolist() == found.theme.tolist()


@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("noise", [True, False])
def test_posts_of_no_cluster_and_without_ties_stay_noise(n, noise):
    graph = sp.csr_matrix((n, n), dtype=np.float32)
    found = settle(graph, np.full(n, -1, np.int32), fewest=3, noise=noise)
    assert found.theme.tolist() == found.nearest.tolist() == [-1] * n
    assert found.confidence.tolist() == [0.0] * n


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.booleans(), fewest=st.integers(2, 5))
def test_names_of_clusters_do_not_matter_and_the_confidence_is_the_share(seed, noise, fewest):
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.random((30, 30)) * (rng.random((30, 30)) < 0.2), 1)
    graph = sp.csr_matrix((weights + weights.T).astype(np.float32))
    start = rng.integers(-1, 5, 30).astype(np.int32)
    names = np.append(rng.permutation(9)[:5], -1).astype(np.int32)
    found = settle(graph, start, fewest=fewest, noise=noise)
    renamed = settle(graph, names[start], fewest=fewest, noise=noise)
    np.testing.assert_array_equal(found.theme, renamed.theme)
    np.testing.assert_array_equal(found.confidence, renamed.confidence)
    sizes = np.bincount(found.theme[found.theme >= 0], minlength=1)
    assert (np.diff(sizes) <= 0).all()
    assert not sizes.any() or sizes.min() >= fewest
    held = (graph @ (found.theme[:, None] == np.arange(len(sizes)))) / graph.sum(axis=1).clip(1e-12)
    inside = np.flatnonzero(found.theme >= 0)
    own = np.asarray(held)[inside, found.theme[inside]]
    if noise:
        assert (found.confidence[inside] >= own - 1e-6).all()
        assert (found.confidence[inside] >= 0.5).all()
    else:
        np.testing.assert_allclose(found.confidence[inside], own, atol=1e-6)
