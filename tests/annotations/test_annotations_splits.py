import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.annotations.splits import grouped_folds, leak, random_folds
from narraframe.errors import TrainingError


@st.composite
def problems(draw):
    n_folds = draw(st.integers(2, 5))
    groups = draw(st.lists(st.integers(0, 30), min_size=n_folds, max_size=60))
    groups[:n_folds] = range(100, 100 + n_folds)
    n, k = len(groups), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    y = (rng.random((n, k)) < 0.3).astype(np.int8)
    return y, rng.random((n, k)) < 0.8, np.array(groups), n_folds


@given(problems(), st.integers(0, 5))
def test_groups_never_straddle_and_no_fold_is_empty(problem, seed):
    y, mask, groups, n_folds = problem
    folds = grouped_folds(y, mask, groups, n_folds=n_folds, seed=seed)
    assert leak(groups, folds).n_posts == 0
    assert set(folds) == set(range(n_folds))


@given(problems(), st.integers(0, 5))
def test_the_same_seed_gives_the_same_folds(problem, seed):
    y, mask, groups, n_folds = problem
    first = grouped_folds(y, mask, groups, n_folds=n_folds, seed=seed)
    assert (first == grouped_folds(y, mask, groups, n_folds=n_folds, seed=seed)).all()


def test_a_rare_label_is_spread_over_all_folds():
    y = np.zeros((200, 2), dtype=np.int8)
    y[:5, 0] = 1
    y[::2, 1] = 1
    folds = grouped_folds(y, np.ones_like(y, bool), np.arange(200), n_folds=5, seed=3)
    assert sorted(folds[:5]) == [0, 1, 2, 3, 4]
    assert np.bincount(folds).tolist() == [40] * 5
    assert np.bincount(folds[::2]).tolist() == [20] * 5


def test_large_groups_are_balanced_by_their_size():
    groups = np.repeat(np.arange(12), [40, 30, 20, 10, 10, 10, 10, 10, 10, 10, 10, 10])
    y = np.zeros((len(groups), 1), dtype=np.int8)
    folds = grouped_folds(y, np.ones_like(y, bool), groups, n_folds=3, seed=0)
    assert np.bincount(folds).tolist() == [60, 60, 60]


def test_positives_that_are_not_known_are_not_spread():
    y = np.zeros((60, 1), dtype=np.int8)
    y[:9] = 1
    mask = np.ones_like(y, bool)
    mask[6:9] = False
    folds = grouped_folds(y, mask, np.arange(60), n_folds=3, seed=0)
    assert np.bincount(folds[:6]).tolist() == [2, 2, 2]


def test_group_names_may_be_strings():
    y = np.zeros((4, 1), dtype=np.int8)
    groups = ["b", "a", "b", "c"]
    folds = grouped_folds(y, np.ones_like(y, bool), groups, n_folds=2, seed=0)
    assert folds[0] == folds[2]


def test_fewer_groups_than_folds_are_refused():
    y = np.zeros((10, 1), dtype=np.int8)
    with pytest.raises(TrainingError, match="10 labelled posts in 2 near-duplicate groups"):
        grouped_folds(y, np.ones_like(y, bool), [0] * 5 + [1] * 5, n_folds=3, seed=0)


def test_fewer_than_two_folds_are_refused():
    y = np.zeros((4, 1), dtype=np.int8)
    with pytest.raises(ValueError, match="at least 2"):
        grouped_folds(y, np.ones_like(y, bool), range(4), n_folds=1, seed=0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30))
def test_leak_counts_the_posts_with_a_near_duplicate_on_another_side(pairs):
    groups, folds = (np.array(column) for column in zip(*pairs, strict=True))
    leaked = [any(g == group and f != fold for g, f in pairs) for group, fold in pairs]
    found = leak(groups, folds)
    assert found.n_posts == sum(leaked)
    assert found.n_groups == len(set(groups[leaked]))


def test_a_careless_split_has_even_folds_and_leaks():
    folds = random_folds(103, n_folds=5, seed=1)
    assert sorted(np.bincount(folds)) == [20, 20, 21, 21, 21]
    assert leak(np.arange(103) // 2, folds).n_posts > 50
