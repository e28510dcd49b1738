from dataclasses import replace

import numpy as np
import pytest
from classifiers_problem import Rows, cross, fit, make_problem, score

from narraframe.classifiers.heads import too_few
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.thresholds import NEVER


@pytest.fixture(scope="module")
def problem():
    return make_problem()


def stances(problem, unanswered=()):
    """Labels 0, 1 and 2 as the answers to one question."""
    stance = np.where(problem.y[:, 0] == 1, 0, np.where(problem.y[:, 1] == 1, 1, 2))
    y = problem.y.copy()
    y[:, :3] = np.eye(3, dtype=np.int8)[stance]
    y[list(unanswered), :3] = 0
    return replace(problem, y=y)


def answered(problem, **options):
    classifier = fit(problem, single_choice=[problem.label_ids[:3]], **options)
    return classifier, score(classifier, problem)


def test_a_closed_facet_is_always_answered_once(problem):
    problem = stances(problem)
    classifier, found = answered(problem)
    assert not classifier.heads.structure.choices[0].is_open
    assert (found.decision[:, :3].sum(axis=1) == 1).all()
    np.testing.assert_allclose(found.probability[:, :3].sum(axis=1), 1, atol=3e-6)
    np.testing.assert_allclose(classifier.thresholds[:3], 1 / 3)
    assert (found.decision[:, :3] == (problem.y[:, :3] == 1)).all(axis=1).mean() > 0.8


def test_a_facet_that_posts_leave_unanswered_may_stay_so(problem):
    problem = stances(problem, unanswered=range(0, 160, 3))
    classifier, found = answered(problem)
    assert classifier.heads.structure.choices[0].is_open
    assert (found.probability[:, :3].sum(axis=1) <= 1 + 3e-6).all()
    assert set(found.decision[:, :3].sum(axis=1)) == {0, 1}
    np.testing.assert_allclose(classifier.thresholds[:3], 1 / 4)


def test_a_post_of_which_an_answer_is_unknown_does_not_open_the_facet(problem):
    problem = stances(problem)
    y, mask = problem.y.copy(), problem.mask.copy()
    y[:30, :3] = 0
    mask[:30, 2] = False
    classifier, _ = answered(replace(problem, y=y, mask=mask))
    assert not classifier.heads.structure.choices[0].is_open


def test_an_untrained_answer_does_not_hand_its_share_to_the_others(problem):
    problem = stances(problem)
    y = problem.y.copy()
    y[np.flatnonzero(y[:, 2])[1:], 2] = 0
    classifier, found = answered(replace(problem, y=y))
    assert classifier.heads.structure.choices[0].is_open
    assert np.isnan(found.probability[:, 2]).all()
    assert (found.decision[:, :3].sum(axis=1) <= 1).all()
    assert np.nansum(found.probability[:, :3], axis=1).min() < 0.5


def test_a_facet_with_an_untrained_answer_is_open_though_every_post_has_one(problem):
    problem = stances(problem)
    y = problem.y.copy()
    y[:, 0] |= y[:, 2]
    y[:1, :3] = [0, 0, 1]
    y[1:, 2] = 0
    classifier, found = answered(replace(problem, y=y))
    assert classifier.reasons[:3] == ("", "", "too few positives")
    assert classifier.heads.structure.choices[0].is_open
    assert (found.probability[:, :2].sum(axis=1) < 1).any()


def divided(problem, rare):
    """Label 0 against label 3, the one divided into labels 1 and 2; `rare`: those with too few."""
    first = problem.y[:, 0] == 1
    half = np.arange(160) % 2 == 0
    few = np.arange(160) < 8
    children = [first & half, first & ~half]
    columns = [c & few if j in rare else c for j, c in enumerate(children, 1)]
    return replace(problem, y=np.column_stack([first, *columns, ~first]).astype(np.int8))


PARENTS = {"label.1": "label.0", "label.2": "label.0"}


def test_a_divided_answer_is_as_probable_as_its_parts(problem):
    problem = divided(problem, rare=())
    classifier = fit(problem, parents=PARENTS, single_choice=[problem.label_ids])
    found = score(classifier, problem)
    p = found.probability
    np.testing.assert_allclose(p[:, 0], p[:, 1] + p[:, 2], atol=3e-6)
    assert (found.decision[:, 0] == found.decision[:, [1, 2]].any(axis=1)).all()


def test_a_divided_answer_whose_parts_are_too_rare_is_an_answer_itself(problem):
    problem = divided(problem, rare=(1, 2))
    classifier = fit(problem, parents=PARENTS, single_choice=[problem.label_ids])
    found = score(classifier, problem)
    assert classifier.reasons == ("", "too few positives", "too few positives", "")
    np.testing.assert_allclose(found.probability[:, [0, 3]].sum(axis=1), 1, atol=3e-6)
    assert np.isnan(found.probability[:, [1, 2]]).all()
    assert not found.decision[:, [1, 2]].any()
    assert (found.decision[:, [0, 3]].sum(axis=1) == 1).all()
    assert (found.decision[:, 0] == (problem.y[:, 0] == 1)).mean() > 0.9


@pytest.mark.parametrize("rare", [(), (1,), (1, 2)])
def test_a_label_has_a_probability_where_it_has_no_reason_for_none(problem, rare):
    problem = divided(problem, rare)
    classifier = fit(problem, parents=PARENTS, single_choice=[problem.label_ids])
    told = np.isfinite(score(classifier, problem).probability).all(axis=0)
    assert told.tolist() == [reason == "" for reason in classifier.reasons]


def test_parents_are_never_below_their_children(problem):
    y = problem.y.copy()
    y[:, 0] = y[:, 1:3].max(axis=1)
    found_by = replace(problem, y=y)
    found = score(fit(found_by, parents=PARENTS), problem)
    assert (found.probability[:, [0]] >= found.probability[:, 1:3]).all()
    assert (found.decision[:, 0] >= found.decision[:, 1:3].any(axis=1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_decisions_follow_from_probability_and_threshold_as_float32(seed):
    small = make_problem(n=60, seed=seed, rates=(0.5, 0.3))
    coarse = replace(small, vectors=np.sign(small.vectors))
    classifier = fit(coarse, "embedding")
    found = score(classifier, coarse)
    written = classifier.thresholds.astype(np.float32)
    assert (written == classifier.thresholds)[~np.isnan(written)].all()
    assert (found.decision == (found.probability >= written)).all()
    assert found.probability.dtype == np.float32


def test_probabilities_are_of_six_decimals(problem):
    p = score(fit(problem), problem).probability
    assert (np.round(p.astype(float), 6).astype(np.float32) == p).all()


def test_aiming_at_precision_decides_less_and_errs_less(problem):
    hard = make_problem(n=300, noise=1.6, rates=(0.4, 0.3))
    new = make_problem(n=600, seed=1, noise=1.6, rates=(0.4, 0.3))
    by_f1 = score(fit(hard, "embedding"), new)
    sure = score(fit(hard, "embedding", aim="precision", precision=0.85), new)
    assert (sure.probability == by_f1.probability).all()
    assert not (sure.decision & ~by_f1.decision).any()
    assert sure.decision.any(axis=0).all()
    assert (new.y[sure.decision] == 1).mean() > 0.78
    assert (new.y[sure.decision] == 1).mean() > (new.y[by_f1.decision] == 1).mean()


def test_a_precision_out_of_reach_is_never_decided():
    hopeless = make_problem(n=120, noise=3, rates=(0.3, 0.2))
    classifier = fit(hopeless, "embedding", aim="precision", precision=0.999)
    trained = np.array(classifier.reasons) == ""
    assert trained.any()
    assert (classifier.thresholds[trained] == NEVER).all()
    assert not score(classifier, hopeless).decision.any()


def test_abstaining_marks_decisions_and_changes_neither_them_nor_probabilities(problem):
    hard = make_problem(noise=2)
    always = score(fit(hard, "embedding"), hard)
    careful = score(fit(hard, "embedding", abstain=0.2), hard)
    assert always.probability.tobytes() == careful.probability.tobytes()
    assert not always.abstained.any()
    assert careful.abstained.any()
    assert (careful.decision == always.decision).all()
    wrong = np.where(always.decision, 1 - always.probability, always.probability)
    assert (careful.abstained == (wrong > 0.2 + 1e-6)).all()


def test_too_few_names_what_is_missing():
    y = np.array([[1, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0], [0, 1, 1, 0]], np.int8)
    mask = np.ones(y.shape, bool)
    assert too_few(y, mask, 2).tolist() == [
        "",
        "too few positives",
        "no negatives",
        "too few positives",
    ]
    mask[2, 0] = False
    assert too_few(y, mask, 2)[0] == "too few negatives"


def test_out_of_fold_probabilities_are_calibrated():
    problem = make_problem(n=500, noise=2, rates=(0.4, 0.2))
    folds = np.arange(500) % 4
    splits = [Rows(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(4)]
    p = cross(problem, splits, HeadSettings(features=("embedding",))).candidates[0].probability
    for j in range(2):
        np.testing.assert_allclose(p[:, j].mean(), problem.y[:, j].mean(), atol=0.04)
        likely = p[:, j] > np.median(p[:, j])
        for part in (likely, ~likely):
            np.testing.assert_allclose(p[part, j].mean(), problem.y[part, j].mean(), atol=0.07)
