from dataclasses import replace

import numpy as np
import pytest
from classifiers_problem import (
    Rows,
    cross,
    fit,
    make_problem,
    score,
    splits_of,
    vectors_of,
    whole_groups,
)
from sklearn.metrics import average_precision_score, f1_score

from narraframe.classifiers.crossfit import CrossFit, OutOfFold, chosen
from narraframe.classifiers.settings import HeadSettings
from narraframe.errors import TrainingError

FOLDS = np.random.default_rng(0).permutation(160) % 4
SPLITS = splits_of(FOLDS)
VIEWS = ("embedding", "sentences", "words", "characters", "definitions")


def settings(*features, **options):
    return HeadSettings(features=features or ("embedding", "words"), **options)


@pytest.fixture(scope="module")
def problem():
    return make_problem()


def about():
    vectors = np.random.default_rng(42).normal(size=(4, 12)).astype(np.float32)
    vectors[2] = np.nan
    return vectors


def run(problem, *candidates, splits=SPLITS, **options):
    return cross(problem, splits, *candidates, **options)


def only(problem, *candidates, **options):
    [found] = run(problem, *candidates, **options).candidates
    return found


def part(problem, rows):
    return replace(
        problem,
        vectors=problem.vectors[rows],
        texts=[problem.texts[i] for i in rows],
        y=problem.y[rows],
        mask=problem.mask[rows],
        groups=problem.groups[rows],
    )


def test_what_can_be_learned_is_found_out_of_fold(problem):
    found = only(problem)
    assert f1_score(problem.y, found.decision, average="macro") > 0.8
    assert (found.fold == FOLDS).all()


@pytest.mark.parametrize("head", ["ridge", "svc"])
def test_scores_are_those_of_a_classifier_trained_on_the_other_side_alone(problem, head):
    pairs = np.arange(160) // 2
    problem, splits = replace(problem, groups=pairs), splits_of(pairs % 4)[:2]
    wanted = settings(*VIEWS, head=head, abstain=0.1)
    found = only(problem, wanted, splits=splits, definitions=about())
    for split in splits:
        train, test = part(problem, split.train), part(problem, split.test)
        alone = score(fit(train, *VIEWS, head=head, abstain=0.1, definitions=about()), test)
        np.testing.assert_array_equal(found.probability[split.test], alone.probability)
        assert (found.decision[split.test] == alone.decision).all()
        assert (found.abstained[split.test] == alone.abstained).all()


@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_answers_of_the_test_side_never_reach_its_scores(problem, head):
    own = FOLDS == 1
    y, mask = problem.y.copy(), problem.mask.copy()
    y[own] = 1 - y[own]
    mask[own, 0] = False
    wanted = settings("embedding", "words", head=head)
    first, second = only(problem, wanted), only(replace(problem, y=y, mask=mask), wanted)
    assert first.probability[own].tobytes() == second.probability[own].tobytes()
    assert (first.decision[own] == second.decision[own]).all()
    assert first.probability[~own].tobytes() != second.probability[~own].tobytes()


def test_a_post_never_changes_the_scores_of_others_on_its_side(problem):
    own = np.flatnonzero(FOLDS == 1)
    vectors, texts = problem.vectors.copy(), list(problem.texts)
    vectors[own[0]] = 9
    texts[own[0]] = "sanctions sanctions filler1 filler2 unheard-of"
    other = replace(problem, vectors=vectors, texts=texts)
    first = only(problem, settings(*VIEWS), definitions=about())
    second = only(other, settings(*VIEWS), definitions=about())
    assert first.probability[own[1:]].tobytes() == second.probability[own[1:]].tobytes()
    assert first.probability[own[0]].tobytes() != second.probability[own[0]].tobytes()


def test_the_evidence_of_a_split_does_not_depend_on_its_test_side(problem):
    own = FOLDS == 1
    vectors, texts = problem.vectors.copy(), np.array(problem.texts, dtype=object)
    vectors[own], texts[own] = 7, "museum museum treaty"
    other = replace(
        problem, vectors=vectors, texts=list(texts), y=np.where(own[:, None], 1, problem.y)
    )
    candidates = [settings(), settings("words")]
    first, second = run(problem, *candidates), run(other, *candidates)
    assert first.evidence[1].tobytes() == second.evidence[1].tobytes()
    assert first.evidence[0].tobytes() != second.evidence[0].tobytes()


@pytest.mark.parametrize("features", [("embedding", "words"), ("sentences",), ("characters",)])
def test_pure_noise_is_found_to_be_noise(features):
    aps, f1s, chance = [], [], []
    for seed in range(3):
        noise = make_problem(n=200, seed=seed)
        y = (np.random.default_rng(seed + 100).random((200, 4)) < 0.2).astype(np.int8)
        folds = np.random.default_rng(seed).permutation(200) % 4
        found = only(replace(noise, y=y), settings(*features), splits=splits_of(folds))
        for j in range(4):
            told = np.isfinite(found.probability[:, j])  # a split may rightly give up on the label
            if y[told, j].any():
                ap = average_precision_score(y[told, j], found.probability[told, j])
                aps.append(ap - y[told, j].mean())
            f1s.append(f1_score(y[:, j], found.decision[:, j]))
            chance.append(2 * y[:, j].mean() / (1 + y[:, j].mean()))
    assert np.mean(aps) < 0.05
    assert np.mean(f1s) < np.mean(chance) + 0.02


def test_noise_is_scored_with_its_frequency_not_with_confidence():
    noise = make_problem(n=300, seed=5)
    y = (np.random.default_rng(1).random((300, 4)) < 0.2).astype(np.int8)
    found = only(replace(noise, y=y), splits=splits_of(np.arange(300) % 4))
    assert np.nanmax(found.probability) < 0.6
    np.testing.assert_allclose(np.nanmean(found.probability, axis=0), y.mean(axis=0), atol=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_an_encoder_of_noise_does_not_sink_the_model(seed):
    told = make_problem(n=240, seed=seed)
    vectors = np.random.default_rng(seed).normal(size=(240, 64)).astype(np.float32)
    deaf = replace(told, vectors=vectors)
    splits = splits_of(np.random.default_rng(seed).permutation(240) % 4)
    found = run(deaf, settings("words"), settings("embedding", "words"), splits=splits)
    words, both = (f1_score(told.y, c.decision, average="macro") for c in found.candidates)
    assert both > words - 0.03


def test_copies_with_contradictory_labels_score_about_even(problem):
    y = np.concatenate([problem.y, 1 - problem.y])
    double = replace(
        problem,
        vectors=np.tile(problem.vectors, (2, 1)),
        texts=problem.texts * 2,
        y=y,
        mask=np.ones_like(y, dtype=bool),
        groups=np.tile(problem.groups, 2),
    )
    found = only(double, splits=splits_of(np.tile(FOLDS, 2)))
    p = found.probability
    assert (np.isnan(p) | (np.abs(p - 0.5) < 0.1)).all()


def test_a_label_that_the_training_side_lacks_has_no_probability(problem):
    y = problem.y.copy()
    y[:, 2] = (FOLDS == 3) & (np.arange(160) % 2 == 0)
    found = only(replace(problem, y=y))
    there = FOLDS == 3
    assert np.isnan(found.probability[there, 2]).all()
    assert not found.decision[there, 2].any()
    assert np.isfinite(found.probability[:, [0, 1, 3]]).all()


def test_a_label_that_the_test_side_lacks_is_scored_all_the_same(problem):
    y, mask = problem.y.copy(), problem.mask.copy()
    y[FOLDS == 3, 1] = 0
    mask[FOLDS == 3, 2] = False
    found = only(replace(problem, y=y, mask=mask))
    assert np.isfinite(found.probability).all()


def test_where_no_label_can_be_trained_nothing_is_scored(problem):
    found = run(problem, settings(min_positive=150))
    assert np.isnan(found.candidates[0].probability).all()
    assert not found.candidates[0].decision.any()
    assert (found.candidates[0].fold == FOLDS).all()


def test_posts_that_no_split_tests_have_no_result(problem):
    found = only(problem, splits=SPLITS[:1])
    outside = FOLDS != 0
    assert (found.fold[outside] == -1).all()
    assert np.isnan(found.probability[outside]).all()
    assert np.isfinite(found.probability[~outside]).all()


@pytest.mark.parametrize("test", [np.zeros(0, dtype=np.intp), np.array([159])])
def test_a_test_side_may_be_of_one_post_or_none(problem, test):
    found = only(problem, splits=[Rows(np.arange(150), test)])
    assert np.flatnonzero(found.fold == 0).tolist() == test.tolist()


def test_the_same_seed_gives_the_same_bytes(problem):
    first, second = run(problem, settings()), run(problem, settings())
    assert first.candidates[0].probability.tobytes() == second.candidates[0].probability.tobytes()
    assert first.evidence.tobytes() == second.evidence.tobytes()


def test_candidates_are_scored_as_if_alone(problem):
    candidates = [
        settings("embedding", min_positive=15),
        settings("embedding"),
        settings("words", min_df=1),
        settings("words", "embedding", min_df=3, aim="precision"),
        settings("embedding", head="logistic", min_positive=15),
    ]
    together = run(problem, *candidates)
    for c, candidate in enumerate(candidates):
        alone = run(problem, candidate)
        first, second = together.candidates[c], alone.candidates[0]
        np.testing.assert_array_equal(first.probability, second.probability)
        assert (first.decision == second.decision).all()
        np.testing.assert_array_equal(together.evidence[:, c], alone.evidence[:, 0])


def test_heads_that_candidates_share_are_fitted_once(problem):
    fits = []

    def counted(y, mask, groups, /, *, seed):
        fits.append(len(y))
        return whole_groups(y, mask, groups, seed=seed)

    both = [settings("words", head="svc", aim=aim) for aim in ("f1", "precision")]
    from narraframe.classifiers.crossfit import cross_fit

    cross_fit(
        vectors_of(problem),
        problem.texts,
        problem.y,
        problem.mask,
        problem.label_ids,
        groups=problem.groups,
        splits=SPLITS,
        candidates=both,
        make_folds=counted,
        parents={},
        single_choice=(),
    )
    assert fits == [120] * 4


def test_evidence_is_for_views_that_work_and_against_noise(problem):
    deaf = replace(problem, vectors=np.random.default_rng(0).normal(size=(160, 9)).astype("f4"))
    evidence = run(deaf, settings("words"), settings("embedding")).evidence
    assert evidence.shape == (4, 2)
    assert (evidence[:, 0] > evidence[:, 1] + 0.2).all()


def test_evidence_does_not_favour_a_candidate_for_training_fewer_labels(problem):
    y = problem.y.copy()
    y[:, 2:] = np.random.default_rng(0).random((160, 2)) < 0.15
    hard = replace(problem, y=y)
    evidence = run(hard, settings(), settings(min_positive=25)).evidence
    assert (evidence[:, 0] > evidence[:, 1] - 0.05).all()
    assert (evidence <= 0.85).all()


def table(value, fold):
    fold = np.asarray(fold)
    p = np.full((len(fold), 1), value, dtype=np.float32)
    p[fold < 0] = np.nan
    return OutOfFold(p, p > 0.5, p > 0.8, fold)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([[0.2, 0.7], [0.6, 0.1]], [0.9, 0.9, 0.1]),
        ([[0.5, 0.5], [0.1, 0.6]], [0.1, 0.1, 0.9]),
        ([[np.nan, 0.1], [np.nan, np.nan]], [0.9, 0.9, 0.1]),
    ],
)
def test_each_split_has_the_candidate_of_best_evidence(evidence, expected):
    fold = [0, 0, 1, -1]
    found = chosen(CrossFit((table(0.1, fold), table(0.9, fold)), np.array(evidence)))
    np.testing.assert_allclose(found.probability[:3, 0], expected)
    assert np.isnan(found.probability[3, 0])
    assert found.decision[:3, 0].tolist() == [value > 0.5 for value in expected]
    assert found.abstained[:3, 0].tolist() == [value > 0.8 for value in expected]
    assert found.fold.tolist() == fold


def test_one_candidate_is_chosen_as_it_is():
    single = table(0.3, [0, 1])
    assert chosen(CrossFit((single,), np.array([[np.nan], [0.1]]))) is single


def test_what_is_chosen_is_made_of_the_candidates_own_results(problem):
    found = run(problem, settings("embedding"), settings("words"))
    best = found.evidence.argmax(axis=1)
    picked = chosen(found)
    for i, split in enumerate(SPLITS):
        own = found.candidates[best[i]]
        assert (picked.probability[split.test] == own.probability[split.test]).all()


def test_a_split_that_separates_a_group_is_refused(problem):
    pairs = replace(problem, groups=np.arange(160) // 2)
    with pytest.raises(ValueError, match="separates a group"):
        run(pairs)
    assert np.isfinite(only(pairs, honest=False).probability).all()
    run(pairs, splits=splits_of((np.arange(160) // 2) % 4))


def test_a_post_on_both_sides_is_refused(problem):
    with pytest.raises(ValueError, match="separates a group"):
        run(problem, splits=[Rows(np.arange(100), np.arange(99, 160))])


@pytest.mark.parametrize("honest", [True, False])
def test_test_sides_that_overlap_are_refused(problem, honest):
    twice = (SPLITS[0], SPLITS[0])
    with pytest.raises(ValueError, match="two splits"):
        run(problem, splits=twice, honest=honest)


def test_what_a_careless_split_gives_is_shown_where_honesty_is_not_asked_for(problem):
    rng = np.random.default_rng(0)
    y = (rng.random((80, 4)) < 0.3).astype(np.int8)
    copied = replace(
        problem,
        vectors=np.repeat(rng.normal(size=(80, 12)).astype(np.float32), 2, axis=0),
        texts=["post"] * 160,
        y=np.repeat(y, 2, axis=0),
        groups=np.repeat(np.arange(80), 2),
    )
    careless = only(
        copied, settings("embedding"), splits=splits_of(np.arange(160) % 2), honest=False
    )
    honest = only(copied, settings("embedding"), splits=splits_of(np.arange(160) // 2 % 2))

    def ap(found):
        return average_precision_score(copied.y.ravel(), np.nan_to_num(found.probability).ravel())

    assert ap(careless) > ap(honest) + 0.15


def test_a_parent_and_a_choice_hold_out_of_fold_too(problem):
    y = problem.y.copy()
    y[:, 0] = y[:, :2].max(axis=1)
    y[:, 3] = 1 - y[:, 2]
    found = only(
        replace(problem, y=y),
        parents={"label.1": "label.0"},
        single_choice=[("label.2", "label.3")],
    )
    assert (found.probability[:, 0] >= found.probability[:, 1]).all()
    assert (found.decision[:, 2:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(found.probability[:, 2:].sum(axis=1), 1, atol=3e-6)


def test_embeddings_that_are_not_finite_are_refused(problem):
    bad = problem.vectors.copy()
    bad[3, 0] = np.nan
    with pytest.raises(TrainingError, match="nan or infinite values"):
        run(replace(problem, vectors=bad))


def test_progress_is_told_after_each_split(problem):
    told = []
    run(problem, settings(), settings("words"), progress=told.append)
    assert told == [1] * 4
