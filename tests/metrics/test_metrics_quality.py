import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from narraframe.metrics.quality import measure

IDS = ("common", "rare", "absent")


def problem(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.4, 0.1, 0.0]).astype(np.int8)
    p = np.clip(0.35 * y + 0.55 * rng.random((n, 3)), 0, 1).astype(np.float32)
    return y, rng.random((n, 3)) < 0.8, p, p >= 0.5, rng.integers(0, n // 2, n)


def quality(y, mask, p, decision, groups, *, n_resamples=200, seed=0):
    ids = IDS[: y.shape[1]]
    return measure(
        y, mask, p, decision, groups, ids, np.full(len(ids), 0.5),
        how="test", seed=seed, n_resamples=n_resamples,
    )  # fmt: skip


def bootstrap(figure, groups, n_resamples, seed):
    """The plain way: draw groups, put their posts together, compute."""
    names = np.unique(groups)
    drawn = np.random.default_rng(seed).integers(0, len(names), size=(n_resamples, len(names)))
    posts = [np.flatnonzero(groups == name) for name in names]
    found = [figure(np.concatenate([posts[g] for g in row])) for row in drawn]
    return np.quantile([f for f in found if not math.isnan(f)], [0.025, 0.975])


def test_values_and_intervals_equal_those_computed_post_by_post():
    y, mask, p, decision, groups = problem()
    found = quality(y, mask, p, decision, groups)

    def label_f1(rows):
        rows = rows[mask[rows, 1]]
        return f1_score(y[rows, 1], decision[rows, 1]) if y[rows, 1].any() else math.nan

    def label_ap(rows):
        rows = rows[mask[rows, 1]]
        return average_precision_score(y[rows, 1], p[rows, 1]) if y[rows, 1].any() else math.nan

    def micro(rows):
        known = mask[rows]
        return f1_score(y[rows][known], decision[rows][known])

    everyone = np.arange(len(y))
    for estimate, figure in (
        (found.labels[1].f1, label_f1),
        (found.labels[1].average_precision, label_ap),
        (found.micro_f1, micro),
    ):
        low, high = bootstrap(figure, groups, 200, 0)
        assert estimate.value == pytest.approx(figure(everyone))
        assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_labels_without_positives_are_undefined_and_named():
    found = quality(*problem())
    assert found.undefined == ("absent",)
    assert np.isnan(found.labels[2].f1.value)
    assert np.isnan(found.labels[2].average_precision.value)
    both = [label.f1.value for label in found.labels[:2]]
    assert found.macro_f1.value == pytest.approx(np.mean(both))


def test_false_positives_of_undefined_labels_count_in_micro_f1():
    y, mask, p, decision, groups = problem()
    before = quality(y, mask, p, decision, groups).micro_f1.value
    decision = decision.copy()
    decision[:, 2] = True
    assert quality(y, mask, p, decision, groups).micro_f1.value < before


def test_cells_without_probability_count_as_decided_but_not_in_ranking_and_calibration():
    """Two posts of four were not scored: one of them carries the label, which was not found."""
    y = np.array([[1], [1], [0], [0]], np.int8)
    p = np.array([[0.75], [np.nan], [0.5], [np.nan]], np.float32)
    found = quality(y, np.ones((4, 1), bool), p, p > 0.6, np.arange(4))
    label = found.labels[0]
    assert (label.n_known, label.n_positive) == (4, 2)
    assert (label.precision.value, label.recall.value, label.recall.n) == (1, 0.5, 4)
    assert label.f1.value == found.micro_f1.value == pytest.approx(2 / 3)
    assert (label.average_precision.value, label.average_precision.n) == (1, 2)
    assert (found.calibration_error.value, found.calibration_error.n) == (pytest.approx(0.375), 2)


def test_an_untrained_label_with_positives_counts_as_never_found():
    """Label "rare" was not trained, though 100 of 200 posts carry it."""
    y = np.zeros((200, 2), np.int8)
    y[:100, 0] = y[100:, 1] = 1
    p = np.full((200, 2), np.nan, np.float32)
    p[:, 0] = y[:, 0]
    found = quality(y, np.ones_like(y, bool), p, p > 0.5, np.arange(200))
    rare = found.labels[1]
    assert (rare.n_positive, rare.recall.value, rare.f1.value) == (100, 0, 0)
    assert np.isnan([rare.precision.value, rare.average_precision.value]).all()
    assert found.undefined == ()
    assert (found.macro_f1.value, found.micro_f1.value) == (0.5, pytest.approx(2 / 3))


def test_recall_rests_on_all_positives_that_are_shown():
    y, mask, p, decision, groups = problem()
    p, decision = p.copy(), decision.copy()
    p[:100, 0] = np.nan
    decision[:100, 0] = False
    found = quality(y, mask, p, decision, groups).labels[0]
    hits = (mask & decision & (y == 1))[:, 0].sum()
    assert found.recall.value == hits / found.n_positive


def test_errors_of_calibration_do_not_cancel_between_labels():
    """Both labels always get .5; one applies to 9 posts of 10, the other to 1 of 10."""
    y = np.zeros((20, 2), np.int8)
    y[:18, 0] = y[:2, 1] = 1
    p = np.full((20, 2), 0.5, np.float32)
    found = quality(y, np.ones_like(y, bool), p, p > 0.5, np.arange(20))
    assert found.calibration_error.value == pytest.approx(0.4)


def test_calibration_errors_of_labels_weigh_as_many_cells_as_they_have():
    y = np.zeros((20, 2), np.int8)
    p = np.broadcast_to(np.array([0.25, 0.75], np.float32), y.shape)
    mask = np.ones_like(y, bool)
    mask[5:, 1] = False
    found = quality(y, mask, p, p > 0.5, np.arange(20)).calibration_error
    assert (found.value, found.n) == (pytest.approx((20 * 0.25 + 5 * 0.75) / 25), 25)


def test_one_positive_gives_a_figure_without_interval():
    y, mask, p, decision, groups = problem()
    y[:, 1] = 0
    y[7, 1] = 1
    decision[7, 1] = mask[7, 1] = True
    found = quality(y, mask, p, decision, groups).labels[1]
    assert found.recall.value == 1
    assert np.isnan([found.recall.low, found.recall.high, found.f1.low]).all()
    assert np.isnan(found.average_precision.low)


def test_one_group_gives_no_intervals_at_all():
    y, mask, p, decision, _ = problem()
    found = quality(y, mask, p, decision, np.zeros(len(y)))
    assert found.n_groups == 1
    for estimate in (found.micro_f1, found.macro_f1, found.calibration_error):
        assert np.isfinite(estimate.value)
        assert np.isnan([estimate.low, estimate.high]).all()


def test_copies_of_posts_make_no_interval_narrower():
    y, mask, p, decision, _ = problem(n=60)
    once = quality(y, mask, p, decision, np.arange(60))
    copied = [np.repeat(a, 4, axis=0) for a in (y, mask, p, decision)]
    four_times = quality(*copied, np.repeat(np.arange(60), 4))
    assert four_times.n_posts == 240
    for name in ("micro_f1", "macro_f1"):
        first, second = getattr(once, name), getattr(four_times, name)
        assert (second.low, second.high) == (
            pytest.approx(first.low),
            pytest.approx(first.high),
        )


def test_nothing_known_leaves_everything_undefined():
    y, mask, p, decision, groups = problem()
    found = quality(y, np.zeros_like(mask), p, decision, groups)
    assert found.undefined == IDS
    for estimate in (found.micro_f1, found.macro_f1, found.calibration_error):
        assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
        assert estimate.n == 0


def test_the_same_seed_gives_the_same_quality():
    first, second = quality(*problem()), quality(*problem())
    assert repr(dataclasses.asdict(first)) == repr(dataclasses.asdict(second))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """300 samples of 60 groups of three posts that err together; the true recall is .7."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        groups = np.repeat(np.arange(60), 3)
        y = np.repeat((rng.random((60, 1)) < 0.5).astype(np.int8), 3, axis=0)
        found = np.repeat(rng.random((60, 1)) < 0.7, 3, axis=0)
        recall = (
            quality(y, np.ones_like(y, bool), found.astype(np.float32), found, groups, seed=trial)
            .labels[0]
            .recall
        )
        hits += recall.low <= 0.7 <= recall.high
    assert 0.90 <= hits / 300 <= 0.98


def test_figures_of_all_labels_together_and_the_mean_over_labels_are_those_of_scikit_learn():
    y, mask, p, decision, groups = problem()
    found = quality(y, mask, p, decision, groups)
    assert found.micro_precision.value == pytest.approx(precision_score(y[mask], decision[mask]))
    assert found.micro_recall.value == pytest.approx(recall_score(y[mask], decision[mask]))
    rankings = [average_precision_score(y[mask[:, j], j], p[mask[:, j], j]) for j in (0, 1)]
    assert found.mean_average_precision.value == pytest.approx(np.mean(rankings))


def test_the_interval_of_a_mean_over_labels_holds_its_mirror_image():
    y, mask, p, decision, groups = problem()
    found = quality(y, mask, p, decision, groups)

    def macro(rows):
        known = mask[rows]
        of_label = [
            f1_score(y[rows, j][known[:, j]], decision[rows, j][known[:, j]])
            for j in (0, 1)
            if y[rows, j][known[:, j]].any()
        ]
        return np.mean(of_label)

    low, high = bootstrap(macro, groups, 200, 0)
    value = macro(np.arange(len(y)))
    assert found.macro_f1.low == pytest.approx(min(low, 2 * value - high))
    assert found.macro_f1.high == pytest.approx(max(high, 2 * value - low))


def test_macro_f1_of_many_rare_labels_lies_in_its_interval():
    """60 labels of 10 to 30 positives: of 100 samples, 90 and more; plain percentiles hold 80."""
    rng = np.random.default_rng(0)
    share = rng.choice([0.02, 0.06], 60)
    found, wrong = rng.uniform(0.4, 0.95, 60), share * rng.uniform(0.1, 0.6, 60)
    truth = np.mean(2 * share * found / (share + share * found + (1 - share) * wrong))
    hits = 0
    for trial in range(100):
        y = (rng.random((500, 60)) < share).astype(np.int8)
        decision = np.where(y == 1, rng.random(y.shape) < found, rng.random(y.shape) < wrong)
        got = measure(
            y, np.ones_like(y, bool), np.full(y.shape, np.nan, np.float32), decision,
            np.arange(500), [str(j) for j in range(60)], np.full(60, 0.5),
            how="test", seed=trial, n_resamples=200,
        ).macro_f1  # fmt: skip
        hits += got.low <= truth <= got.high
    assert hits >= 90
