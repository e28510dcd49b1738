from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from narraframe.themes.calibration import ABSENT, calibrate, matched, probability
from narraframe.themes.calibration import _features as features
from narraframe.themes.calibration import _logistic as logistic
from narraframe.themes.calibration import _votes_without_itself as votes_without_itself
from narraframe.themes.reference import reference
from narraframe.themes.votes import in_units


@pytest.fixture(scope="module")
def blurred(make_corpus):
    """Units, themes and centroids of four subjects that overlap."""
    corpus = make_corpus(500, 400, 300, 200, spread=0.25)
    kept = reference(corpus.vectors, corpus.truth.astype(np.int32))
    return in_units(corpus.vectors), corpus.truth, in_units(kept.centroids)


def test_a_refit_is_named_after_the_fit_by_the_posts_they_share():
    fit = np.array([0, 0, 0, 1, 1, -1])
    refit = np.array([5, 5, 5, 0, 0, 0])
    assert matched(refit, fit, 2).tolist() == [0, 0, 0, 1, 1, 1]


def test_of_a_theme_that_a_refit_splits_the_larger_part_keeps_the_name():
    fit = np.array([0, 0, 0, 0, 0, 1])
    refit = np.array([1, 1, 1, 2, 2, 0])
    assert matched(refit, fit, 2).tolist() == [0, 0, 0, 2, 2, 1]


def test_noise_and_absent_posts_of_a_refit_stay_what_they_are():
    fit = np.array([0, 0, 1, 1])
    assert matched(np.array([0, -1, ABSENT, 1]), fit, 2).tolist() == [0, -1, ABSENT, 1]
    assert matched(np.array([-1, -1, ABSENT, -1]), fit, 2).tolist() == [-1, -1, ABSENT, -1]


def test_the_logistic_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3)) * [1, 5, 0.2] + 3
    y = (rng.random(2000) < 1 / (1 + np.exp(-(X[:, 0] - 3 + 0.4 * (X[:, 1] - 3))))).astype(float)
    weights = logistic(X, y)
    theirs = LogisticRegression(C=np.inf).fit(X, y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-(weights[0] + X @ weights[1:]))), theirs, atol=0.01)


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_weights_stay_finite_where_all_cases_agree(answer):
    X = np.random.default_rng(0).normal(size=(40, 3))
    weights = logistic(X, np.full(40, answer))
    assert np.isfinite(weights).all()
    assert abs(1 / (1 + np.exp(-weights[0])) - answer) < 0.1


def held_out_votes(blurred):
    units, theme, centroids = blurred
    return votes_without_itself(units, theme, centroids, np.arange(len(units)))


@pytest.mark.parametrize("changed", [0.0, 0.2, 0.5])
def test_the_mean_probability_is_the_share_of_posts_that_refits_leave_where_they_are(
    blurred, changed
):
    units, theme, centroids = blurred
    rng = np.random.default_rng(1)
    refits = []
    for _ in range(2):
        refit = theme.copy()
        moved = rng.random(len(theme)) < changed
        refit[moved] = (refit[moved] + rng.integers(1, 4, moved.sum())) % 4
        refits.append(refit)
    found = calibrate(units, theme, centroids, refits=refits)
    cast = held_out_votes(blurred)
    agrees = np.mean([refit == cast.suggested for refit in refits])
    assert probability(cast, found.weights).mean() == pytest.approx(agrees, abs=0.01)


def test_the_numbering_of_a_refit_does_not_matter(blurred):
    units, theme, centroids = blurred
    refit = np.where(np.arange(len(theme)) % 7 == 0, (theme + 1) % 4, theme)
    one = calibrate(units, theme, centroids, refits=[refit])
    other = calibrate(units, theme, centroids, refits=[np.array([30, 2, 11, 0])[refit]])
    np.testing.assert_array_equal(one.weights, other.weights)


def test_posts_that_a_refit_did_not_see_do_not_count_against_it(blurred):
    units, theme, centroids = blurred
    refit = np.where(np.arange(len(theme)) % 2 == 0, ABSENT, theme)
    found = calibrate(units, theme, centroids, refits=[refit])
    cast = held_out_votes(blurred)
    agrees = (theme == cast.suggested)[refit >= 0].mean()
    assert probability(cast, found.weights).mean() == pytest.approx(agrees, abs=0.02)


def test_a_surer_vote_has_a_larger_probability(blurred):
    units, theme, centroids = blurred
    cast = held_out_votes(blurred)
    p = probability(cast, calibrate(units, theme, centroids).weights)
    sure, unsure = cast.lead > 0.9, cast.lead < 0.3
    assert p[sure].min() > p[unsure].max()
    assert features(cast).shape == (len(units), 3)


def test_the_least_probability_leaves_out_as_many_as_the_fit_did(blurred):
    units, theme, centroids = blurred
    with_noise = np.where(np.arange(len(theme)) % 5 == 0, -1, theme)
    found = calibrate(units, with_noise, centroids)
    p = probability(
        votes_without_itself(units, with_noise, centroids, np.arange(1400)), found.weights
    )
    assert np.mean(p < found.least_probability) == pytest.approx(0.2, abs=0.02)


def test_a_fit_that_left_no_post_out_sets_no_least_probability(blurred):
    assert calibrate(*blurred).least_probability == 0.0


def test_half_the_posts_are_about_as_near_as_usual(blurred):
    nearness = calibrate(*blurred).nearness
    assert np.median(nearness) == pytest.approx(1.0, abs=0.05)
    assert (np.diff(nearness) >= 0).all()
