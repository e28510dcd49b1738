from __future__ import annotations

import networkx as nx
import numba as nb
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.communities import N_RUNS, communities
from narraframe.themes.graph import fuzzy_graph
from narraframe.themes.neighbours import nearest_neighbours
from narraframe.themes.stability import mean_agreement


def as_matrix(graph: nx.Graph) -> sp.csr_matrix:
    matrix = sp.csr_matrix(nx.to_scipy_sparse_array(graph, dtype=np.float32))
    matrix.indptr, matrix.indices = (a.astype(np.int32) for a in (matrix.indptr, matrix.indices))
    return matrix


def planted(groups: int, size: int, inside: float, between: float, seed: int = 0) -> nx.Graph:
    return nx.planted_partition_graph(groups, size, inside, between, seed=seed)


def modularity(graph: nx.Graph, labels: np.ndarray, granularity: float) -> float:
    parts = [np.flatnonzero(labels == c).tolist() for c in range(labels.max() + 1)]
    return nx.community.modularity(graph, parts, resolution=granularity)


def test_two_cliques_joined_by_one_edge_are_two_communities():
    found = communities(as_matrix(nx.barbell_graph(6, 0)), granularity=1.0)
    assert found.tolist() == [0] * 6 + [1] * 6
    assert found.dtype == np.int32


def test_less_granularity_joins_them():
    found = communities(as_matrix(nx.barbell_graph(6, 0)), granularity=0.05)
    assert found.tolist() == [0] * 12


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_partition_is_recovered(seed):
    graph = planted(6, 40, 0.4, 0.02, seed)
    found = communities(as_matrix(graph), granularity=1.0, seed=seed)
    assert adjusted_rand_score(np.repeat(np.arange(6), 40), found) == 1.0


@pytest.mark.parametrize("granularity", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("kind", ["planted", "posts"])
def test_the_modularity_is_that_of_the_louvain_of_networkx_or_better(make_blobs, kind, granularity):
    graph = planted(5, 30, 0.3, 0.05)
    if kind == "posts":
        vectors = make_blobs(60, 50, 40, 30, spread=0.3).vectors
        graph = nx.from_scipy_sparse_array(fuzzy_graph(nearest_neighbours(vectors)))
    found = communities(as_matrix(graph), granularity=granularity)
    louvain = nx.community.louvain_communities(graph, resolution=granularity, seed=0)
    expected = nx.community.modularity(graph, louvain, resolution=granularity)
    assert modularity(graph, found, granularity) > expected - 0.01


def test_communities_of_more_runs_change_less_with_the_seed():
    graph = as_matrix(planted(5, 30, 0.3, 0.12))
    alone, agreed = (
        mean_agreement([communities(graph, granularity=1.0, seed=s, n_runs=n) for s in range(6)])
        for n in (1, 10)
    )
    assert agreed > alone + 0.2


@pytest.mark.skipif(nb.config.NUMBA_NUM_THREADS < 2, reason="numba may start one thread only")
def test_one_and_two_threads_find_the_same():
    graph, threads, found = as_matrix(planted(5, 30, 0.3, 0.15)), nb.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            nb.set_num_threads(n_threads)
            found.append(communities(graph, granularity=1.0).tolist())
    finally:
        nb.set_num_threads(threads)
    assert found[0] == found[1]


def test_where_there_is_no_structure_another_seed_finds_other_communities():
    graph = as_matrix(planted(1, 150, 0.1, 0.1))
    found = [communities(graph, granularity=1.0, seed=s).tolist() for s in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_a_post_without_neighbours_is_a_community_of_its_own():
    graph = nx.barbell_graph(5, 0)
    graph.add_nodes_from(["alone", "too"])
    found = communities(as_matrix(graph), granularity=1.0)
    assert found.tolist() == [0] * 5 + [1] * 5 + [2, 3]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_posts_without_any_edge_are_communities_of_one(n):
    found = communities(sp.csr_matrix((n, n), dtype=np.float32))
    assert found.tolist() == list(range(n))


def test_communities_are_numbered_by_their_first_post_without_gaps():
    graph = as_matrix(planted(8, 20, 0.5, 0.02))
    order = np.random.default_rng(0).permutation(160)
    found = communities(graph[order][:, order], granularity=1.0)
    first = np.unique(found, return_index=True)[1]
    assert np.unique(found).tolist() == list(range(8))
    assert (np.diff(first) > 0).all()


def test_more_granularity_gives_more_communities():
    graph = as_matrix(planted(6, 25, 0.4, 0.1))
    numbers = [communities(graph, granularity=g).max() + 1 for g in (0.05, 1.0, 5.0)]
    assert numbers[0] < numbers[1] < numbers[2]


def test_the_graph_stays_as_it_was():
    graph = as_matrix(planted(3, 20, 0.4, 0.1))
    before = graph.toarray()
    communities(graph)
    np.testing.assert_array_equal(graph.toarray(), before)


def test_progress_counts_the_runs():
    done: list[int] = []
    communities(as_matrix(nx.barbell_graph(5, 0)), progress=done.append)
    assert sum(done) == N_RUNS
