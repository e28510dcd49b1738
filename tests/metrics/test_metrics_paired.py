import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from narraframe.metrics.paired import MIN_APART, Predictions, paired_difference
from narraframe.metrics.quality import measure

IDS = ("common", "rare", "absent")


def problem(seed=0, n=120, skill=(0.3, 0.5)):
    """Two models with some skill, the second with more, on posts partly in groups."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.4, 0.15, 0.0]).astype(np.int8)
    mask = rng.random((n, 3)) < 0.8
    models = []
    for s in skill:
        p = np.clip(s * y + (1 - s) * rng.random((n, 3)), 0, 1).astype(np.float32)
        p[rng.random((n, 3)) < 0.05] = np.nan
        models.append(Predictions(p, np.nan_to_num(p) >= 0.5))
    return y, mask, *models, rng.integers(0, n // 2, n)


def difference(y, mask, a, b, groups, *, seed=0, n_resamples=100):
    ids = IDS[: y.shape[1]]
    return paired_difference(y, mask, a, b, groups, ids, seed=seed, n_resamples=n_resamples)


def certain(decision):
    decision = np.asarray(decision, bool)
    return Predictions(decision.astype(np.float32), decision)


def f1_of_cells(y, decision, cells):
    right = sum(1 for c in cells if y[c] == 1 and decision[c])
    positive, decided = sum(1 for c in cells if y[c] == 1), sum(1 for c in cells if decision[c])
    return 2 * right / (positive + decided) if positive else math.nan


def f1_of(y, mask, model, rows, j):
    return f1_of_cells(y, model.decision, [(i, j) for i in rows if mask[i, j]])


def macro_of(y, mask, model, rows):
    found = [f1_of(y, mask, model, rows, j) for j in range(y.shape[1])]
    defined = [f for f in found if not math.isnan(f)]
    return sum(defined) / len(defined) if defined else math.nan


def micro_of(y, mask, model, rows):
    cells = [(i, j) for i in rows for j in range(y.shape[1]) if mask[i, j]]
    return f1_of_cells(y, model.decision, cells)


def mean_ap_of(y, mask, model, other, rows):
    found = []
    for j in range(y.shape[1]):
        both = np.isfinite(model.probability[:, j]) & np.isfinite(other.probability[:, j])
        known = [i for i in rows if mask[i, j] and both[i]]
        if any(y[i, j] for i in known):
            found.append(average_precision_score(y[known, j], model.probability[known, j]))
    return sum(found) / len(found) if found else math.nan


def drawn_posts(groups):
    """The posts of each of the 100 resamples, as `difference` draws them."""
    names = np.unique(groups)
    posts = [np.flatnonzero(groups == name) for name in names]
    drawn = np.random.default_rng(0).integers(0, len(names), size=(100, len(names)))
    return [np.concatenate([posts[g] for g in row]) for row in drawn]


def test_differences_and_intervals_equal_those_computed_resample_by_resample():
    y, mask, a, b, groups = problem()
    found = difference(y, mask, a, b, groups)
    resamples = drawn_posts(groups)
    for paired, figure in (
        (found.micro_f1, lambda m, o, rows: micro_of(y, mask, m, rows)),
        (found.macro_f1, lambda m, o, rows: macro_of(y, mask, m, rows)),
        (found.mean_average_precision, lambda m, o, rows: mean_ap_of(y, mask, m, o, rows)),
        (found.labels[1].f1, lambda m, o, rows: f1_of(y, mask, m, rows, 1)),
    ):
        everyone = range(len(y))
        assert paired.a == pytest.approx(figure(a, b, everyone))
        assert paired.b == pytest.approx(figure(b, a, everyone))
        assert paired.difference.value == pytest.approx(paired.b - paired.a)
        differences = [figure(b, a, rows) - figure(a, b, rows) for rows in resamples]
        low, high = np.nanquantile(differences, [0.025, 0.975])
        assert (paired.difference.low, paired.difference.high) == (
            pytest.approx(low),
            pytest.approx(high),
        )


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_swapping_the_models_negates_everything(seed):
    y, mask, a, b, groups = problem(seed, n=40)
    one, other = difference(y, mask, a, b, groups), difference(y, mask, b, a, groups)
    pairs = [(first.f1, second.f1) for first, second in zip(one.labels, other.labels, strict=True)]
    names = ["micro_f1", "macro_f1", "mean_average_precision"]
    names += ["firm_macro_f1"] if one.firm_macro_f1 else []
    assert one.thin == other.thin
    pairs += [(getattr(one, name), getattr(other, name)) for name in names]
    for first, second in pairs:
        x, z = first.difference, second.difference
        np.testing.assert_allclose([x.value, x.low, x.high], [-z.value, -z.high, -z.low])
    assert (one.is_better, one.is_worse) == (other.is_worse, other.is_better)


def test_a_model_is_exactly_as_good_as_itself():
    y, mask, a, _, groups = problem()
    found = difference(y, mask, a, a, groups)
    for paired in (found.micro_f1, found.macro_f1, found.mean_average_precision):
        assert (paired.difference.value, paired.difference.low, paired.difference.high) == (0, 0, 0)
    assert (found.n_apart, found.is_better, found.is_worse) == (0, False, False)
    assert found.verdict == (
        "no difference beyond doubt: macro F1 +0.000 [0.000, 0.000]; "
        "decisions differ in 0 groups of posts only"
    )


def test_the_interval_is_narrower_than_two_unpaired_ones():
    y, mask, a, _, groups = problem(n=300)
    decision = a.decision.copy()
    decision[:10] = ~decision[:10]
    found = difference(y, mask, a, Predictions(a.probability, decision), groups).macro_f1.difference
    own = measure(
        y, mask, a.probability, a.decision, groups, IDS, np.zeros(3),
        how="", seed=0, n_resamples=100,
    ).macro_f1  # fmt: skip
    assert found.high - found.low < 0.7 * (own.high - own.low)


def test_a_much_better_model_is_better_beyond_doubt():
    y, mask, a, b, groups = problem(n=400, skill=(0.2, 0.6))
    found = difference(y, mask, a, b, groups)
    assert found.is_better
    assert found.verdict == f"better beyond doubt: macro F1 {found.macro_f1}"
    back = difference(y, mask, b, a, groups)
    assert back.verdict == f"worse beyond doubt: macro F1 {back.macro_f1}"


def test_equal_skill_is_no_difference_beyond_doubt():
    y, mask, a, b, groups = problem(seed=4, n=200, skill=(0.4, 0.4))
    found = difference(y, mask, a, b, groups)
    assert found.verdict == f"no difference beyond doubt: macro F1 {found.macro_f1}"


def test_five_groups_apart_are_too_few_even_if_all_speak_for_one_model():
    y = np.ones((40, 1), np.int8)
    known, perfect = np.ones_like(y, bool), certain(y)
    few, enough = (certain(np.arange(40)[:, None] >= n) for n in (MIN_APART - 1, MIN_APART))
    found = difference(y, known, few, perfect, np.arange(40), n_resamples=2000)
    assert found.macro_f1.difference.low > 0
    assert (found.n_apart, found.is_better) == (5, False)
    assert found.verdict.endswith("decisions differ in 5 groups of posts only")
    assert difference(y, known, enough, perfect, np.arange(40), n_resamples=2000).is_better


def test_copies_of_a_post_are_one_group_apart():
    y = np.ones((40, 1), np.int8)
    a, b = certain(np.arange(40)[:, None] >= 10), certain(y)
    found = difference(y, np.ones_like(y, bool), a, b, np.maximum(np.arange(40) - 9, 0))
    assert (found.n_groups, found.n_apart, found.is_better) == (31, 1, False)


def rare_label(n_found, n_missed=0, *, n=200):
    """Model b errs on the common label as often as a, and finds the rare one, which a does not."""
    y = np.zeros((n, 2), np.int8)
    y[:80, 0] = y[100 : 100 + n_found + n_missed, 1] = 1
    a, b = y == 1, y == 1
    a[:5, 0] = b[5:10, 0] = False
    a[100:, 1] = b[100 + n_found :, 1] = False
    return y, np.ones_like(y, bool), certain(a), certain(b), np.arange(n)


def test_four_posts_of_a_rare_label_make_no_model_better():
    found = difference(*rare_label(4), n_resamples=2000)
    assert found.n_apart == 14
    assert found.macro_f1.difference.low > 0
    assert str(found.labels[1].f1) == "+1.000"
    assert found.thin == ("rare",)
    assert str(found.firm_macro_f1) == str(found.labels[0].f1)
    assert not found.is_better
    assert found.verdict == (
        f"no difference beyond doubt: macro F1 {found.macro_f1}; without 1 label on which "
        f"decisions differ in fewer than 6 groups of posts: {found.firm_macro_f1}"
    )


def test_a_label_has_an_interval_from_six_groups_apart():
    five, six = (difference(*rare_label(n, 4), n_resamples=500) for n in (5, MIN_APART))
    assert math.isnan(five.labels[1].f1.difference.low)
    assert six.labels[1].f1.difference.low > 0
    assert (six.thin, six.firm_macro_f1, six.is_better) == ((), None, True)


def test_copies_of_a_rare_post_do_not_make_its_label_firm():
    y, mask, a, b, groups = rare_label(8)
    groups[100:108] = 100
    assert difference(y, mask, a, b, groups).thin == ("rare",)


def test_no_model_is_better_where_every_label_is_rare():
    y = np.zeros((60, 3), np.int8)
    for j in range(3):
        y[5 * j : 5 * j + 5, j] = 1
    found = difference(y, np.ones_like(y, bool), certain(y * 0), certain(y), np.arange(60))
    assert (found.n_apart, found.thin, found.is_better) == (15, IDS, False)
    assert math.isnan(found.firm_macro_f1.difference.value)
    assert found.verdict == (
        "no difference beyond doubt: macro F1 +1.000 [1.000, 1.000]; "
        "on each label decisions differ in fewer than 6 groups of posts"
    )


def test_macro_f1_without_thin_labels_equals_that_computed_resample_by_resample():
    y, mask, a, b, groups = problem(n=300, skill=(0.2, 0.6))
    decision = a.decision.copy()
    decision[:4, 1] = ~decision[:4, 1]
    b = Predictions(b.probability, np.column_stack([b.decision[:, 0], decision[:, 1:]]))
    found = difference(y, mask, a, b, groups)
    apart = {groups[i] for i in range(300) if mask[i, 1] and a.decision[i, 1] != b.decision[i, 1]}
    assert 0 < len(apart) < MIN_APART
    assert found.thin == ("rare",)
    resamples = drawn_posts(groups)
    without = [0, 2]

    def macro(model, rows):
        part = Predictions(model.probability[:, without], model.decision[:, without])
        return macro_of(y[:, without], mask[:, without], part, rows)

    low, high = np.quantile([macro(b, r) - macro(a, r) for r in resamples], [0.025, 0.975])
    firm = found.firm_macro_f1
    assert (firm.a, firm.b) == (
        pytest.approx(macro(a, range(300))),
        pytest.approx(macro(b, range(300))),
    )
    assert (firm.difference.low, firm.difference.high) == (pytest.approx(low), pytest.approx(high))
    assert found.is_better
    assert found.verdict == (
        f"better beyond doubt: macro F1 {found.macro_f1}; without 1 label on which decisions "
        f"differ in fewer than 6 groups of posts: {firm}"
    )


def test_better_in_macro_but_worse_in_micro_is_not_better():
    """Model b finds the rare label, and says the common one of everybody."""
    y = np.zeros((300, 2), np.int8)
    y[:100, 0] = y[:20, 1] = 1
    a, b = y.copy(), y.copy()
    a[:, 1] = 0
    b[:250, 0] = 1
    found = difference(y, np.ones_like(y, bool), certain(a), certain(b), np.arange(300))
    assert found.macro_f1.difference.low > 0
    assert found.micro_f1.difference.high < 0
    assert not found.is_better
    assert not found.is_worse
    assert found.verdict == (
        "better in one and worse in the other: "
        f"macro F1 {found.macro_f1}, micro F1 {found.micro_f1}"
    )


def test_a_label_without_known_positives_has_no_difference():
    y, mask, a, b, groups = problem()
    found = difference(y, mask, a, b, groups)
    absent = found.labels[2]
    assert (absent.label_id, absent.n_positive, str(absent.f1)) == ("absent", 0, "-")
    both = [label.f1.b for label in found.labels[:2]]
    assert found.macro_f1.b == pytest.approx(np.mean(both))


def test_unknown_cells_do_not_count():
    y, mask, a, b, groups = problem()
    before = difference(y, mask, a, b, groups)
    other = np.where(mask, y, 1 - y).astype(np.int8)
    flipped = Predictions(b.probability, np.where(mask, b.decision, ~b.decision))
    assert repr(difference(other, mask, a, flipped, groups)) == repr(before)


def test_ranking_is_compared_where_both_models_rank():
    y = np.array([[1], [0], [1], [0]], np.int8)
    known, groups = np.ones_like(y, bool), np.arange(4)
    a = Predictions(np.array([[0.9], [0.1], [np.nan], [0.2]], np.float32), y == 1)
    b = Predictions(np.array([[0.9], [0.1], [0.05], [0.2]], np.float32), y == 1)
    found = difference(y, known, a, b, groups).mean_average_precision
    assert (found.a, found.b, found.difference.n) == (1, 1, 3)


def test_one_positive_gives_a_difference_without_interval():
    y = np.zeros((30, 1), np.int8)
    y[3] = 1
    found = difference(y, np.ones_like(y, bool), certain(y * 0), certain(y), np.arange(30))
    assert str(found.macro_f1) == "+1.000"
    assert not found.is_better


def test_nothing_known_cannot_be_told():
    y, mask, a, b, groups = problem()
    found = difference(y, np.zeros_like(mask), a, b, groups)
    assert found.verdict == "cannot be told: no label has a known positive"
    assert not found.is_better


def test_models_of_other_posts_are_refused():
    y, mask, a, b, groups = problem()
    short = Predictions(b.probability[1:], b.decision[1:])
    with pytest.raises(ValueError, match="arrays differ in shape"):
        difference(y, mask, a, short, groups)


def test_two_equal_models_are_told_apart_about_as_rarely_as_promised():
    """200 pairs of equally skilled models on 100 posts: wrong verdicts stay near 5 %."""
    rng = np.random.default_rng(0)
    wrong = 0
    for trial in range(200):
        y = (rng.random((100, 2)) < [0.4, 0.2]).astype(np.int8)
        a, b = (certain(np.where(rng.random(y.shape) < 0.8, y, 1 - y)) for _ in range(2))
        found = difference(y, np.ones_like(y, bool), a, b, np.arange(100), seed=trial)
        wrong += found.is_better or found.is_worse
    assert wrong <= 18
