import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.classifiers.softmax import softmax
from narraframe.classifiers.structure import (
    Choice,
    Structure,
    abstain,
    build_structure,
    cohere,
    decide,
)

# Two levels of several-choice labels; a facet of one choice with a level of its own.
IDS = ("root", "a", "a.x", "a.y", "b", "for", "for.much", "for.little", "neutral", "against")
PARENTS = {"a": "root", "a.x": "a", "a.y": "a", "b": "root", "for.much": "for", "for.little": "for"}
FREE = {child: parent for child, parent in PARENTS.items() if not child.startswith("for")}
FACET = slice(5, 10)
CLOSED = build_structure(IDS, parents=PARENTS, single_choice=[IDS[FACET]])
OPEN = Structure(CLOSED.links, (Choice((6, 7, 8, 9), (5,), is_open=True),))
SEEDS = st.integers(0, 10**6)
EITHER = st.sampled_from([CLOSED, OPEN])


def coherent(seed, structure, n=20, missing=0.1):
    """Probabilities as heads give them: any, but those of the facet sum to 1 (or less)."""
    rng = np.random.default_rng(seed)
    logit = 3 * rng.normal(size=(n, len(IDS)))
    logit[:, rng.random(len(IDS)) < missing] = np.nan
    p = 1 / (1 + np.exp(-logit))
    for choice in structure.choices:
        p[:, list(choice.leaves)] = softmax(logit[:, list(choice.leaves)], choice)
    return np.round(cohere(p, structure), 6).astype(np.float32)


def cuts(seed, missing=0.1):
    rng = np.random.default_rng(seed + 1)
    return np.where(rng.random(len(IDS)) < missing, np.nan, rng.random(len(IDS)))


def at(values, label_id):
    return values[:, IDS.index(label_id)]


def test_labels_become_columns_the_deepest_links_first():
    assert CLOSED.links == ((2, 1), (3, 1), (1, 0), (4, 0), (6, 5), (7, 5))
    assert CLOSED.choices == (Choice((6, 7, 8, 9), (5,)),)


@given(SEEDS, EITHER)
def test_a_parent_is_at_least_as_probable_as_its_children(seed, structure):
    p = coherent(seed, structure)
    for child, parent in PARENTS.items():
        assert (np.isnan(at(p, child)) | (at(p, parent) >= at(p, child))).all()


@given(SEEDS, EITHER)
def test_a_parent_whose_children_exclude_each_other_is_as_probable_as_all_of_them(seed, structure):
    p = coherent(seed, structure, missing=0)
    np.testing.assert_allclose(at(p, "for"), at(p, "for.much") + at(p, "for.little"), atol=2e-6)


@given(SEEDS)
def test_coherence_changes_no_leaf_and_is_reached_at_once(seed):
    p = np.random.default_rng(seed).random((20, len(IDS)))
    once = cohere(p, CLOSED)
    leaves = [2, 3, 4, 6, 7, 8, 9]
    assert (once[:, leaves] == p[:, leaves]).all()
    np.testing.assert_array_equal(cohere(once, CLOSED), once)


@given(SEEDS, EITHER)
def test_a_decided_child_decides_its_parents(seed, structure):
    decision = decide(coherent(seed, structure), cuts(seed), structure)
    for child, parent in PARENTS.items():
        assert (at(decision, parent) >= at(decision, child)).all()


@given(SEEDS, EITHER)
def test_outside_choices_a_label_applies_from_its_threshold_or_through_a_child(seed, structure):
    p, thresholds = coherent(seed, structure), cuts(seed)
    decision = decide(p, thresholds, structure)
    own = p.astype(float) >= thresholds
    assert (decision[:, [2, 3, 4]] == own[:, [2, 3, 4]]).all()
    assert (decision[:, 1] == own[:, 1:4].any(axis=1)).all()
    assert (decision[:, 0] == own[:, :5].any(axis=1)).all()


@given(SEEDS)
def test_exactly_one_label_of_a_closed_choice_is_decided_the_most_probable(seed):
    p = coherent(seed, CLOSED, missing=0)
    decision = decide(p, np.full(len(IDS), 0.99), CLOSED)
    assert (decision[:, 6:].sum(axis=1) == 1).all()
    assert (decision[:, 6:].argmax(axis=1) == p[:, 6:].argmax(axis=1)).all()
    assert (at(decision, "for") == decision[:, [6, 7]].any(axis=1)).all()


@given(SEEDS)
def test_an_open_choice_has_one_label_or_none_where_none_is_likelier(seed):
    p = coherent(seed, OPEN)
    decision = decide(p, cuts(seed), OPEN)
    leaves = np.nan_to_num(p[:, 6:].astype(float))
    none = 1 - leaves.sum(axis=1)
    assert (decision[:, 6:].any(axis=1) == (leaves.max(axis=1) >= none)).all()
    assert (decision[:, 6:].sum(axis=1) <= 1).all()


@settings(max_examples=300)
@given(SEEDS, EITHER, st.floats(0.01, 0.49))
def test_decisions_and_abstentions_never_contradict_each_other(seed, structure, risk):
    p, thresholds = coherent(seed, structure), cuts(seed)
    decision = decide(p, thresholds, structure)
    unsure = abstain(p, decision, structure, risk=risk)
    found, denied = decision & ~unsure, ~decision & ~unsure & np.isfinite(p)
    for child, parent in PARENTS.items():
        assert not (at(found, child) & ~at(found, parent)).any()
        assert not (at(denied, parent) & at(found, child)).any()
        assert not (at(denied, parent) & at(unsure, child)).any()
        assert not (at(unsure, parent) & at(found, child)).any()
    assert not (unsure & np.isnan(p)).any()
    facet = np.isfinite(p[:, FACET])
    assert (unsure[:, FACET] == (unsure[:, FACET].any(axis=1, keepdims=True) & facet)).all()


@given(SEEDS, EITHER, st.floats(0.01, 0.49))
def test_no_decision_that_stands_is_wrong_with_more_than_the_risk(seed, structure, risk):
    p, thresholds = coherent(seed, structure), cuts(seed)
    decision = decide(p, thresholds, structure)
    unsure = abstain(p, decision, structure, risk=risk)
    wrong = np.where(decision, 1 - p.astype(float), p.astype(float))
    stands = ~unsure & np.isfinite(p)
    assert (wrong[stands] <= risk + 1e-5).all()
    outside = np.arange(len(IDS)) < 5
    assert (wrong[unsure & outside] > risk).all()


@given(SEEDS, st.floats(0.01, 0.49))
def test_a_choice_stands_where_its_best_answer_is_likely_enough(seed, risk):
    p = coherent(seed, OPEN, missing=0)
    unsure = abstain(p, decide(p, cuts(seed), OPEN), OPEN, risk=risk)
    leaves = p[:, 6:].astype(float)
    best = np.maximum(leaves.max(axis=1), 1 - leaves.sum(axis=1))
    assert (unsure[:, FACET] == (best < 1 - risk)[:, None]).all()


def test_without_a_risk_every_decision_stands():
    p = coherent(0, CLOSED)
    assert not abstain(p, decide(p, cuts(0), CLOSED), CLOSED, risk=0).any()


def test_a_parent_found_only_through_an_unsure_child_is_unsure_too():
    structure = Structure(((1, 0),), ())
    p = np.array([[0.25, 0.2]], dtype=np.float32)
    decision = decide(p, np.array([0.5, 0.1]), structure)
    assert decision.tolist() == [[True, True]]
    assert abstain(p, decision, structure, risk=0.3).tolist() == [[True, True]]


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (0.25, [False, True, True, True, False]),
        (0.5, [False, False, True, True, False]),
        (0.75, [False, False, True, True, False]),
        (0.875, [False, False, True, True, True]),
    ],
)
def test_a_decision_too_close_to_call_is_one_wrong_with_more_than_the_risk(cut, expected):
    p = np.array([[0.125, 0.25, 0.5, 0.625, 0.75]], dtype=np.float32).T
    nothing = Structure((), ())
    decision = decide(p, np.array([cut]), nothing)
    assert abstain(p, decision, nothing, risk=0.25).ravel().tolist() == expected


def test_an_open_choice_leaves_room_for_none():
    p = np.array([[0.0] * 6 + row for row in ([0.1, 0.2, 0.1, 0], [0.1, 0.5, 0.1, 0])], np.float32)
    decision = decide(cohere(p, OPEN).astype(np.float32), np.ones(10), OPEN)
    assert decision[:, FACET].tolist() == [[False] * 5, [True, False, True, False, False]]


def test_of_equally_probable_answers_the_first_is_decided():
    p = np.array([[0.0] * 6 + [0.25] * 4], np.float32)
    assert decide(p, np.ones(10), CLOSED)[0, 6:].tolist() == [True, False, False, False]


def test_a_choice_without_any_probability_decides_nothing():
    p = cohere(np.full((2, 10), np.nan), CLOSED).astype(np.float32)
    decision = decide(p, np.zeros(10), CLOSED)
    assert not decision.any()
    assert not abstain(p, decision, CLOSED, risk=0.2).any()


def test_a_parent_without_probability_follows_its_children():
    p = np.full((1, 10), np.nan)
    p[0, IDS.index("a.x")] = 0.7
    found = cohere(p, CLOSED)
    assert found[0, IDS.index("root")] == 0.7
    assert np.isnan(found[0, IDS.index("b")])


def test_probabilities_are_not_changed_in_place():
    p = np.array([[0.1, 0.9]])
    cohere(p, Structure(((1, 0),), ()))
    assert p.tolist() == [[0.1, 0.9]]


def test_a_row_is_the_same_in_any_batch():
    p, thresholds = coherent(1, OPEN, n=40), cuts(1)
    decision = decide(p, thresholds, OPEN)
    unsure = abstain(p, decision, OPEN, risk=0.3)
    for i in range(40):
        alone = decide(p[[i]], thresholds, OPEN)
        assert (alone == decision[[i]]).all()
        assert (abstain(p[[i]], alone, OPEN, risk=0.3) == unsure[[i]]).all()


def test_a_facet_that_has_no_labels_yet_asks_nothing():
    assert build_structure(("a",), parents={}, single_choice=[()]) == Structure((), ())


def test_ids_that_are_no_columns_are_refused():
    with pytest.raises(ValueError, match=r"not among the label_ids: \['c', 'd'\]"):
        build_structure(("a", "b"), parents={"a": "c"}, single_choice=[("b", "d")])


def test_a_label_above_itself_is_refused():
    with pytest.raises(ValueError, match="above itself"):
        build_structure(("a", "b"), parents={"a": "b", "b": "a"}, single_choice=[])
