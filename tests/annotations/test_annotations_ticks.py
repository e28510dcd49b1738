"""Scores to what the page shows as ticked, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.annotations.results import chosen_labels
from narraframe.annotations.ticks import tick
from narraframe.records import Codebook, Facet, Label, Retired, Scores

FRAME, STANCE = Facet("frame", "Frame"), Facet("stance", "Stance", choice="single")


def book(*labels, retired=()):
    return Codebook("2", "", (FRAME, STANCE), tuple(labels), tuple(retired))


def label(label_id, parent=None):
    return Label(label_id, "stance" if label_id.startswith("s.") else "frame", label_id, "", parent)


PLAIN = book(label("a"), label("b"), label("s.for"), label("s.against"))


def scores(label_ids, p, decided, reasons=None, abstained=None):
    p = np.array(p, dtype=np.float32).reshape(-1, len(label_ids))
    return Scores(
        post_ids=tuple(f"p{i}" for i in range(len(p))),
        label_ids=tuple(label_ids),
        probability=p,
        decision=np.array(decided, dtype=bool).reshape(p.shape),
        abstained=np.broadcast_to(np.array(0 if abstained is None else abstained), p.shape) > 0,
        thresholds=np.full(len(label_ids), 0.5),
        reasons=reasons or ("",) * len(p),
        model="m/1@0",
    )


def test_the_labels_decided_are_ticked_with_their_probability():
    (found,) = tick(scores(PLAIN.label_ids, [0.75, 0.25, 0.1, 0.9], [1, 0, 0, 1]), PLAIN)
    assert found.results == [
        {
            "from_name": "frame",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": ["a"]},
            "score": 0.75,
        },
        {
            "from_name": "stance",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": ["s.against"]},
            "score": 0.9,
        },
    ]


def test_the_score_is_the_share_of_questions_expected_right():
    """Questions: a (ticked, .75), b (not ticked, 1 - .25), and the stance (.9)."""
    (found,) = tick(scores(PLAIN.label_ids, [0.75, 0.25, 0.1, 0.9], [1, 0, 0, 1]), PLAIN)
    assert found.score == pytest.approx((0.75 + 0.75 + 0.9) / 3, abs=1e-4)


def test_a_decision_against_the_odds_lowers_the_score():
    """Decided by a cut below one half: the model expects to be wrong more often than not."""
    (found,) = tick(scores(("a",), [0.3], [1]), PLAIN)
    assert found.score == pytest.approx(0.3)


def test_the_more_certain_post_has_the_higher_score():
    certain, unsure = tick(
        scores(PLAIN.label_ids, [[0.9, 0.05, 0.1, 0.9], [0.5, 0.4, 0.4, 0.6]], [[1, 0, 0, 1]] * 2),
        PLAIN,
    )
    assert certain.score > unsure.score


def test_nothing_decided_is_an_empty_answer_and_not_none():
    (found,) = tick(scores(PLAIN.label_ids, [0.1, 0.2, 0.3, 0.2], [0, 0, 0, 0]), PLAIN)
    assert found.results == []
    assert found.score == pytest.approx((0.9 + 0.8 + 0.5) / 3, abs=1e-4)


def test_of_a_single_choice_the_most_probable_of_the_decided_is_ticked():
    (found,) = tick(scores(PLAIN.label_ids, [0.1, 0.1, 0.8, 0.7], [0, 0, 1, 1]), PLAIN)
    assert chosen_labels(found.results) == {"stance": ("s.for",)}


def test_only_leaves_are_ticked():
    tree = book(label("top"), label("top.x", "top"), label("s.for"))
    (found,) = tick(scores(tree.label_ids, [0.9, 0.2, 0.6], [1, 0, 1]), tree)
    assert chosen_labels(found.results) == {"stance": ("s.for",)}


def test_a_post_without_a_score_and_one_without_a_known_label_get_nothing():
    got = scores(("a",), [[np.nan], [0.9], [np.nan]], [[0], [1], [0]], ("no text", "", ""))
    first, second, untrained = tick(got, PLAIN)
    assert first is None
    assert untrained is None
    assert chosen_labels(second.results) == {"frame": ("a",)}
    assert tick(scores(("elsewhere",), [0.9], [1]), PLAIN) == (None,)


def test_a_label_that_was_not_trained_is_no_question():
    (found,) = tick(scores(("a", "b"), [0.75, np.nan], [1, 0]), PLAIN)
    assert found.score == pytest.approx(0.75)


def test_a_renamed_or_merged_label_stands_for_the_one_that_took_its_place():
    new = book(
        label("b"),
        label("s.for"),
        retired=[
            Retired("a", "frame", ("mid",)),
            Retired("mid", "frame", ("b",)),
            Retired("gone", "frame"),
            Retired("wide", "frame", ("b", "s.for")),
        ],
    )
    old = ("a", "b", "gone", "wide")
    (found,) = tick(scores(old, [0.8, 0.3, 0.9, 0.9], [1, 0, 1, 1]), new)
    assert chosen_labels(found.results) == {"frame": ("b",)}
    assert found.score == pytest.approx(0.8)


def test_labels_retired_in_a_circle_are_left_out():
    loop = book(
        label("s.for"), retired=[Retired("a", "frame", ("b",)), Retired("b", "frame", ("a",))]
    )
    assert tick(scores(("a",), [0.9], [1]), loop) == (None,)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=6), st.integers(0, 999))
def test_each_post_is_ticked_as_if_it_were_alone(rows, seed):
    p = np.array(rows)
    decided = np.random.default_rng(seed).random(p.shape) < p
    together = tick(scores(PLAIN.label_ids, p, decided), PLAIN)
    alone = [tick(scores(PLAIN.label_ids, p[i], decided[i]), PLAIN)[0] for i in range(len(p))]
    assert list(together) == alone
    for found in together:
        assert 0 <= found.score <= 1
        assert len(chosen_labels(found.results).get("stance", ())) <= 1


OPEN = book(label("a"), label("s.for"), label("s.against"))


def test_what_was_left_open_is_not_ticked_and_counts_as_sure_as_the_model_is():
    p = [[0.9, 0.55, 0.45], [0.5, 0.55, 0.45]]
    left = tick(scores(OPEN.label_ids, p, [[1, 1, 0]] * 2, abstained=1), OPEN)
    forced = tick(scores(OPEN.label_ids, p, [[1, 1, 0]] * 2), OPEN)
    assert [one.results for one in left] == [[], []]
    assert [one.score for one in left] == [one.score for one in forced]
    assert [one.score for one in left] == pytest.approx([0.725, 0.525])


def test_of_an_open_single_choice_none_may_be_the_most_probable_answer():
    (found,) = tick(scores(OPEN.label_ids, [0.9, 0.2, 0.2], [1, 0, 0], abstained=[0, 1, 1]), OPEN)
    assert found.score == pytest.approx((0.9 + 0.6) / 2)


def test_a_facet_left_open_is_not_one_where_nothing_applies():
    def facets(decided, abstained):
        given = scores(PLAIN.label_ids, [0.6, 0.4, 0.5, 0.4], decided, abstained=abstained)
        (found,) = tick(given, PLAIN)
        return found.facets

    assert facets([0, 0, 0, 0], [0, 0, 0, 0]) == {"frame", "stance"}
    assert facets([1, 0, 1, 0], [1, 1, 0, 0]) == {"stance"}
    assert facets([1, 0, 1, 0], [0, 1, 1, 1]) == {"frame"}, "what is ticked is said all the same"
    assert facets([1, 0, 1, 0], [1, 1, 1, 1]) == frozenset()


def test_a_merged_label_is_open_where_none_of_the_old_ones_was_decided():
    new = book(label("b"), label("s.for"), retired=[Retired("a", "frame", ("b",))])
    open_, said = tick(
        scores(("a", "b"), [[0.4, 0.3]] * 2, [[1, 0]] * 2, abstained=[[1, 0], [0, 1]]), new
    )
    assert (open_.results, open_.score, open_.facets) == ([], 0.6, frozenset())
    assert chosen_labels(said.results) == {"frame": ("b",)}
