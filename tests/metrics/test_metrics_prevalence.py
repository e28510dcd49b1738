"""Shares by an audit and a model: exact values, invariants, slow oracles, and whether they hold."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.metrics.prevalence import FEW, audit_share, design_share
from narraframe.metrics.prevalence_sampling import Drawn, weigh

EXACT = {"rel": 1e-9, "abs": 1e-12}


def one_stratum(n_posts: int, answered: list[int]) -> Drawn:
    there = np.zeros(n_posts, dtype=np.bool_)
    there[answered] = True
    return weigh(np.zeros(n_posts, dtype=np.intp), there)


@st.composite
def audits(draw):
    """A population in strata, what a model says of it, an audit of some of it, and answers."""
    n = draw(st.integers(3, 60))
    seed = draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, draw(st.integers(1, 6)), n).astype(np.intp)
    answered = rng.random(n) < draw(st.floats(0.1, 1.0))
    answered[rng.integers(n)] = True
    f = rng.random(n)
    y = (rng.random(n) < draw(st.floats(0.0, 1.0)) * f).astype(float)
    return stratum, answered, f, y


@given(audits())
@settings(max_examples=150, deadline=None)
def test_shares_and_their_ends_are_in_order_and_in_bounds(audit):
    stratum, answered, f, y = audit
    drawn = weigh(stratum, answered)
    for share in (audit_share(y[answered], drawn), design_share(y[answered], f, drawn)):
        found = share.interval()
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert 0 <= share.power <= 1
        assert 0 <= share.equivalent <= share.population == len(y)


@given(audits())
@settings(max_examples=100, deadline=None)
def test_weights_say_for_how_many_posts_of_its_stratum_each_answer_stands(audit):
    stratum, answered, _, _ = audit
    drawn = weigh(stratum, answered, least=None)
    assert drawn.weight.sum() == pytest.approx(len(stratum))
    here = np.isin(stratum, stratum[answered])
    swell = len(stratum) / here.sum()  # strata without an answer are stood for by the others
    for h in np.unique(stratum[answered]):
        n = (stratum[answered] == h).sum()
        of_stratum = drawn.weight[stratum[answered] == h]
        assert of_stratum == pytest.approx(swell * (stratum == h).sum() / n)


@given(audits())
@settings(max_examples=100, deadline=None)
def test_without_power_the_audit_speaks_alone(audit):
    stratum, answered, f, y = audit
    drawn = weigh(stratum, answered)
    assert design_share(y[answered], f, drawn, power=0.0) == audit_share(y[answered], drawn)


@given(audits(), st.integers(0, 100))
@settings(max_examples=80, deadline=None)
def test_the_order_of_posts_does_not_matter(audit, seed):
    stratum, answered, f, y = audit
    order = np.random.default_rng(seed).permutation(len(y))
    first = design_share(y[answered], f, weigh(stratum, answered))
    again = design_share(
        y[order][answered[order]], f[order], weigh(stratum[order], answered[order])
    )
    assert again.value == pytest.approx(first.value, **EXACT)
    assert again.spread == pytest.approx(first.spread, **EXACT)


def test_with_equal_weights_the_share_is_that_of_the_answers():
    share = audit_share(np.array([1.0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), one_stratum(100, [*range(10)]))
    assert share.value == pytest.approx(0.2)
    assert (share.spread, share.power) == (pytest.approx(1.0), 0.0)
    assert share.effective == pytest.approx(10 / (1 - 10 / 100))
    assert share.equivalent == pytest.approx(10)


def test_when_all_posts_are_read_nothing_is_uncertain():
    y = np.array([1.0, 0, 1, 0, 0, 0, 0, 1, 0, 1])
    drawn = one_stratum(10, [*range(10)])
    for share in (audit_share(y, drawn), design_share(y, np.linspace(0, 1, 10), drawn)):
        found = share.interval()
        assert (found.low, found.value, found.high) == (0.4, pytest.approx(0.4), pytest.approx(0.4))
        assert share.equivalent == 10


def test_a_perfect_model_leaves_the_doubt_that_one_answer_would_have_been_missed():
    rng = np.random.default_rng(0)
    truth = (rng.random(5_000) < 0.2).astype(float)
    drawn = one_stratum(5_000, [*range(200)])
    perfect = design_share(truth[:200], truth, drawn)
    alone = audit_share(truth[:200], drawn)
    assert perfect.value == pytest.approx(truth.mean(), abs=1e-9)
    width = perfect.interval().high - perfect.interval().low
    assert width < 0.2 * (alone.interval().high - alone.interval().low)
    # a residual of 1 among 200 of 5,000 posts
    assert width == pytest.approx(2 * 1.96 * np.sqrt((1 - 200 / 5_000) / 200**2), rel=0.05)


@pytest.mark.parametrize("n", [60, 200])
def test_the_interval_holds_around_a_model_that_is_wrong_on_one_post_in_a_hundred(n):
    """Most audits of 60 show none of its errors, and would prove it perfect."""
    rng = np.random.default_rng(0)
    truth = (rng.random(4_000) < 0.05).astype(float)
    f = np.where(truth == 1, 0.93, 0.02)
    missed = rng.random(4_000) < 0.01
    truth[missed] = 1 - truth[missed]
    held = 0
    for _ in range(400):
        rows = np.sort(rng.choice(4_000, n, replace=False))
        found = design_share(truth[rows], f, one_stratum(4_000, rows.tolist())).interval()
        held += found.low <= truth.mean() <= found.high
    assert held / 400 > 0.94


def test_a_model_that_says_the_contrary_gets_no_power():
    y = np.tile([1.0, 0, 0, 0], 20)
    share = design_share(
        y, np.concatenate([1 - y, np.full(100, 0.5)]), one_stratum(180, [*range(80)])
    )
    assert share == audit_share(y, one_stratum(180, [*range(80)]))


def test_a_model_that_says_the_same_of_all_posts_adds_nothing():
    y = np.tile([1.0, 0, 0, 0], 20)
    drawn = one_stratum(180, [*range(80)])
    assert design_share(y, np.full(180, 0.3), drawn) == audit_share(y, drawn)


def test_the_figure_is_that_of_ppi_with_the_unlabelled_posts_as_its_second_sample():
    """Equation of arXiv:2311.01453 for a mean: the labelled are apart from the N unlabelled."""
    rng = np.random.default_rng(1)
    f = rng.random(500)
    y = (rng.random(500) < f).astype(float)
    n, rows = 120, [*range(120)]
    for lam in (0.3, 0.7):
        ppi = y[:n].mean() + lam * (f[n:].mean() - f[:n].mean())
        ours = design_share(y[:n], f, one_stratum(500, rows), power=lam / (1 - n / 500))
        assert ours.value == pytest.approx(ppi, **EXACT)


def test_the_power_is_the_optimal_lambda_of_ppi():
    """lambda* = cov(y, f) / ((1 + n / N) var(f)), N being the unlabelled posts."""
    rng = np.random.default_rng(2)
    f = rng.random(500)
    y = (rng.random(500) < 0.6 * f).astype(float)
    n, unlabelled = 120, 380
    lam = np.cov(y[:n], f[:n])[0, 1] / ((1 + n / unlabelled) * f[:n].var(ddof=1))
    power = design_share(y[:n], f, one_stratum(500, [*range(n)])).power
    assert power * (1 - n / 500) == pytest.approx(lam, **EXACT)


def test_the_spread_is_that_of_leaving_out_each_answer_in_turn():
    """A slow oracle: the jackknife of the regression estimator, of equal weights."""
    rng = np.random.default_rng(3)
    f = rng.random(400)
    y = (rng.random(400) < f).astype(float)
    n = 150
    share = design_share(y[:n], f, one_stratum(400, [*range(n)]))
    ones = np.column_stack([np.ones(n), f[:n]])
    residual = []
    for i in range(n):
        kept = np.arange(n) != i
        beta = np.linalg.lstsq(ones[kept], y[:n][kept], rcond=None)[0]
        residual.append(y[i] - ones[i] @ beta)
    assert share.power < 1  # else the slope was cut, and the oracle is another
    assert share.spread == pytest.approx(np.var(residual, ddof=1) / y[:n].var(ddof=1), rel=1e-9)


def test_the_variance_by_strata_is_that_of_the_textbook():
    """Cochran (1977), 5.3: sum of W_h^2 (1 - f_h) s_h^2 / n_h, here for two strata of a half."""
    rng = np.random.default_rng(4)
    stratum = np.repeat([0, 1], [600, 400]).astype(np.intp)
    answered = np.zeros(1_000, dtype=np.bool_)
    answered[:60], answered[600:700] = True, True
    y = np.concatenate([rng.random(60) < 0.8, rng.random(100) < 0.4]).astype(float)
    variance = sum(
        w**2 * (1 - len(part) / size) * part.var(ddof=1) / len(part)
        for w, size, part in ((0.6, 600, y[:60]), (0.4, 400, y[60:]))
    )
    share = audit_share(y, weigh(stratum, answered))
    simple = (1 - 160 / 1_000) * y.var(ddof=1) / 160
    assert share.value == pytest.approx(0.6 * y[:60].mean() + 0.4 * y[60:].mean())
    # the jackknife's factor is that of 160 answers, weighted
    assert share.spread == pytest.approx(variance / simple, rel=0.02)


def test_over_all_audits_that_could_be_drawn_the_figure_is_the_truth():
    y = np.array([1.0, 0, 0, 1, 1, 0, 0, 0])
    f = np.array([0.9, 0.2, 0.4, 0.3, 0.7, 0.8, 0.1, 0.0])
    every = [
        design_share(y[list(rows)], f, one_stratum(8, list(rows)), power=0.8).value
        for rows in combinations(range(8), 5)
    ]
    assert np.mean(every) == pytest.approx(y.mean(), abs=2e-3)  # cut to 0 to 1 in a few of them


def test_strata_of_few_answers_are_joined_until_there_are_enough():
    stratum = np.repeat(np.arange(6), 10).astype(np.intp)
    answered = np.zeros(60, dtype=np.bool_)
    answered[[0, 1, 10, 20, 21, 30, 40, 50, 51, 52]] = True
    blocks = weigh(stratum, answered, least=4)
    assert blocks.block.tolist() == [0] * 5 + [1] * 5
    assert blocks.rate.tolist() == [5 / 30, 5 / 30]


def test_the_last_strata_join_those_before_where_they_have_too_few_answers():
    stratum = np.repeat(np.arange(3), 10).astype(np.intp)
    answered = np.zeros(30, dtype=np.bool_)
    answered[[0, 1, 2, 10, 11, 12, 20]] = True
    assert weigh(stratum, answered, least=3).block.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_without_an_answer_there_is_no_figure():
    drawn = one_stratum(10, [])
    for share in (audit_share(np.zeros(0), drawn), design_share(np.zeros(0), np.ones(10), drawn)):
        assert np.isnan([share.value, share.effective, share.power]).all()
        assert share.n == 0


def test_no_yes_among_the_answers_is_no_certainty():
    share = design_share(
        np.zeros(50), np.random.default_rng(0).random(900), one_stratum(900, [*range(50)])
    )
    assert share.value < 1e-9
    assert share.interval().high == pytest.approx(3.8415 / (50 / (1 - 50 / 900) + 3.8415), rel=1e-3)


@pytest.mark.parametrize(("rate", "n"), [(0.03, 60), (0.03, 200), (0.15, 60), (0.15, 200)])
def test_the_interval_holds_on_rare_labels_and_small_audits(rate, n):
    rng = np.random.default_rng(10)
    logit = rng.normal(size=3_000) * 2
    f = 1 / (1 + np.exp(-(logit + np.log(rate / (1 - rate)))))
    y = (rng.random(3_000) < f).astype(float)
    held, narrower = 0, 0
    for _ in range(400):
        rows = np.sort(rng.choice(3_000, n, replace=False))
        drawn = one_stratum(3_000, rows.tolist())
        found, alone = design_share(y[rows], f, drawn), audit_share(y[rows], drawn)
        low, high = found.interval().low, found.interval().high
        held += low <= y.mean() <= high
        narrower += high - low <= alone.interval().high - alone.interval().low + 0.02
    assert 0.93 <= held / 400 <= 0.995
    assert narrower / 400 > 0.8


def test_the_few_answers_of_a_rare_label_do_not_decide_its_variance():
    y = np.zeros(40)
    y[: FEW - 1] = 1
    rng = np.random.default_rng(0)
    stratum = rng.integers(0, 3, 500).astype(np.intp)
    answered = np.zeros(500, dtype=np.bool_)
    answered[rng.choice(500, 40, replace=False)] = True
    drawn = weigh(stratum, answered)
    assert audit_share(y, drawn).spread == pytest.approx(drawn.kish)


@pytest.mark.parametrize("n_yes", [6, 15, 30, 45])
def test_the_fewer_the_rarer_answers_the_less_the_design_alone_is_trusted(n_yes):
    """Strata of unlike rates as one block: half of the trust at 15 answers, all of it at 30."""
    stratum = np.repeat([0, 1], [120, 400])
    answered = np.zeros(520, dtype=np.bool_)
    answered[:60] = answered[120:170] = True
    drawn = weigh(stratum, answered, least=None)
    y = np.zeros(110)
    y[:n_yes] = 1
    share = audit_share(y, drawn)
    w = np.r_[np.full(60, 2.0), np.full(50, 8.0)] / 520
    residual = (y - w @ y) / (1 - w)
    z = w * residual
    by_design = (1 - 110 / 520) * 110 / 109 * ((z - z.mean()) ** 2).sum()
    unrelated = (1 - 110 / 520) * (w**2).sum() * residual.var(ddof=1)
    trust = min(n_yes / 30, 1)
    variance = trust * by_design + (1 - trust) * unrelated
    assert y.var(ddof=1) / share.effective == pytest.approx(variance)
