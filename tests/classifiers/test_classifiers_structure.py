import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.classifiers.structure import Choice, Structure, build_structure, cohere, decide

IDS = ("root", "a", "a.x", "a.y", "b", "for", "neutral", "against")
PARENTS = {"a": "root", "a.x": "a", "a.y": "a", "b": "root"}
STRUCTURE = build_structure(IDS, parents=PARENTS, single_choice=[("for", "neutral", "against")])
OPEN = Structure(STRUCTURE.links, (Choice((5, 6, 7), (), is_open=True),))


def random_p(seed, n=20, missing=0.1):
    rng = np.random.default_rng(seed)
    p = rng.random((n, len(IDS)))
    p[:, rng.random(len(IDS)) < missing] = np.nan
    return p


@given(st.integers(0, 10**6))
def test_a_parent_is_at_least_as_probable_as_its_children(seed):
    p = cohere(random_p(seed), STRUCTURE)
    for child, parent in PARENTS.items():
        c, q = p[:, IDS.index(child)], p[:, IDS.index(parent)]
        assert (np.isnan(c) | (q >= c)).all()


@given(st.integers(0, 10**6))
def test_a_decided_child_decides_its_parents(seed):
    p = cohere(random_p(seed), STRUCTURE).astype(np.float32)
    decision = decide(p, np.random.default_rng(seed).random(len(IDS)), STRUCTURE)
    for child, parent in PARENTS.items():
        assert (decision[:, IDS.index(parent)] >= decision[:, IDS.index(child)]).all()


@given(st.integers(0, 10**6))
def test_exactly_one_label_of_a_single_choice_is_decided_and_it_is_the_most_probable(seed):
    p = cohere(random_p(seed, missing=0), STRUCTURE).astype(np.float32)
    decision = decide(p, np.full(len(IDS), 0.99), STRUCTURE)
    assert (decision[:, 5:].sum(axis=1) == 1).all()
    assert (decision[:, 5:].argmax(axis=1) == p[:, 5:].argmax(axis=1)).all()
    np.testing.assert_allclose(p[:, 5:].sum(axis=1), 1, rtol=1e-6)


def test_an_open_choice_leaves_room_for_none():
    p = np.array([[0.0] * 5 + [0.1, 0.2, 0.1], [0.0] * 5 + [0.1, 0.5, 0.1], [0.0] * 5 + [0.8] * 3])
    coherent = cohere(p, OPEN)
    np.testing.assert_allclose(coherent[:2], p[:2])
    np.testing.assert_allclose(coherent[2, 5:], 1 / 3)
    decision = decide(coherent.astype(np.float32), np.ones(8), OPEN)
    assert decision[:, 5:].tolist() == [
        [False, False, False],
        [False, True, False],
        [True, False, False],
    ]


def test_a_choice_without_any_probability_decides_nothing():
    p = cohere(np.full((2, 8), np.nan), STRUCTURE).astype(np.float32)
    assert not decide(p, np.zeros(8), STRUCTURE).any()


def test_a_parent_without_probability_follows_its_children():
    p = np.full((1, 8), np.nan)
    p[0, IDS.index("a.x")] = 0.7
    coherent = cohere(p, STRUCTURE)
    assert coherent[0, IDS.index("root")] == 0.7
    assert np.isnan(coherent[0, IDS.index("b")])


def test_parents_within_a_single_choice_follow_the_chosen_leaf():
    ids = ("p", "p.x", "q", "q.x")
    structure = build_structure(ids, parents={"p.x": "p", "q.x": "q"}, single_choice=[ids])
    p = cohere(np.array([[0.9, 0.3, 0.9, 0.6]]), structure).astype(np.float32)
    assert decide(p, np.zeros(4), structure).tolist() == [[False, False, True, True]]


def test_ids_that_are_no_columns_are_refused():
    with pytest.raises(ValueError, match=r"not among the label_ids: \['c'\]"):
        build_structure(("a", "b"), parents={"a": "c"}, single_choice=[])


def test_a_label_above_itself_is_refused():
    with pytest.raises(ValueError, match="above itself"):
        build_structure(("a", "b"), parents={"a": "b", "b": "a"}, single_choice=[])
