"""Copies with contrary answers, against a slow count."""

import numpy as np

from narraframe.annotations.contrary import contrary_copies


def test_a_known_yes_and_a_known_no_to_one_text_contradict_each_other():
    y = np.array([[1, 0], [0, 0], [1, 0], [1, 1]], np.int8)
    known = np.ones_like(y, bool)
    found = contrary_copies(["a", "a", "b", "b"], y, known)
    assert (found.n_texts, found.n_labels) == (2, 2)


def test_an_unknown_answer_contradicts_nothing_nor_do_different_texts():
    y = np.array([[1], [0], [1], [0]], np.int8)
    known = np.array([[True], [False], [True], [True]])
    found = contrary_copies(["a", "a", "b", "c"], y, known)
    assert (found.n_texts, found.n_labels) == (0, 0)


def test_the_counts_are_those_of_all_pairs():
    rng = np.random.default_rng(0)
    texts = [str(i) for i in rng.integers(0, 25, 60)]
    y, known = rng.integers(0, 2, (60, 4)).astype(np.int8), rng.random((60, 4)) < 0.5
    clashes = {
        (texts[a], j)
        for a in range(60)
        for b in range(60)
        for j in range(4)
        if texts[a] == texts[b] and known[a, j] and known[b, j] and y[a, j] > y[b, j]
    }
    found = contrary_copies(texts, y, known)
    assert found.n_texts == len({text for text, _ in clashes})
    assert found.n_labels == len({j for _, j in clashes})
    assert found.n_texts < len(set(texts))
