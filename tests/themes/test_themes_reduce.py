from __future__ import annotations

import warnings

import numpy as np
import pytest

from narraframe.themes.neighbours import fuzzy_graph, nearest_neighbours
from narraframe.themes.reduce import reduce


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(make_corpus):
    vectors = make_corpus(20, 15).vectors
    graph = fuzzy_graph(nearest_neighbours(vectors))
    layouts = [reduce(vectors, graph, n_components=5, seed=seed) for seed in (3, 3, 4)]
    assert layouts[0].tobytes() == layouts[1].tobytes() != layouts[2].tobytes()
    assert layouts[0].dtype == np.float32
    assert layouts[0].shape == (35, 5)


def test_a_layout_leaves_the_graph_as_it_was(make_corpus):
    vectors = make_corpus(20, 15).vectors
    graph = fuzzy_graph(nearest_neighbours(vectors))
    before = graph.toarray()
    reduce(vectors, graph, n_components=2)
    np.testing.assert_array_equal(graph.toarray(), before)


def test_posts_of_one_subject_lie_together(make_corpus):
    corpus = make_corpus(30, 25, 20)
    graph = fuzzy_graph(nearest_neighbours(corpus.vectors))
    xy = reduce(corpus.vectors, graph, n_components=2, min_dist=0.1)
    distance = np.linalg.norm(xy[:, None] - xy, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (corpus.truth[distance.argmin(axis=1)] == corpus.truth).all()


@pytest.mark.parametrize("n", [1, 2, 3, 14, 15, 16, 40])
@pytest.mark.parametrize("n_components", [2, 5])
@pytest.mark.parametrize("alike", [False, True])
def test_few_or_identical_posts_are_laid_out_without_a_warning(make_corpus, n, n_components, alike):
    vectors = make_corpus(n, 1).vectors[:n]
    vectors = np.repeat(vectors[:1], n, axis=0) if alike else vectors
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = fuzzy_graph(nearest_neighbours(vectors))
        layout = reduce(vectors, graph, n_components=n_components)
    assert layout.shape == (n, n_components)
    assert np.isfinite(layout).all()


def test_very_few_posts_keep_their_distances(make_corpus):
    vectors = make_corpus(2, 1).vectors
    layout = reduce(vectors, fuzzy_graph(nearest_neighbours(vectors)), n_components=2)
    np.testing.assert_allclose(
        np.linalg.norm(layout[:, None] - layout, axis=2),
        np.linalg.norm(vectors[:, None] - vectors, axis=2),
        atol=1e-6,
    )
