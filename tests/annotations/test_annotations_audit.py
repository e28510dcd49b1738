"""The audit: a sample that grows and that shares can be estimated from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.annotations.audit import apportion, draw_audit, permanent_numbers
from narraframe.annotations.strata import collapse, stratum_names

RUNS = 1500
MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04")


def corpus(sizes: dict[tuple[str, str], int], prefix: str = "p"):
    """Ids, channels and months of as many posts as `sizes` says of each cell."""
    cells = [cell for cell, size in sizes.items() for _ in range(size)]
    ids = [f"{prefix}{i}" for i in range(len(cells))]
    return ids, [channel for channel, _ in cells], [month for _, month in cells]


def joined(*parts):
    return tuple([x for part in column for x in part] for column in zip(*parts, strict=True))


def share(sample, y: dict[str, int]) -> float:
    """The Horvitz-Thompson estimate of the share, its denominator estimated too."""
    weight = 1 / sample.inclusion_probability
    values = np.array([y[post_id] for post_id in sample.post_ids])
    return float((weight * values).sum() / weight.sum())


SMALL = corpus({("a", m): 40 for m in MONTHS} | {("b", m): 25 for m in MONTHS} | {("c", ""): 6})
SMALL_CELLS = sorted(set(zip(SMALL[1], SMALL[2], strict=True)))


# --- the sample


def test_in_each_stratum_the_lowest_numbers_are_drawn():
    ids, channels, months = SMALL
    sample = draw_audit(ids, channels, months, n=20, seed=3)
    number = dict(zip(ids, permanent_numbers(ids, seed=3), strict=True))
    for post_id, channel, month in zip(ids, channels, months, strict=True):
        assert (post_id in sample.post_ids) == (number[post_id] < sample.limits[channel, month])
    assert [number[i] for i in sample.post_ids] == sorted(number[i] for i in sample.post_ids)


def test_the_inclusion_probability_is_the_share_of_the_stratum_that_is_drawn():
    sample = draw_audit(*SMALL, n=20, seed=0)
    for i, stratum in enumerate(sample.stratum):
        assert sample.sample[i] == sample.stratum.count(stratum)
    assert sample.inclusion_probability.tolist() == (sample.sample / sample.population).tolist()
    assert (1 / sample.inclusion_probability).sum() == pytest.approx(len(SMALL[0]))
    assert sample.strata == len(set(sample.stratum))


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=12),
    n=st.integers(1, 60),
    more=st.integers(0, 60),
    seed=st.integers(0, 9),
)
@settings(max_examples=100, deadline=None)
def test_as_many_are_drawn_as_asked_for_and_every_stratum_has_one(sizes, n, more, seed):
    cells = {(f"c{i % 3}", MONTHS[i // 3]): size for i, size in enumerate(sizes)}
    ids, channels, months = corpus(cells)
    first = draw_audit(ids, channels, months, n=n, seed=seed)
    assert len(first.post_ids) == min(n, len(ids))
    if ids:
        grown = draw_audit(
            ids, channels, months, n=more, seed=seed, drawn=first.post_ids, limits=first.limits
        )
        assert len(grown.post_ids) == min(len(first.post_ids) + more, len(ids))
        assert set(first.post_ids) <= set(grown.post_ids)
        for sample in (first, grown):
            assert (sample.sample >= 1).all()
            assert (1 / sample.inclusion_probability).sum() == pytest.approx(len(ids))


def test_the_order_of_the_posts_does_not_matter():
    backwards = [column[::-1] for column in SMALL]
    one, other = draw_audit(*SMALL, n=15, seed=1), draw_audit(*backwards, n=15, seed=1)
    assert one.post_ids == other.post_ids
    assert one.limits == other.limits


def test_another_seed_draws_other_posts():
    one, other = draw_audit(*SMALL, n=15, seed=1), draw_audit(*SMALL, n=15, seed=2)
    assert set(one.post_ids) != set(other.post_ids)


def test_nothing_is_drawn_where_nothing_is_asked_for():
    assert draw_audit(*SMALL, n=0, seed=0).post_ids == ()
    assert draw_audit([], [], [], n=5, seed=0).post_ids == ()


def test_a_post_without_channel_or_date_can_be_drawn():
    sample = draw_audit(["x", "y"], [None, None], [None, None], n=2, seed=0)
    assert sample.stratum == ("no channel undated", "no channel undated")


# --- growth


def test_growth_in_two_steps_equals_one_step():
    # strata that a larger sample would not split: one channel a month
    ids, channels, months = corpus({("a", m): 50 for m in MONTHS})
    once = draw_audit(ids, channels, months, n=30, seed=5)
    first = draw_audit(ids, channels, months, n=12, seed=5)
    then = draw_audit(
        ids, channels, months, n=18, seed=5, drawn=first.post_ids, limits=first.limits
    )
    assert then.post_ids == once.post_ids
    assert then.limits == once.limits
    assert then.stratum == once.stratum


def test_strata_are_split_as_the_sample_grows_and_never_joined():
    first = draw_audit(*SMALL, n=3, seed=0)
    then = draw_audit(*SMALL, n=60, seed=0, drawn=first.post_ids, limits=first.limits)
    assert then.strata > first.strata
    for one in SMALL_CELLS:
        for other in SMALL_CELLS:
            if then.limits[one] == then.limits[other]:
                assert first.limits[one] == first.limits[other]


def test_new_posts_of_a_known_month_are_drawn_by_the_limit_that_is_there():
    first = draw_audit(*SMALL, n=30, seed=0)
    grown = joined(SMALL, corpus({("a", "2024-04"): 200}, prefix="new"))
    then = draw_audit(*grown, n=2, seed=0, drawn=first.post_ids, limits=first.limits)
    numbers = permanent_numbers(grown[0], seed=0)
    below = {
        post_id
        for post_id, channel, month, number in zip(*grown, numbers, strict=True)
        if number < first.limits[channel, month]
    }
    assert below <= set(then.post_ids)
    # they leave half of what was asked for to others
    assert len(then.post_ids) == len(below) + 1


def test_a_corpus_that_grows_tenfold_does_not_force_the_old_rate_on_new_months():
    first = draw_audit(*SMALL, n=60, seed=0)
    new = corpus({("a", f"2025-{m:02d}"): 250 for m in range(1, 11)}, prefix="new")
    then = draw_audit(*joined(SMALL, new), n=60, seed=0, drawn=first.post_ids, limits=first.limits)
    assert len(then.post_ids) == 120
    of_new = [post_id for post_id in then.post_ids if post_id.startswith("new")]
    assert len(of_new) == 60


def test_a_handful_of_new_posts_makes_no_stratum_of_its_own():
    first = draw_audit(*SMALL, n=10, seed=0)
    new = corpus({("a", "2024-05"): 3}, prefix="new")
    then = draw_audit(*joined(SMALL, new), n=2, seed=0, drawn=first.post_ids, limits=first.limits)
    assert then.limits["a", "2024-05"] == then.limits["a", "2024-04"]
    assert (then.sample / then.population).max() < 0.3


def test_posts_that_are_left_out_for_once_come_back_as_they_were():
    first = draw_audit(*SMALL, n=20, seed=0)
    part = [column[:160] for column in SMALL]
    then = draw_audit(*part, n=0, seed=0, drawn=first.post_ids, limits=first.limits)
    again = draw_audit(*SMALL, n=0, seed=0, drawn=then.post_ids, limits=then.limits)
    assert set(then.post_ids) < set(first.post_ids)
    assert again.post_ids == first.post_ids


# --- what it is for: estimates without bias


def test_a_share_from_the_audit_is_unbiased():
    ids, channels, months = corpus(
        {("a", MONTHS[0]): 30, ("a", MONTHS[1]): 14, ("b", MONTHS[0]): 9, ("c", MONTHS[2]): 3}
    )
    y = {i: int(c == "c" or hash_free(i) % 3 == 0) for i, c in zip(ids, channels, strict=True)}
    truth = np.mean(list(y.values()))
    found = [share(draw_audit(ids, channels, months, n=7, seed=s), y) for s in range(RUNS)]
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(RUNS))


def test_a_share_stays_unbiased_when_the_corpus_and_the_sample_grow():
    old = corpus({("a", MONTHS[0]): 20, ("a", MONTHS[1]): 12, ("b", MONTHS[1]): 10})
    new = corpus({("a", MONTHS[1]): 18, ("b", MONTHS[2]): 15}, prefix="new")
    both = joined(old, new)
    y = {i: int(i.startswith("new")) for i in both[0]}
    truth = np.mean(list(y.values()))
    found = []
    for seed in range(RUNS):
        first = draw_audit(*old, n=6, seed=seed)
        then = draw_audit(*both, n=5, seed=seed, drawn=first.post_ids, limits=first.limits)
        found.append(share(then, y))
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(RUNS))


def test_posts_that_arrive_in_a_stratum_already_drawn_are_not_underrated():
    # The rank of the last post drawn would give the new ones .39 instead of a half.
    old = corpus({("a", MONTHS[0]): 30})
    both = joined(old, corpus({("a", MONTHS[0]): 30}, prefix="new"))
    y = {i: int(i.startswith("new")) for i in both[0]}
    found = []
    for seed in range(RUNS):
        first = draw_audit(*old, n=2, seed=seed)
        then = draw_audit(*both, n=0, seed=seed, drawn=first.post_ids, limits=first.limits)
        found.append(share(then, y))
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.std(found) / np.sqrt(RUNS))


def test_every_post_has_the_chance_that_is_stated():
    ids, channels, months = corpus({("a", MONTHS[0]): 12, ("b", MONTHS[0]): 6})
    drawn = np.zeros(len(ids))
    for seed in range(RUNS):
        drawn += np.isin(ids, draw_audit(ids, channels, months, n=6, seed=seed).post_ids)
    stated = draw_audit(ids, channels, months, n=6, seed=0).inclusion_probability
    assert set(stated) == {1 / 3}
    assert np.abs(drawn / RUNS - 1 / 3).max() < 4 * np.sqrt(2 / 9 / RUNS)


def test_the_effective_size_is_the_sample_where_all_weigh_the_same():
    ids, channels, months = corpus({("a", MONTHS[0]): 12, ("b", MONTHS[0]): 6})
    assert draw_audit(ids, channels, months, n=6, seed=0).effective_size == pytest.approx(6)


# --- its parts


def test_permanent_numbers_depend_on_the_id_and_the_seed_only():
    alone, among = permanent_numbers(["b"], seed=0), permanent_numbers(["a", "b"], seed=0)
    assert alone[0] == among[1]
    assert permanent_numbers(["b"], seed=1)[0] != alone[0]
    many = permanent_numbers([str(i) for i in range(20_000)], seed=0)
    assert 0 <= many.min() < 0.001
    assert 0.999 < many.max() < 1
    assert many.mean() == pytest.approx(0.5, abs=0.01)


def test_seats_go_to_whoever_has_least_for_its_size():
    assert apportion(8, [80, 40, 40], [0, 0, 0]) == [4, 2, 2]
    assert apportion(8, [40, 40], [6, 0]) == [7, 7]
    assert apportion(3, [40, 40], [6, 0]) == [6, 3]
    assert apportion(40, [2, 40], [0, 0]) == [2, 38]
    assert apportion(9, [2, 3], [0, 0]) == [2, 3]


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6), budget=st.integers(0, 60))
def test_a_larger_budget_never_takes_a_seat_away(sizes, budget):
    less = apportion(budget, sizes, [0] * len(sizes))
    more = apportion(budget + 1, sizes, [0] * len(sizes))
    assert sum(less) == min(budget, sum(sizes))
    assert all(a <= b <= size for a, b, size in zip(less, more, sizes, strict=True))


def test_neighbouring_months_of_a_channel_are_joined_before_channels_are():
    cells = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1"), ("c", "2")]
    groups = collapse(cells, [6, 7, 5, 4, 3, 4], least=10)
    assert [group.tolist() for group in groups] == [[0, 1, 2], [3, 4, 5]]


def test_what_is_left_of_small_channels_joins_the_smallest_stratum():
    cells = [("a", "1"), ("b", "1"), ("c", "1")]
    groups = collapse(cells, [30, 20, 2], least=10)
    assert [group.tolist() for group in groups] == [[0], [1, 2]]


def test_too_few_posts_for_two_strata_are_one():
    assert [g.tolist() for g in collapse([("a", "1"), ("b", "2")], [3, 3], least=10)] == [[0, 1]]


def test_strata_are_named_by_channels_and_months_and_no_name_comes_twice():
    strata = [
        [("a", "1"), ("a", "2")],
        [("a", "2"), ("b", ""), ("c", "3")],
        [("a", "1"), ("a", "2")],
    ]
    assert stratum_names(strata) == ("a 1..2", "3 channels undated..3", "a 1..2 (2)")


def hash_free(post_id: str) -> int:
    """A number of the id that no run changes."""
    return int(post_id[1:]) * 7 % 11
