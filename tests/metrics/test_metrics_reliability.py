import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from narraframe.metrics.multilabel import calibration_bins, calibration_error
from narraframe.metrics.quality import measure
from narraframe.metrics.reliability import brier_score, chance_errors, log_loss, reliability


def problem(seed=0, n=400):
    """Probabilities that are right, of a common and a rare label; some cells unknown or nan."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, [2, 9], (n, 2)).astype(np.float32)
    y = (rng.random((n, 2)) < p).astype(np.int8)
    p[rng.random((n, 2)) < 0.1] = np.nan
    return y, rng.random((n, 2)) < 0.8, p, np.arange(n)


def measured(y, mask, p, groups, *, seed=0, **options):
    ids = ("common", "rare", "third")[: y.shape[1]]
    return reliability(y, mask, p, groups, ids, seed=seed, **options)


def one_bin(hits, groups):
    """One label whose cells all share one bin: returns the bin's share of positives."""
    y = np.asarray(hits, np.int8)[:, None]
    p = np.full(y.shape, 0.5, np.float32)
    (only,) = measured(y, np.ones_like(y, bool), p, groups).labels[0].bins
    return only.share


def test_bins_hold_the_mean_probability_and_the_share_of_positives_of_their_cells():
    y, mask, p, groups = problem()
    curve = measured(y, mask, p, groups, n_bins=8).labels[1]
    cells = [(float(p[i, 1]), y[i, 1]) for i in groups if mask[i, 1] and not np.isnan(p[i, 1])]
    bins = calibration_bins(np.array([c[0] for c in cells]), n_bins=8)
    assert len(curve.bins) == 8
    assert (curve.n, curve.n_positive) == (len(cells), sum(c[1] for c in cells))
    for b, found in enumerate(curve.bins):
        inside = [cell for cell, at in zip(cells, bins, strict=True) if at == b]
        assert found.probability == pytest.approx(np.mean([c[0] for c in inside]))
        assert found.share.value == pytest.approx(np.mean([c[1] for c in inside]))
        assert found.share.n == len(inside)


def test_the_error_of_a_label_is_the_weighted_gap_of_its_bins():
    y, mask, p, groups = problem()
    for curve in measured(y, mask, p, groups).labels:
        gaps = [b.share.n * abs(b.probability - b.share.value) for b in curve.bins]
        assert curve.error == pytest.approx(sum(gaps) / curve.n)


def test_the_pooled_error_is_that_of_the_quality():
    y, mask, p, groups = problem()
    quality = measure(
        y, mask, p, p > 0.5, groups, ("a", "b"), np.zeros(2), how="", seed=0, n_resamples=9
    )
    pooled = measured(y, mask, p, groups).pooled
    assert pooled.error == pytest.approx(quality.calibration_error.value)
    assert pooled.n == quality.calibration_error.n == sum(b.share.n for b in pooled.bins)


@pytest.mark.parametrize("hits", [1, 3, 20, 39])
def test_without_copies_the_interval_is_that_of_wilson(hits):
    found = one_bin(np.arange(40) < hits, np.arange(40))
    expected = binomtest(hits, 40).proportion_ci(method="wilson")
    # g / (g - 1): the groups' own variance costs one degree of freedom
    slack = 0.02 * (expected.high - expected.low)
    assert found.low == pytest.approx(expected.low, abs=slack)
    assert found.high == pytest.approx(expected.high, abs=slack)


@pytest.mark.parametrize("hits", [0, 4, 10])
def test_copies_make_the_interval_no_narrower(hits):
    once = one_bin(np.arange(20) < hits, np.arange(20))
    thrice = one_bin(np.repeat(np.arange(20) < hits, 3), np.repeat(np.arange(20), 3))
    assert (thrice.low, thrice.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert thrice.n == 60


def test_a_share_of_0_is_not_certain():
    found = one_bin(np.zeros(30), np.arange(30))
    expected = binomtest(0, 30).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == (0, 0, pytest.approx(expected.high))


def test_one_group_gives_no_interval():
    found = one_bin([1, 1, 0], [7, 7, 7])
    assert found.value == pytest.approx(2 / 3)
    assert np.isnan([found.low, found.high]).all()


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """400 bins of 50 groups of one to three copies, a tenth of them positive."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        size = rng.integers(1, 4, 50)
        found = one_bin(np.repeat(rng.random(50) < 0.1, size), np.repeat(np.arange(50), size))
        hits += found.low <= 0.1 <= found.high
    assert 0.92 <= hits / 400 <= 0.985


def test_chance_errors_are_the_calibration_errors_of_drawn_truths():
    p = np.random.default_rng(1).beta(1, 4, 90)
    member = np.arange(90) // 2
    found = chance_errors(p, member, rng=np.random.default_rng(5), n_draws=6, n_bins=7)
    luck = np.random.default_rng(5).random((45, 6), dtype=np.float32)
    for draw in range(6):
        y = np.array([luck[member[i], draw] < p[i] for i in range(90)], np.int8)
        assert found[draw] == pytest.approx(calibration_error(y, p, n_bins=7))


def test_the_chance_error_shrinks_with_the_root_of_the_sample():
    rng = np.random.default_rng(0)
    small, large = (
        chance_errors(rng.random(n), np.arange(n), rng=rng).mean() for n in (200, 20000)
    )
    assert small / large == pytest.approx(10, rel=0.15)


def test_copies_do_not_make_the_chance_error_smaller():
    p = np.random.default_rng(0).random(300)
    once, ten_times = (
        chance_errors(
            np.repeat(p, n), np.repeat(np.arange(300), n), rng=np.random.default_rng(0)
        ).mean()
        for n in (1, 10)
    )
    assert ten_times == pytest.approx(once, rel=0.02)


def test_probabilities_that_are_right_are_rarely_called_off():
    off = [measured(*problem(seed), seed=seed).pooled.is_off for seed in range(60)]
    assert sum(off) <= 8


def test_probabilities_that_are_wrong_are_called_off():
    y, mask, p, groups = problem()
    found = measured(y, mask, np.sqrt(p), groups)
    assert found.pooled.is_off
    assert found.pooled.error > found.pooled.chance.high > found.pooled.chance.mean > 0


def test_certain_and_right_probabilities_leave_chance_nothing():
    y = (np.arange(40) % 2).astype(np.int8)[:, None]
    curve = measured(y, np.ones_like(y, bool), y.astype(np.float32), np.arange(40)).labels[0]
    assert (curve.error, curve.chance.mean, curve.chance.high) == (0, 0, 0)
    assert (curve.brier, curve.log_loss, curve.is_off) == (0, 0, False)


@given(st.integers(0, 10**6))
def test_brier_score_and_log_loss_equal_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y, p = (rng.random(30) < 0.4).astype(np.int8), rng.uniform(0.01, 0.99, 30)
    assert brier_score(y, p) == pytest.approx(brier_score_loss(y, p))
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p, labels=[0, 1]))


@pytest.mark.parametrize(("y", "p"), [(1, 0.0), (0, 1.0)])
def test_ruling_out_the_truth_loses_without_bound(y, p):
    assert log_loss(np.array([y, 1], np.int8), np.array([p, 0.5])) == math.inf


def test_a_label_without_probabilities_is_undefined_and_leaves_the_others_alone():
    y, mask, p, groups = problem()
    found = measured(
        np.c_[y, y[:, 0]], np.c_[mask, mask[:, 0]], np.c_[p, np.full(len(p), np.nan)], groups
    )
    empty = found.labels[2]
    assert (empty.name, empty.n, empty.bins, empty.is_off) == ("third", 0, (), False)
    for figure in (empty.error, empty.chance.mean, empty.chance.high, empty.brier, empty.log_loss):
        assert math.isnan(figure)
    assert repr(found.pooled) == repr(measured(y, mask, p, groups).pooled)


def test_nothing_known_leaves_everything_undefined():
    y, mask, p, groups = problem()
    pooled = measured(y, np.zeros_like(mask), p, groups).pooled
    assert (pooled.n, pooled.bins) == (0, ())
    assert np.isnan([pooled.error, pooled.chance.high, pooled.brier, pooled.log_loss]).all()


def test_unknown_cells_do_not_count():
    y, mask, p, groups = problem()
    other = np.where(mask, y, 1 - y).astype(np.int8)
    assert repr(measured(other, mask, p, groups)) == repr(measured(y, mask, p, groups))


def test_numbers_that_are_no_probabilities_are_refused():
    y, mask, p, groups = problem()
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        measured(y, mask, p - 0.5, groups)
