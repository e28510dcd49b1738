"""What to label next: who asks, for what, and that it is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.annotations.active import NOVEL, THEME, Corpus, choose
from narraframe.annotations.wishes import DEFINED, LIKE, UNSURE, closeness, nearest, wishes

D = 8


def axis(*places: int) -> np.ndarray:
    """Unit vectors along the axes named."""
    return np.eye(D, dtype=np.float32)[list(places)]


def known(m: int, k: int = 2, **changes) -> Corpus:
    """A corpus of m candidates at right angles as far as they go, nothing known of them."""
    nothing = Corpus(
        vectors=axis(*(i % D for i in range(m))),
        labelled=np.zeros((0, D), dtype=np.float32),
        positive=np.zeros((0, k), dtype=np.bool_),
        label_names=[f"Label {j}" for j in range(k)],
        probability=np.full((m, k), np.nan),
        thresholds=np.full(k, np.nan),
        definitions=np.full((k, D), np.nan, dtype=np.float32),
        theme=np.full(m, -1),
        labelled_theme=np.zeros(0, dtype=np.int64),
    )
    return replace(nothing, **changes)


# --- who asks for what


def test_a_label_that_is_learnt_asks_for_the_post_nearest_to_its_threshold():
    p = np.array([[0.9], [0.28], [0.5], [0.05]])
    (first, *_) = choose(known(4, 1, probability=p, thresholds=np.array([0.3])), n=1)
    assert (first.row, first.kind) == (1, UNSURE)
    assert first.reason == "the model is unsure of Label 0 (0.28)"


def test_a_label_that_is_not_learnt_asks_for_posts_like_those_labelled_with_it():
    corpus = known(4, 1, labelled=axis(2, 3), positive=np.array([[True], [False]]))
    (first,) = choose(corpus, n=1)
    assert (first.row, first.kind) == (2, LIKE)
    assert first.reason == "like a post labelled Label 0 (1.00)"


def test_a_label_that_nothing_is_labelled_with_asks_by_its_definition():
    (first,) = choose(known(4, 1, definitions=axis(3)), n=1)
    assert (first.row, first.kind) == (3, DEFINED)
    assert first.reason == "near the definition of Label 0 (1.00)"


def test_labels_take_turns_and_those_with_the_fewest_positives_come_first():
    corpus = known(
        8,
        2,
        labelled=axis(6, 6, 7),
        positive=np.array([[True, False], [True, False], [False, True]]),
        probability=np.tile([[0.5, 0.5]], (8, 1)),
        thresholds=np.array([0.5, 0.5]),
    )
    asked = [choice.reason.split("unsure of ")[1] for choice in choose(corpus, n=4)]
    assert asked == ["Label 1 (0.50)", "Label 0 (0.50)"] * 2


def test_of_two_posts_that_a_label_wants_alike_the_one_unlike_the_first_is_taken():
    corpus = known(
        3,
        1,
        vectors=axis(0, 0, 1),
        probability=np.array([[0.50], [0.49], [0.47]]),
        thresholds=np.array([0.5]),
    )
    assert [choice.row for choice in choose(corpus, n=3)] == [0, 2, 1]


def test_a_post_without_a_score_is_not_said_to_be_unsure():
    p = np.array([[np.nan], [0.01], [np.nan]])
    chosen = choose(known(3, 1, probability=p, thresholds=np.array([0.5])), n=3)
    assert (chosen[0].row, chosen[0].kind) == (1, UNSURE)
    assert {c.kind for c in chosen[1:]} == {NOVEL}


def test_a_theme_without_labelled_posts_comes_before_one_with_some():
    theme = np.array([0, 0, 0, 1, 1, 1])
    corpus = known(6, 0, theme=theme, labelled=axis(0), labelled_theme=np.array([0]))
    corpus = replace(corpus, positive=np.zeros((1, 0), dtype=np.bool_))
    first, second = choose(corpus, n=2)
    assert theme[first.row] == 1
    assert first.reason == "theme T1 has no labelled post"
    assert second.reason == "theme T0 has 1 of 4 posts labelled"


def test_of_a_theme_the_typical_post_is_taken():
    vectors = np.array([[1, 0.5], [1, 0], [1, -0.5]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    corpus = known(3, 0, vectors=np.pad(vectors, ((0, 0), (0, D - 2))), theme=np.zeros(3, int))
    assert choose(corpus, n=1)[0].row == 1


def test_without_labels_and_themes_the_post_that_stands_for_most_is_taken():
    corpus = known(6, 0, vectors=axis(0, 1, 1, 1, 2, 2), labelled=axis(1))
    corpus = replace(corpus, positive=np.zeros((1, 0), dtype=np.bool_))
    first, second, *_ = choose(corpus, n=3)
    assert first.row in (4, 5)
    assert first.reason == "nothing like it is labelled (nearest 0.00)"
    assert second.row == 0


def test_one_in_twenty_is_of_a_thin_theme_and_one_unlike_all_that_is_labelled():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    corpus = known(
        200,
        3,
        vectors=vectors,
        probability=rng.random((200, 3)),
        thresholds=np.full(3, 0.4),
        theme=rng.integers(0, 5, 200),
    )
    kinds = [choice.kind for choice in choose(corpus, n=100)]
    assert (kinds.count(UNSURE), kinds.count(THEME), kinds.count(NOVEL)) == (90, 5, 5)


# --- whatever comes


@given(m=st.integers(0, 30), k=st.integers(0, 4), n=st.integers(0, 40), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_no_candidate_is_chosen_twice_and_as_many_as_there_are(m, k, n, seed):
    rng = np.random.default_rng(seed)
    labelled = int(rng.integers(0, 5))
    p = np.where(rng.random((m, k)) < 0.3, np.nan, rng.random((m, k)))
    corpus = known(
        m,
        k,
        labelled=axis(*rng.integers(0, D, labelled)),
        positive=rng.random((labelled, k)) < 0.4,
        probability=np.where(rng.random(k) < 0.5, np.nan, p) if m else p,
        thresholds=np.where(rng.random(k) < 0.3, np.nan, rng.random(k)),
        definitions=np.where(rng.random((k, 1)) < 0.5, np.nan, 1).astype(np.float32)
        * axis(*range(k)),
        theme=rng.integers(-1, 3, m),
        labelled_theme=rng.integers(-1, 5, labelled),
    )
    chosen = choose(corpus, n=n)
    assert len({choice.row for choice in chosen}) == len(chosen) == min(n, m)
    assert all(choice.reason and choice.kind for choice in chosen)
    assert chosen == choose(corpus, n=n)
    assert chosen[: n // 2] == choose(corpus, n=n // 2)[: n // 2]


# --- wishes


def test_closeness_is_one_at_the_threshold_and_nothing_at_certainty():
    p = np.array([0, 0.1, 0.2, 0.6, 1, np.nan])
    assert closeness(p, 0.2) == pytest.approx([0, 0.5, 1, 0.5, 0, np.nan], nan_ok=True)
    assert closeness(np.array([0.25, 0.5]), np.nan) == pytest.approx([0.5, 1])


def test_closeness_holds_for_thresholds_at_the_ends():
    assert np.isfinite(closeness(np.array([0.0, 0.5, 1.0]), 0.0)).all()
    assert np.isfinite(closeness(np.array([0.0, 0.5, 1.0]), 1.0)).all()


def test_nearest_is_the_largest_similarity_whatever_the_block():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(n, D)).astype(np.float32) for n in (37, 5))
    slow = [max(float(x @ y) for y in b) for x in a]
    assert nearest(a, b, block=10) == pytest.approx(slow, abs=1e-4)
    assert nearest(a, b[:0]).tolist() == [0] * 37


def test_a_label_of_which_nothing_is_known_wishes_nothing():
    found = wishes(
        axis(0, 1),
        labelled=axis(2),
        positive=np.zeros((1, 1), dtype=np.bool_),
        probability=np.full((2, 1), np.nan),
        thresholds=np.full(1, np.nan),
        definitions=np.full((1, D), np.nan, dtype=np.float32),
    )
    assert found.kind == ("",)
    assert np.isnan(found.value).all()
