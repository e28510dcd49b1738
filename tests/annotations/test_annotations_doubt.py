"""Which answers a model doubts: those that its probability speaks against, label by label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from narraframe.annotations.doubt import ERRORS, doubt, doubtful_posts, frequency
from narraframe.records import HeldOut

NAN = float("nan")


def held_out(y, p, mask=None):
    y, p = np.asarray(y, np.int8), np.asarray(p, np.float32)
    n, k = y.shape
    return HeldOut(
        post_ids=tuple(f"p{i}" for i in range(n)),
        label_ids=tuple("abcdefgh"[:k]),
        y=y,
        mask=np.ones((n, k), bool) if mask is None else np.asarray(mask, bool),
        probability=p,
        decision=p >= 0.5,
        groups=np.arange(n),
        fold=np.zeros(n, np.intp),
    )


def share_of_errors(p, said, frequency_, *, n=2_000_000, seed=0):
    """Draw posts that look like this one, and answers with errors; count the wrong ones."""
    rng = np.random.default_rng(seed)
    true = rng.random(n) < p
    too_much = ERRORS * frequency_ / (1 - frequency_)
    flipped = rng.random(n) < np.where(true, ERRORS, too_much)
    answered = true ^ flipped
    return float((true != said)[answered == said].mean())


@pytest.mark.parametrize(("p", "said"), [(0.9, 0), (0.4, 0), (0.05, 1), (0.3, 1)])
def test_doubt_is_the_share_of_errors_among_such_answers(p, said):
    y = np.array([[1]] * 20 + [[0]] * 80)
    probability = np.full((100, 1), 0.2)
    row = 0 if said else 99
    probability[row] = p
    held = held_out(y, probability)
    expected = share_of_errors(p, said, frequency(held)[0])
    assert doubt(held)[row, 0] == pytest.approx(expected, rel=0.05)


def test_a_no_is_doubtful_from_one_half_on_and_a_yes_below_the_frequency_of_its_label():
    y = np.array([[1]] * 20 + [[0]] * 80)
    p = np.full((100, 1), 0.1)
    share = float(frequency(held_out(y, p))[0])
    assert share == 20.5 / 101
    p[:20], p[0], p[1] = 0.9, share - 0.01, share + 0.01
    p[98], p[99] = 0.49, 0.51
    assert {post.post_id for post in doubtful_posts(held_out(y, p))} == {"p0", "p99"}


def test_that_a_label_is_rare_is_no_reason_to_doubt_it():
    y = np.zeros((100, 2), np.int8)
    y[:50, 0] = y[0, 1] = 1
    p = np.full((100, 2), 0.02)
    p[:50, 0], p[0] = 0.95, 0.1
    first, *_ = doubtful_posts(held_out(y, p))
    assert (first.post_id, [cell.label_id for cell in first.cells]) == ("p0", ["a"])


def test_unknown_cells_and_cells_without_a_score_are_not_doubted():
    held = held_out(
        [[0, 0], [0, 0], [0, 1]],
        [[0.99, 0.1], [NAN, 0.1], [0.1, 0.9]],
        mask=[[False, True], [True, True], [True, True]],
    )
    found = doubt(held)
    assert np.isnan(found).tolist() == [[True, False], [True, False], [False, False]]
    assert doubtful_posts(held) == ()


def test_unknown_cells_do_not_count_in_the_frequency():
    held = held_out([[1], [0], [0]], [[0.5]] * 3, mask=[[True], [True], [False]])
    assert frequency(held).tolist() == [0.5]


def test_posts_come_by_their_worst_cell_and_cells_likewise():
    y = np.zeros((3, 2), np.int8)
    posts = doubtful_posts(held_out(y, [[0.6, 0.9], [0.95, 0.1], [0.2, 0.2]]))
    assert [(post.post_id, [c.label_id for c in post.cells]) for post in posts] == [
        ("p1", ["a"]),
        ("p0", ["b", "a"]),
    ]
    worst = posts[0].cells[0]
    assert (worst.said, worst.probability) == (0, pytest.approx(0.95))
    assert posts[0].doubt == worst.doubt > posts[1].doubt


def test_what_two_said_is_doubted_less_than_what_one_said():
    held = held_out([[0], [0]], [[0.9], [0.9]])
    one, two = doubt(held, voices=np.array([[1], [2]]))[:, 0]
    assert one > ERRORS > two
    assert [p.post_id for p in doubtful_posts(held, voices=np.array([[1], [2]]))] == ["p0"]


@pytest.mark.parametrize(("n", "k"), [(0, 2), (2, 0)])
def test_without_posts_or_labels_nothing_is_doubted(n, k):
    assert doubtful_posts(held_out(np.zeros((n, k)), np.zeros((n, k)))) == ()


@pytest.mark.parametrize("said", [0, 1])
def test_a_label_that_is_on_all_posts_or_on_none_can_be_doubted(said):
    p = np.full((9, 1), float(said))
    p[4] = 1 - said
    posts = doubtful_posts(held_out(np.full((9, 1), said), p))
    assert [post.post_id for post in posts] == ["p4"]


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(np.int8, (12, 3), elements=st.integers(0, 1)),
    arrays.arrays(np.float32, (12, 3), elements=st.floats(0, 1, width=32)),
)
def test_doubt_is_a_chance_and_rises_as_the_model_disagrees(y, p):
    found = doubt(held_out(y, p))
    assert ((found > 0) & (found < 1)).all()
    for j in range(3):
        for said in (0, 1):
            rows = np.flatnonzero(y[:, j] == said)
            against = p[rows, j] if said == 0 else -p[rows, j]
            ordered = found[rows[np.argsort(against)], j]
            assert (np.diff(ordered) >= -1e-12).all()


def test_flipped_answers_come_first_where_the_model_is_good():
    rng = np.random.default_rng(0)
    true = (rng.random((400, 5)) < (0.5, 0.3, 0.1, 0.05, 0.02)).astype(np.int8)
    p = np.where(true == 1, 0.9, 0.01) + rng.normal(0, 0.002, true.shape)
    y = true.copy()
    wrong = rng.choice(400, 20, replace=False)
    for i in wrong:
        j = rng.integers(5)
        y[i, j] = 1 - y[i, j]
    found = [post.post_id for post in doubtful_posts(held_out(y, p))[:20]]
    assert set(found) == {f"p{i}" for i in wrong}
