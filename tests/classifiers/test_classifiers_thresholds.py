import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from narraframe.classifiers.thresholds import best_cut, tune_thresholds


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


def test_cells_that_are_not_known_take_no_part():
    rng = np.random.default_rng(0)
    y = (rng.random((80, 2)) < 0.3).astype(np.int8)
    p = rng.random(y.shape)
    known = rng.random(y.shape) < 0.7
    spoiled = np.where(known, p, np.nan)
    flipped = np.where(known, y, 1 - y).astype(np.int8)
    first = tune_thresholds(y, p, known)
    assert first.tobytes() == tune_thresholds(flipped, spoiled, known).tobytes()


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
