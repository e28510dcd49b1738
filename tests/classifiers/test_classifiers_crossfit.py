from dataclasses import replace

import numpy as np
import pytest
from classifiers_problem import make_problem
from sklearn.metrics import average_precision_score, f1_score

from narraframe.classifiers.crossfit import cross_fit
from narraframe.classifiers.settings import HeadSettings


def whole_groups(y, mask, groups, /, *, seed):
    """Inner folds for tests: groups dealt out in turn."""
    shuffled = np.random.default_rng(seed).permutation(np.unique(groups))
    return np.argsort(shuffled)[np.searchsorted(np.unique(groups), groups)] % 3


def run(problem, *, groups=None, progress=None, make_inner_folds=whole_groups, **settings):
    return cross_fit(
        problem.vectors,
        problem.texts,
        problem.y,
        problem.mask,
        problem.label_ids,
        groups=np.arange(len(problem.texts)) if groups is None else groups,
        folds=problem.folds,
        make_inner_folds=make_inner_folds,
        seed=0,
        settings=HeadSettings(**settings),
        parents={},
        single_choice=(),
        progress=progress,
    )


@pytest.fixture(scope="module")
def problem():
    return make_problem()


def test_what_can_be_learned_is_found_out_of_fold(problem):
    found = run(problem)
    assert f1_score(problem.y, found.decision, average="macro") > 0.75
    assert (found.fold == problem.folds).all()


def test_a_folds_own_targets_never_reach_its_scores(problem):
    own = problem.folds == 1
    y, mask = problem.y.copy(), problem.mask.copy()
    y[own] = 1 - y[own]
    mask[own, 0] = False
    first, second = run(problem), run(replace(problem, y=y, mask=mask))
    assert first.probability[own].tobytes() == second.probability[own].tobytes()
    assert (first.decision[own] == second.decision[own]).all()
    assert first.probability[~own].tobytes() != second.probability[~own].tobytes()


def test_a_post_never_changes_the_scores_of_its_fold_mates(problem):
    own = np.flatnonzero(problem.folds == 1)
    vectors, texts = problem.vectors.copy(), list(problem.texts)
    vectors[own[0]] = 9
    texts[own[0]] = "sanctions sanctions filler1 filler2 unheard-of"
    first, second = run(problem), run(replace(problem, vectors=vectors, texts=texts))
    assert first.probability[own[1:]].tobytes() == second.probability[own[1:]].tobytes()


@pytest.mark.parametrize("features", ["both", "embedding", "tfidf"])
def test_pure_noise_is_found_to_be_noise(features):
    aps, f1s, chance = [], [], []
    for seed in range(3):
        noise = make_problem(n=300, seed=seed)
        y = (np.random.default_rng(seed + 100).random((300, 4)) < 0.2).astype(np.int8)
        found = run(replace(noise, y=y), features=features)
        for j in range(4):
            rate = y[:, j].mean()
            told = np.isfinite(found.probability[:, j])  # a fold may rightly give up on the label
            if y[told, j].any():
                ap = average_precision_score(y[told, j], found.probability[told, j])
                aps.append(ap - y[told, j].mean())
            f1s.append(f1_score(y[:, j], found.decision[:, j]))
            chance.append(2 * rate / (1 + rate))
    assert np.mean(aps) < 0.05
    assert np.mean(f1s) < np.mean(chance) + 0.02


def test_noise_is_scored_with_its_frequency_not_with_confidence():
    noise = make_problem(n=300, seed=5)
    y = (np.random.default_rng(1).random((300, 4)) < 0.2).astype(np.int8)
    found = run(replace(noise, y=y))
    assert np.nanmax(found.probability) < 0.6
    np.testing.assert_allclose(np.nanmean(found.probability, axis=0), y.mean(axis=0), atol=0.05)


def test_a_label_that_the_other_folds_lack_has_no_probability(problem):
    y = problem.y.copy()
    y[:, 2] = (problem.folds == 3) & (np.arange(160) % 2 == 0)
    found = run(replace(problem, y=y))
    in_fold = problem.folds == 3
    assert np.isnan(found.probability[in_fold, 2]).all()
    assert not found.decision[in_fold, 2].any()


def test_the_same_seed_gives_the_same_bytes(problem):
    assert run(problem).probability.tobytes() == run(problem).probability.tobytes()


def test_outer_folds_that_split_a_group_are_refused(problem):
    with pytest.raises(ValueError, match="split a group"):
        run(problem, groups=np.arange(160) // 2)


def test_inner_folds_that_split_a_group_are_refused(problem):
    def careless(y, mask, groups, /, *, seed):
        return np.arange(len(y)) % 2

    pairs = np.arange(160) // 2
    with pytest.raises(ValueError, match="split a group"):
        run(replace(problem, folds=pairs % 4), groups=pairs, make_inner_folds=careless)


def test_progress_is_told_after_each_fit(problem):
    told = []
    run(problem, features="embedding", progress=told.append)
    assert told == [1] * 16
