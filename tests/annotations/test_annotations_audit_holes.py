"""Audits of which posts still wait: which answers are those of a random sample."""

import numpy as np
import pytest

from narraframe.annotations.audit_holes import counted
from narraframe.annotations.audit_strata import without_unanswered
from narraframe.metrics.prevalence import audit_share
from narraframe.metrics.prevalence_sampling import weigh

LIMITS = np.array([0.3, 0.3, 0.6])


def test_when_few_wait_all_answers_count_and_strata_stay():
    number = np.linspace(0, 1, 40, endpoint=False)
    stratum = np.arange(40) % 2
    due = number < LIMITS[stratum]
    waiting = due & (np.arange(40) == 4)
    found = counted(number, due, stratum, due & ~waiting, waiting)
    assert found.counts.tolist() == (due & ~waiting).tolist()
    assert found.stratum.tolist() == stratum.tolist()
    assert not found.is_smaller


def test_a_stratum_that_came_later_and_waits_takes_no_answers_from_the_others():
    number = np.linspace(0, 1, 200, endpoint=False)
    stratum = np.where(np.arange(200) % 20 == 3, 2, np.arange(200) % 2)
    due = number < LIMITS[stratum]
    waiting = due & (stratum == 2)
    found = counted(number, due, stratum, due & ~waiting, waiting)
    assert found.counts.tolist() == (due & ~waiting).tolist()


def test_of_an_audit_half_done_what_lies_below_one_limit_counts_in_one_stratum():
    """Of 20 strata with one or two audit posts each, the first ten answers are there."""
    number = np.arange(200) / 200
    stratum = np.arange(200) % 20
    due = number < 0.15 + stratum * 1e-6
    answered = due & (np.cumsum(due) <= 10)
    found = counted(number, due, stratum, answered, due & ~answered)
    assert found.is_smaller
    assert found.counts.tolist() == answered.tolist()
    assert len(set(found.stratum.tolist())) == 1
    weight = weigh(found.stratum, found.counts, chance=found.chance).weight
    assert weight.sum() == pytest.approx(200)


def test_answers_that_were_chosen_do_not_count_when_an_audit_is_half_done():
    """A third of the posts of 30 strata has an answer, whatever their numbers are."""
    rng = np.random.default_rng(0)
    number, stratum = rng.random(600), np.arange(600) % 30
    due = number < 0.2 + stratum * 1e-6
    chosen = due & (rng.random(600) < 0.33)
    found = counted(number, due, stratum, chosen, due & ~chosen)
    first = [number[(due & ~chosen) & (stratum == h)].min(initial=1) for h in range(30)]
    assert found.counts.tolist() == (chosen & (number < np.array(first)[stratum])).tolist()
    assert found.counts.sum() < chosen.sum() / 2


def test_the_chance_of_a_post_is_how_often_it_is_drawn_below_the_limit():
    """Of strata of 8 and 16 posts, 1 and 2 are drawn; half of the audit has been labelled."""
    rng = np.random.default_rng(0)
    stratum = np.repeat([0, 1] * 20, [8, 16] * 20) + 2 * np.repeat(np.arange(20), 24)
    kept, chance = np.zeros(2), np.zeros(2)
    for _ in range(300):
        number = rng.random(len(stratum))
        place = np.empty(len(stratum), dtype=int)
        for h in range(40):
            place[stratum == h] = number[stratum == h].argsort().argsort()
        due = place < np.where(stratum % 2, 2, 1)
        answered = due & (number <= np.median(number[due]))
        found = counted(number, due, stratum, answered, due & ~answered)
        assert found.is_smaller
        for kind in (0, 1):
            kept[kind] += found.counts[stratum % 2 == kind].mean()
            chance[kind] += found.chance[stratum % 2 == kind].mean()
    assert kept[0] / kept[1] == pytest.approx(chance[0] / chance[1], rel=0.03)
    assert kept[0] / kept[1] < 0.95  # as if equal, posts of small strata would count too little


def test_intervals_of_half_done_audits_hold_in_a_simulation():
    """30 channels with 0 to 60 % of the label; 100 audit posts, the first half of them labelled."""
    rng = np.random.default_rng(4)
    size = rng.integers(20, 160, 30)
    stratum = np.repeat(np.arange(30), size)
    y = (rng.random(len(stratum)) < 0.02 * stratum).astype(float)
    held, errors = 0, []
    for _ in range(300):
        number = rng.random(len(y))
        due = np.zeros(len(y), dtype=bool)
        for h in range(30):  # one of 24 posts of each, as a queue draws: rounded up
            here = np.flatnonzero(stratum == h)
            due[here[number[here].argsort()[: -(-size[h] // 24)]]] = True
        answered = due & (number <= np.median(number[due]))
        found = counted(number, due, stratum, answered, due & ~answered)
        strata = without_unanswered(found.stratum, found.counts)
        share = audit_share(y[found.counts], weigh(strata, found.counts, chance=found.chance))
        interval = share.interval()
        held += interval.low <= y.mean() <= interval.high
        errors.append(share.value - y.mean())
    assert held / 300 >= 0.92
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(300)
