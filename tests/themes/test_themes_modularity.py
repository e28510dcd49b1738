from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.modularity import NOISE, best_cut
from narraframe.themes.neighbours import nearest_neighbours

FIELDS = [("parent", np.intp), ("child", np.intp), ("lambda_val", float), ("child_size", np.intp)]

PAIRED = [(4, 5), (4, 6), (5, 0), (5, 1), (6, 2), (6, 3)]
TWO_PAIRS = np.array([(a, b, 1.0, 1) for a, b in PAIRED], FIELDS)


def random_tree(rng: np.random.Generator, n: int) -> np.ndarray:
    """A condensed tree such as HDBSCAN's: clusters part into two, posts fall out anywhere."""
    edges, lowest, splits = [], [n], int(rng.integers(0, 5))
    for _ in range(splits):
        parent = lowest.pop(rng.integers(len(lowest)))
        children = [len(edges) + n + 1, len(edges) + n + 2]
        edges += [(parent, child) for child in children]
        lowest += children
    homes = np.concatenate([lowest, rng.integers(n, n + 1 + 2 * splits, n - len(lowest))])
    edges += zip(rng.permutation(homes).tolist(), range(n), strict=True)
    return np.array([(a, b, 1.0, 1) for a, b in edges], FIELDS)


def random_graph(rng: np.random.Generator, n: int) -> sp.csr_matrix:
    weights = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.4), 1).astype(np.float32)
    weights[0, 1] = 0.5
    return sp.csr_matrix(weights + weights.T)


def posts_below(tree: np.ndarray, n: int, cluster: int) -> list[int]:
    children = tree["child"][tree["parent"] == cluster].tolist()
    found = [[c] if c < n else posts_below(tree, n, c) for c in children]
    return sorted(chain.from_iterable(found))


def cuts(tree: np.ndarray, n: int, cluster: int) -> Iterator[list[list[int]]]:
    """Yield every set of clusters, no one within another, as their posts."""
    parted: list[list[list[int]]] = [[]]
    for child in tree["child"][(tree["parent"] == cluster) & (tree["child"] >= n)].tolist():
        parted = [above + below for above in parted for below in cuts(tree, n, child)]
    yield from parted
    yield [posts_below(tree, n, cluster)]


def slow_modularity(clusters: list[list[int]], graph: sp.csr_matrix, granularity: float) -> float:
    weights = graph.toarray().astype(float)
    degree, total = weights.sum(axis=1), weights.sum()
    within = [weights[np.ix_(posts, posts)].sum() / total for posts in clusters]
    chance = [(degree[posts].sum() / total) ** 2 for posts in clusters]
    return sum(within) - granularity * sum(chance)


def clusters_of(labels: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(labels == c).tolist() for c in range(labels.max() + 1)]


@settings(max_examples=150, deadline=None)
@given(n=st.integers(5, 12), granularity=st.floats(0.1, 4), seed=st.integers(0, 2**32 - 1))
def test_no_cut_of_the_tree_has_a_larger_modularity(n, granularity, seed):
    rng = np.random.default_rng(seed)
    tree, graph = random_tree(rng, n), random_graph(rng, n)
    labels = best_cut(tree, graph, granularity=granularity)
    possible = list(cuts(tree, n, n))
    found = clusters_of(labels)
    assert sorted(found) in [sorted(c) for c in possible]
    best = max(slow_modularity(c, graph, granularity) for c in possible)
    assert slow_modularity(found, graph, granularity) == pytest.approx(best, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(granularity=st.floats(0.1, 2), seed=st.integers(0, 2**32 - 1))
def test_the_modularity_of_a_cut_is_that_of_networkx(granularity, seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 10)
    clusters = clusters_of(rng.permutation(np.arange(10) % 3))
    expected = nx.community.modularity(
        nx.from_scipy_sparse_array(graph), clusters, resolution=granularity
    )
    assert slow_modularity(clusters, graph, granularity) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=80, deadline=None)
@given(n=st.integers(5, 14), seed=st.integers(0, 2**32 - 1))
def test_more_granularity_never_puts_more_posts_together(n, seed):
    # Of any two cuts, that which chance favours less gains by granularity: this holds on any tree.
    rng = np.random.default_rng(seed)
    tree, graph = random_tree(rng, n), random_graph(rng, n)
    found = [
        clusters_of(best_cut(tree, graph, granularity=g)) for g in (0.1, 0.3, 0.6, 1.0, 1.5, 3.0)
    ]
    by_chance = [slow_modularity(c, graph, 0.0) - slow_modularity(c, graph, 1.0) for c in found]
    assert all(finer <= coarser + 1e-9 for coarser, finer in pairwise(by_chance))


def test_more_granularity_gives_no_fewer_clusters_while_they_are_better_than_chance(make_blobs):
    from hdbscan import HDBSCAN

    vectors = make_blobs(*[40] * 6, spread=0.25).vectors
    graph = fuzzy_graph(nearest_neighbours(vectors))
    model = HDBSCAN(min_cluster_size=4, min_samples=2).fit(vectors.astype(float))
    tree = model.condensed_tree_._raw_tree
    numbers = [best_cut(tree, graph, granularity=g).max() + 1 for g in (0.01, 0.3, 1, 2, 3)]
    assert numbers == sorted(numbers)
    assert numbers[0] < numbers[-1]


def test_a_cluster_worth_as_much_as_its_halves_is_kept_whole():
    # Three quarters of the weight are within the pairs. Whole: 1 - g; halves: 3/4 - g/2.
    graph = sp.csr_matrix(0.5 + 2.5 * np.kron(np.eye(2), np.ones((2, 2))) - 3.0 * np.eye(4))
    assert best_cut(TWO_PAIRS, graph, granularity=0.5).tolist() == [0, 0, 0, 0]
    assert best_cut(TWO_PAIRS, graph, granularity=0.6).tolist() == [0, 0, 1, 1]


def test_a_post_that_falls_out_above_all_clusters_kept_is_noise():
    triangle = 1.0 - np.eye(3)
    graph = sp.block_diag([triangle, triangle, [[0.0]]], format="csr")
    homes = [(8, p, 2, 1) for p in range(3)] + [(9, p, 2, 1) for p in range(3, 6)]
    tree = np.array([(7, 8, 1, 3), (7, 9, 1, 3), *homes, (7, 6, 0.1, 1)], FIELDS)
    assert best_cut(tree, graph, granularity=1.0).tolist() == [0, 0, 0, 1, 1, 1, NOISE]


def test_a_cluster_no_better_than_chance_is_noise():
    # All edges lead from one pair to the other.
    graph = sp.csr_matrix(np.kron([[0.0, 1], [1, 0]], np.ones((2, 2))))
    assert best_cut(TWO_PAIRS, graph, granularity=2.0).tolist() == [NOISE] * 4
