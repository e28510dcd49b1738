from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.classifiers.thresholds import (
    NEVER,
    best_cut,
    precise_thresholds,
    tune_thresholds,
)

CELLS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=40)


def column(pairs):
    """One label, with a positive."""
    y = np.array([1] + [v for v, _ in pairs], dtype=np.int8)[:, None]
    p = np.array([0.5] + [v / 8 for _, v in pairs], dtype=np.float32)[:, None]
    return y, p, np.ones(y.shape, dtype=bool)


def f1_at(y, p, cut):
    decided = p >= cut
    return 2 * (decided & (y == 1)).sum() / (decided.sum() + (y == 1).sum())


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=30))
def test_no_cut_has_a_higher_f1(pairs):
    y = np.array([1] + [v for v, _ in pairs], dtype=np.int8)
    p = np.array([0.5] + [v / 8 for _, v in pairs])
    reached = f1_at(y, p, best_cut(y, p))
    assert reached == max(f1_at(y, p, cut) for cut in p)


def test_a_cut_lies_halfway_between_neighbours():
    assert best_cut(np.array([1, 1, 0, 0], np.int8), np.array([0.9, 0.7, 0.3, 0.1])) == 0.5


def test_a_cut_is_shrunk_toward_the_common_one_by_its_positives():
    rng = np.random.default_rng(0)
    y = (rng.random((300, 2)) < [0.3, 0.03]).astype(np.int8)
    p = np.clip(0.3 * y + rng.random(y.shape) * 0.5, 0, 1)
    known = np.ones(y.shape, dtype=bool)
    common = best_cut(y.ravel(), p.ravel())
    n = y.sum(axis=0)
    own = np.array([best_cut(y[:, j], p[:, j]) for j in range(2)])
    expected = (n * own + 20 * common) / (n + 20)
    np.testing.assert_allclose(tune_thresholds(y, p, known), expected, rtol=1e-6)


def test_one_label_whose_best_cut_is_its_lowest_probability_keeps_exactly_that():
    p = np.full((60, 1), 0.3, np.float32)
    y = np.zeros((60, 1), np.int8)
    y[:17] = 1
    assert tune_thresholds(y, p, np.ones(y.shape, bool)).tolist() == [np.float32(0.3)]


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1, width=32)), min_size=1, max_size=30))
def test_a_cut_is_a_float32_and_of_the_highest_f1(pairs):
    y = np.array([1] + [v for v, _ in pairs], dtype=np.int8)[:, None]
    p = np.array([0.5] + [v for _, v in pairs], dtype=np.float32)[:, None]
    [cut] = tune_thresholds(y, p, np.ones(y.shape, bool))
    assert cut == np.float32(cut)
    assert f1_at(y, p, np.float32(cut)) == max(f1_at(y, p, at) for at in p.ravel())


@pytest.mark.parametrize("low", [0.5, np.nextafter(np.float32(0.5), np.float32(1))])
def test_a_cut_between_neighbouring_float32_lets_only_the_upper_one_through(low):
    low = np.float32(low)
    high = np.nextafter(low, np.float32(1))
    y = np.array([[1], [0]], dtype=np.int8)
    [cut] = tune_thresholds(y, np.array([[high], [low]]), np.ones((2, 1), bool))
    assert low < cut <= high


def test_cells_that_are_not_known_take_no_part():
    rng = np.random.default_rng(0)
    y = (rng.random((80, 2)) < 0.3).astype(np.int8)
    p = rng.random(y.shape)
    known = rng.random(y.shape) < 0.7
    spoiled = np.where(known, p, np.nan)
    flipped = np.where(known, y, 1 - y).astype(np.int8)
    first = tune_thresholds(y, p, known)
    assert first.tobytes() == tune_thresholds(flipped, spoiled, known).tobytes()


def test_a_label_without_positives_does_not_move_the_common_cut():
    rng = np.random.default_rng(0)
    y = (rng.random((60, 3)) < [0.3, 0.1, 0]).astype(np.int8)
    p = np.clip(0.3 * y + 0.5 * rng.random(y.shape), 0, 1).astype(np.float32)
    p[:, 2] = 0.99
    known = np.ones(y.shape, dtype=bool)
    found = tune_thresholds(y, p, known)
    assert np.isnan(found[2])
    assert found[:2].tolist() == tune_thresholds(y[:, :2], p[:, :2], known[:, :2]).tolist()


def test_a_label_without_known_positives_has_no_threshold():
    y = np.array([[1, 0], [0, 0]], dtype=np.int8)
    cuts = tune_thresholds(y, np.array([[0.9, 0.2], [0.1, 0.3]]), np.ones((2, 2), dtype=bool))
    assert np.isnan(cuts).tolist() == [False, True]


def test_a_rare_label_that_cannot_be_told_apart_is_not_said_of_every_post():
    rng = np.random.default_rng(0)
    y = np.zeros((1000, 2), dtype=np.int8)
    y[:300, 0] = y[:8, 1] = 1
    p = np.column_stack([0.5 * y[:, 0] + 0.4 * rng.random(1000), np.full(1000, 0.009)])
    cuts = tune_thresholds(y, p, np.ones(y.shape, dtype=bool))
    assert not (p[:, 1] >= cuts[1]).any()


def oracle_cut(y, p):
    """Try every cut between two probabilities; the highest of the best."""
    levels = sorted({float(v) for v in p})
    tries = [levels[0], *((a + b) / 2 for a, b in pairwise(levels))]
    return max(tries, key=lambda cut: (round(f1_at(y, p, cut), 12), cut))


@given(CELLS, CELLS)
def test_thresholds_are_those_of_trying_all_cuts(first, second):
    pairs = list(zip(first, second, strict=False))
    y = np.array([[1, 1]] + [[a[0], b[0]] for a, b in pairs], dtype=np.int8)
    p = np.array([[0.5, 0.25]] + [[a[1] / 8, b[1] / 8] for a, b in pairs], dtype=np.float32)
    common = oracle_cut(y.ravel(), p.ravel())
    own = np.array([oracle_cut(y[:, j], p[:, j]) for j in range(2)])
    n = y.sum(axis=0)
    expected = (n * own + 20 * common) / (n + 20)
    np.testing.assert_allclose(tune_thresholds(y, p, np.ones(y.shape, bool)), expected, rtol=1e-6)


def oracle_precise(y, p, precision):
    """Try each probability as a cut; the lowest that reaches the precision, drawn to the mean."""
    reached = []
    for cut in {float(v) for v in p}:
        above = p >= cut
        found = (y[above] == 1).sum() + 20 * p[above].astype(float).mean()
        if found / (above.sum() + 20) >= precision:
            reached.append(cut)
    return min(reached, default=NEVER)


@given(CELLS, st.sampled_from([0.3, 0.45, 0.6, 0.77]))
def test_precise_thresholds_are_those_of_trying_all_cuts(pairs, precision):
    y, p, known = column(pairs)
    [cut] = precise_thresholds(y, p, known, precision=precision)
    assert cut == oracle_precise(y[:, 0], p[:, 0], precision)


def test_a_precision_out_of_reach_is_never_decided():
    rng = np.random.default_rng(0)
    y = (rng.random((200, 2)) < [0.1, 0.5]).astype(np.int8)
    p = np.column_stack([0.2 * rng.random(200), np.where(y[:, 1], 0.97, 0.01)]).astype(np.float32)
    cuts = precise_thresholds(y, p, np.ones(y.shape, bool), precision=0.9)
    assert cuts[0] == NEVER == 2
    assert not (p[:, 0] >= cuts[0]).any()
    assert (p[:, 1] >= cuts[1]).sum() >= y[:, 1].sum()


def test_a_few_lucky_posts_are_no_promise_of_precision():
    p = np.full((100, 1), 0.1, np.float32)
    y = np.zeros((100, 1), np.int8)
    p[:3], y[:3] = 0.5, 1
    assert precise_thresholds(y, p, np.ones(y.shape, bool), precision=0.9).tolist() == [NEVER]


def test_a_precise_threshold_is_the_lowest_so_that_most_posts_are_found():
    p = np.linspace(0.999, 0.001, 500, dtype=np.float32)[:, None]
    y = (p > 0.5).astype(np.int8)
    known = np.ones(y.shape, bool)
    cuts = [precise_thresholds(y, p, known, precision=q)[0] for q in (0.6, 0.8, 0.95)]
    assert cuts == sorted(cuts)
    assert cuts[0] < 0.5
    for cut, precision in zip(cuts, (0.6, 0.8, 0.95), strict=True):
        assert y[p >= cut].mean() == pytest.approx(precision, abs=0.03)
        assert cut == np.float32(cut)


def test_precise_cells_that_are_not_known_take_no_part():
    rng = np.random.default_rng(0)
    y = (rng.random((80, 2)) < 0.5).astype(np.int8)
    p = rng.random(y.shape).astype(np.float32)
    known = rng.random(y.shape) < 0.7
    first = precise_thresholds(y, p, known, precision=0.5)
    flipped = np.where(known, y, 1 - y).astype(np.int8)
    second = precise_thresholds(flipped, np.where(known, p, np.nan), known, precision=0.5)
    assert first.tobytes() == second.tobytes()


def test_a_label_without_known_positives_has_no_precise_threshold():
    y = np.array([[1, 0], [1, 0]], dtype=np.int8)
    p = np.full((2, 2), 0.99, np.float32)
    cuts = precise_thresholds(y, p, np.ones((2, 2), bool), precision=0.5)
    assert np.isnan(cuts).tolist() == [False, True]
    assert np.isnan(precise_thresholds(y, p, np.zeros((2, 2), bool), precision=0.5)).all()
