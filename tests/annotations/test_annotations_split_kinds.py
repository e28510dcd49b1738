import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from narraframe.annotations.splits import (
    Split,
    channel_splits,
    check_split,
    frozen_test,
    group_splits,
    grouped_folds,
    held_out_by,
    time_split,
)
from narraframe.errors import TrainingError


def days(*numbers):
    """Dates in January 2024; None is unknown."""
    return np.array(
        ["NaT" if n is None else f"2024-01-{n:02d}" for n in numbers], dtype="datetime64[us]"
    )


def unlabelled(n):
    return np.zeros((n, 1), np.int8), np.ones((n, 1), bool)


def parts(split):
    return split.train.tolist(), split.test.tolist(), split.copies.tolist()


@st.composite
def posts(draw):
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    k = draw(st.integers(1, 4))
    groups = rng.integers(0, draw(st.integers(2, 60)), n)
    y = (rng.random((n, k)) < 0.3).astype(np.int8)
    return y, rng.random((n, k)) < 0.8, groups, rng


@given(posts(), st.integers(2, 5), st.integers(0, 3))
def test_a_split_by_group_tests_every_post_once_and_keeps_groups_whole(problem, n_folds, seed):
    y, mask, groups, _ = problem
    assume(len(set(groups)) >= n_folds)
    splits = group_splits(y, mask, groups, n_folds=n_folds, seed=seed)
    folds = grouped_folds(y, mask, groups, n_folds=n_folds, seed=seed)
    for fold, split in enumerate(splits):
        check_split(split, groups)
        assert split.test.tolist() == np.flatnonzero(folds == fold).tolist()
        assert sorted([*split.train, *split.test]) == list(range(len(y)))


@given(posts(), st.integers(2, 5), st.integers(0, 3))
def test_a_split_by_channel_keeps_channels_and_groups_on_one_side(problem, n_folds, seed):
    y, mask, groups, rng = problem
    names = np.array([None, "", "a", "b", "c", "d"], dtype=object)
    channels = rng.choice(names, len(y)).tolist()
    try:
        splits = channel_splits(y, mask, groups, channels, n_folds=n_folds, seed=seed)
    except TrainingError:
        splits = ()
        assume(len({c for c in channels if c}) >= 2)
    for split in splits:
        check_split(split, groups)
        tested = {channels[i] for i in [*split.test, *split.copies]}
        assert len(split.test)
        assert not tested & {None, "", *(channels[i] for i in split.train)}
        assert sorted([*split.train, *split.test, *split.copies]) == list(range(len(y)))
        assert all(groups[i] in groups[split.train] for i in split.copies)
    every = [i for split in splits for i in split.test]
    assert len(every) == len(set(every))


@given(posts(), st.floats(0.05, 0.95))
def test_a_split_by_time_never_learns_from_the_future_nor_from_copies(problem, share):
    _, _, groups, rng = problem
    times = days(*(int(d) or None for d in rng.integers(0, 12, len(groups))))
    try:
        split = time_split(times, groups, share=share)
    except TrainingError:
        assume(False)
    check_split(split, groups)
    assert times[split.train].max() < times[[*split.test, *split.copies]].min()
    assert len(split.train) + len(split.test) + len(split.copies) == (~np.isnat(times)).sum()


def test_a_post_whose_copy_teaches_leaves_the_test_of_its_channel():
    channels = ["a", "a", "b", "b", None]
    groups = [0, 1, 1, 2, 3]
    splits = channel_splits(*unlabelled(5), groups, channels, n_folds=2, seed=0)
    assert sorted(map(parts, splits)) == [([0, 1, 4], [3], [2]), ([2, 3, 4], [0], [1])]


def test_posts_without_a_channel_teach_and_their_copies_do_not_test():
    channels = ["a", "b", "b", None]
    splits = channel_splits(*unlabelled(4), [0, 1, 2, 2], channels, n_folds=2, seed=0)
    assert sorted(map(parts, splits)) == [([0, 3], [1], [2]), ([1, 2, 3], [0], [])]


def test_with_fewer_channels_than_folds_each_is_tested_alone():
    channels = ["a", "b", "c"] * 4
    splits = channel_splits(*unlabelled(12), range(12), channels, n_folds=5, seed=0)
    assert sorted(split.test.tolist() for split in splits) == [
        [0, 3, 6, 9],
        [1, 4, 7, 10],
        [2, 5, 8, 11],
    ]


def test_a_channel_of_nothing_but_copies_is_not_tested():
    channels = ["a", "a", "b"]
    (split,) = channel_splits(*unlabelled(3), [0, 1, 1], channels, n_folds=2, seed=0)
    assert parts(split) == ([2], [0], [1])


@pytest.mark.parametrize("channels", [["a", "a", None], [None, None, ""]])
def test_fewer_than_two_channels_are_refused(channels):
    with pytest.raises(TrainingError, match=r"two channels at least .* Label posts of more"):
        channel_splits(*unlabelled(3), [0, 1, 2], channels, n_folds=2, seed=0)


def test_channels_that_only_copy_one_another_are_refused():
    with pytest.raises(TrainingError, match="every channel's posts are copied by other channels"):
        channel_splits(*unlabelled(2), [7, 7], ["a", "b"], n_folds=2, seed=0)


def test_posts_before_the_moment_teach_and_those_from_it_on_test():
    split = time_split(days(3, 1, None, 2), range(4), since=np.datetime64("2024-01-02"))
    assert parts(split) == ([1], [0, 3], [])


def test_a_later_copy_of_an_earlier_post_does_not_test():
    split = time_split(days(1, 2, 5, 6), ["x", "y", "x", "z"], since=np.datetime64("2024-01-05"))
    assert parts(split) == ([0, 1], [3], [2])


def test_the_moment_leaves_about_the_wanted_share_to_test():
    split = time_split(days(*range(1, 11)), range(10), share=0.3)
    assert split.test.tolist() == [7, 8, 9]


def test_posts_of_one_moment_stay_together_and_never_all_test():
    """Three of four posts share the last day: a fifth cannot be had, all but one is nearest."""
    split = time_split(days(4, 4, 1, 4), range(4), share=0.2)
    assert parts(split) == ([2], [0, 1, 3], [])


def test_one_single_time_cannot_be_split():
    with pytest.raises(TrainingError, match=r"two different times at least \(got 1\)"):
        time_split(days(4, 4, None), range(3))


@pytest.mark.parametrize(
    ("since", "message"),
    [
        ("2024-01-01", "of 2 labelled posts with a time, none is left before 2024-01-01T00:00:00"),
        ("2024-01-09", "none is left since 2024-01-09T00:00:00 to test on"),
        ("2024-01-04", r"to test on \(1 later posts are copies of earlier ones\)"),
    ],
)
def test_a_moment_that_leaves_one_side_empty_is_refused(since, message):
    with pytest.raises(TrainingError, match=message):
        time_split(days(1, 4, None), [0, 0, 1], since=np.datetime64(since))


def test_a_share_outside_0_and_1_is_refused():
    with pytest.raises(ValueError, match=r"share must lie between 0 and 1, not 1\.5"):
        time_split(days(1, 2), [0, 1], share=1.5)


def test_a_split_with_a_group_on_both_sides_is_refused():
    with pytest.raises(ValueError, match="1 near-duplicate groups are on both sides"):
        check_split(Split(np.array([0, 1]), np.array([2])), ["a", "b", "a"])


@given(posts(), st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5]), st.integers(0, 3))
def test_the_frozen_test_set_holds_whole_groups(problem, share, seed):
    y, mask, groups, _ = problem
    assume(len(set(groups)) >= 10)
    test = frozen_test(groups, y, mask, share=share, seed=seed)
    check_split(Split(np.flatnonzero(~test), np.flatnonzero(test)), groups)
    assert (test == frozen_test(groups, y, mask, share=share, seed=seed)).all()
    assert 0 < test.sum() < len(y)


@pytest.mark.parametrize(("share", "n"), [(0.2, 40), (0.15, 30), (0.5, 100), (0.01, 2)])
def test_the_frozen_test_set_has_the_wanted_share_and_rare_labels_spread(share, n):
    y = np.zeros((200, 2), np.int8)
    y[:20, 0] = y[::2, 1] = 1
    test = frozen_test(np.arange(200), y, np.ones_like(y, bool), share=share, seed=1)
    assert test.sum() == n
    if share in (0.2, 0.15, 0.5):
        assert y[test].sum(axis=0).tolist() == [20 * share, 100 * share]


def test_every_post_is_frozen_with_the_same_probability():
    """A group of 9, a label with a single positive, and others: 600 draws of a fifth."""
    groups = np.r_[np.zeros(9, int), np.arange(1, 32)]
    y = (np.arange(40) == 20).astype(np.int8)[:, None]
    mask = np.ones_like(y, bool)
    drawn = np.mean([frozen_test(groups, y, mask, share=0.2, seed=s) for s in range(600)], axis=0)
    assert np.abs(drawn - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 600)


def test_too_few_groups_for_a_frozen_test_set_are_refused():
    with pytest.raises(
        TrainingError, match=r"4 near-duplicate groups .* to set 0\.2 of them aside"
    ):
        frozen_test([0, 1, 2, 3, 3], *unlabelled(5), share=0.2, seed=0)


@pytest.mark.parametrize("share", [0, 0.6])
def test_a_share_that_cannot_be_frozen_is_refused(share):
    with pytest.raises(ValueError, match=r"above 0 and at most 0\.5"):
        frozen_test(range(50), *unlabelled(50), share=share, seed=0)


def test_copies_of_frozen_posts_are_held_out_too():
    held = held_out_by(["p2", "gone"], ["p1", "p2", "p3", "p4"], ["x", "y", "y", "z"])
    assert held.tolist() == [False, True, True, False]


def test_no_frozen_posts_hold_nothing_out():
    assert held_out_by([], ["p1", "p2"], [0, 0]).tolist() == [False, False]
