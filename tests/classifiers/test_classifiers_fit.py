from dataclasses import replace

import numpy as np
import pytest
import skops.io
from classifiers_problem import Problem, make_problem

from narraframe.classifiers.calibration import calibrate
from narraframe.classifiers.classifier import from_parts
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.errors import ConfigError, ModelError, TrainingError


def fit(problem, *, parents=None, single_choice=(), progress=None, **settings):
    return fit_classifier(
        problem.vectors,
        problem.texts,
        problem.y,
        problem.mask,
        problem.label_ids,
        folds=problem.folds,
        settings=HeadSettings(**settings),
        parents=parents or {},
        single_choice=single_choice,
        progress=progress,
    )


def flat(part):
    """Parts with every array as bytes, for comparing two classifiers whole (nan included)."""
    if isinstance(part, dict):
        return {key: flat(value) for key, value in part.items()}
    if isinstance(part, list):
        return [flat(value) for value in part]
    return part.tobytes() if isinstance(part, np.ndarray) else part


@pytest.fixture(scope="module")
def problem():
    return make_problem()


@pytest.fixture(scope="module")
def classifier(problem):
    return fit(problem)


@pytest.mark.parametrize("features", ["both", "embedding", "tfidf"])
def test_what_can_be_learned_is_learned(problem, features):
    new = make_problem(seed=0, n=400)
    found = predict(fit(problem, features=features), new.vectors[160:], new.texts[160:])
    positive = new.y[160:] == 1
    assert (found.decision & positive).sum() > 0.75 * positive.sum()
    assert (found.decision & ~positive).sum() < 0.3 * positive.sum()


def test_fitting_twice_gives_the_same_bytes(problem, classifier):
    assert flat(fit(problem).to_parts()) == flat(classifier.to_parts())


def test_a_post_scores_the_same_bits_in_any_batch(problem, classifier):
    together = predict(classifier, problem.vectors, problem.texts)
    order = np.random.default_rng(0).permutation(len(problem.texts))
    shuffled = predict(classifier, problem.vectors[order], [problem.texts[i] for i in order])
    assert shuffled.probability.tobytes() == together.probability[order].tobytes()
    assert (shuffled.decision == together.decision[order]).all()
    for i in range(20):
        alone = predict(classifier, problem.vectors[i : i + 1], problem.texts[i : i + 1])
        assert alone.probability.tobytes() == together.probability[i : i + 1].tobytes()


def test_blocks_of_posts_leave_no_trace(problem, classifier, monkeypatch):
    together = predict(classifier, problem.vectors, problem.texts)
    monkeypatch.setattr("narraframe.classifiers.predict._BLOCK", 7)
    done = []
    parted = predict(classifier, problem.vectors, problem.texts, progress=done.append)
    assert parted.probability.tobytes() == together.probability.tobytes()
    assert sum(done) == len(problem.texts)


def test_decisions_follow_from_the_stored_probabilities(problem, classifier):
    found = predict(classifier, problem.vectors, problem.texts)
    assert (found.decision == (found.probability >= classifier.thresholds)).all()
    assert found.probability.dtype == np.float32


def test_no_posts_give_no_rows(classifier):
    found = predict(classifier, np.zeros((0, 12), np.float32), [])
    assert found.probability.shape == found.decision.shape == (0, 4)


def test_what_is_unknown_takes_no_part(problem):
    mask = np.random.default_rng(1).random(problem.y.shape) < 0.7
    flipped = np.where(mask, problem.y, 1 - problem.y).astype(np.int8)
    first = fit(replace(problem, mask=mask))
    second = fit(replace(problem, mask=mask, y=flipped))
    assert flat(first.to_parts()) == flat(second.to_parts())


def spoil(problem, column, positives, known=None):
    y, mask = problem.y.copy(), problem.mask.copy()
    y[:, column] = 0
    y[positives, column] = 1
    if known is not None:
        mask[:, column] = False
        mask[known, column] = True
    return replace(problem, y=y, mask=mask)


@pytest.mark.parametrize(
    ("positives", "known", "reason"),
    [
        (slice(0, 4), None, "too few positives"),
        (slice(0, 0), None, "too few positives"),
        (slice(0, 20), slice(0, 4), "too few positives"),
        (slice(0, 160), None, "no negatives"),
        (slice(0, 157), None, "too few negatives"),
    ],
)
def test_labels_that_cannot_be_trained_are_unknown_not_zero(problem, positives, known, reason):
    classifier = fit(spoil(problem, 1, positives, known))
    found = predict(classifier, problem.vectors, problem.texts)
    assert classifier.reasons == ("", reason, "", "")
    assert np.isnan(classifier.thresholds).tolist() == [False, True, False, False]
    assert np.isnan(found.probability).any(axis=0).tolist() == [False, True, False, False]
    assert not found.decision[:, 1].any()


def test_a_label_whose_positives_share_a_fold_is_not_trained(problem):
    in_one_fold = np.flatnonzero(problem.folds == 2)[:12]
    classifier = fit(spoil(problem, 0, in_one_fold))
    assert classifier.reasons == ("positives in one fold only", "", "", "")


def test_an_untrained_label_does_not_disturb_the_others(problem):
    without = predict(fit(spoil(problem, 1, slice(0, 2))), problem.vectors, problem.texts)
    other = predict(fit(spoil(problem, 1, slice(5, 8))), problem.vectors, problem.texts)
    assert without.probability[:, 2].tobytes() == other.probability[:, 2].tobytes()


def test_constant_features_give_the_frequency_of_each_label(problem):
    same = replace(problem, vectors=np.ones_like(problem.vectors), texts=["same text"] * 160)
    found = predict(fit(same), same.vectors, same.texts)
    np.testing.assert_allclose(found.probability[0], problem.y.mean(axis=0), atol=0.05)


def noise(seed):
    """One label that the vectors say nothing of."""
    rng = np.random.default_rng(seed)
    y = (rng.random((120, 1)) < 0.3).astype(np.int8)
    return Problem(
        vectors=rng.normal(size=(120, 32)).astype(np.float32),
        texts=["post"] * 120,
        y=y,
        mask=np.ones_like(y, dtype=bool),
        label_ids=("noise",),
        folds=rng.permutation(np.arange(120) % 4),
    )


def test_a_label_is_not_trained_where_every_post_gets_the_same_probability():
    refused = 0
    for seed in range(20):
        try:
            classifier = fit(noise(seed), features="embedding")
            assert classifier.heads.calibration.slope[0] > 0
        except TrainingError as error:
            assert "cannot be told from the text" in str(error)  # noqa: PT017
            refused += 1
    assert 0 < refused < 20


def test_a_label_that_cannot_be_told_beside_others_that_can_is_not_decided(problem, monkeypatch):
    def flat_third(scores, y, known):
        found = calibrate(scores, y, known)
        return replace(found, slope=np.where(np.arange(4) == 2, 0, found.slope))

    monkeypatch.setattr("narraframe.classifiers.heads.calibrate", flat_third)
    classifier = fit(problem)
    found = predict(classifier, problem.vectors, problem.texts)
    assert classifier.reasons == ("", "", "cannot be told from the text", "")
    assert np.isnan(classifier.thresholds).tolist() == [False, False, True, False]
    assert np.isnan(found.probability[:, 2]).all()
    assert not found.decision[:, 2].any()


@pytest.mark.parametrize("seed", range(8))
def test_decisions_follow_from_probability_and_threshold_as_float32(seed):
    small = make_problem(n=60, seed=seed)
    coarse = replace(small, vectors=np.sign(small.vectors), texts=["same"] * 60)
    classifier = fit(coarse, features="embedding")
    found = predict(classifier, coarse.vectors, coarse.texts)
    written = classifier.thresholds.astype(np.float32)
    assert (written == classifier.thresholds)[~np.isnan(written)].all()
    assert (found.decision == (found.probability >= written)).all()


def test_parents_are_never_below_their_children(problem):
    y = problem.y.copy()
    y[:, 0] = y[:, 1:3].max(axis=1)
    parents = {"label.1": "label.0", "label.2": "label.0"}
    found = predict(fit(replace(problem, y=y), parents=parents), problem.vectors, problem.texts)
    assert (found.probability[:, [0]] >= found.probability[:, 1:3]).all()
    assert (found.decision[:, 0] >= found.decision[:, 1:3].any(axis=1)).all()


def stances(problem):
    stance = np.where(problem.y[:, 0] == 1, 0, np.where(problem.y[:, 1] == 1, 1, 2))
    y = problem.y.copy()
    y[:, :3] = np.eye(3, dtype=np.int8)[stance]
    return replace(problem, y=y)


def test_a_single_choice_facet_is_always_answered_once(problem):
    problem = stances(problem)
    classifier = fit(problem, single_choice=[problem.label_ids[:3]])
    found = predict(classifier, problem.vectors, problem.texts)
    assert (found.decision[:, :3].sum(axis=1) == 1).all()
    np.testing.assert_allclose(found.probability[:, :3].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(classifier.thresholds[:3], 1 / 3)


def test_a_choice_with_an_untrained_label_does_not_hand_its_share_to_the_others(problem):
    problem = stances(problem)
    problem = spoil(problem, 2, np.flatnonzero(problem.y[:, 2] == 1)[:3])
    found = predict(
        fit(problem, single_choice=[problem.label_ids[:3]]), problem.vectors, problem.texts
    )
    assert (found.decision[:, :3].sum(axis=1) <= 1).all()
    assert np.nansum(found.probability[:, :3], axis=1).min() < 0.5


def test_stored_parts_hold_only_trusted_types_and_give_the_same_scores(problem):
    classifier = fit(
        problem, parents={"label.1": "label.0"}, single_choice=[("label.2", "label.3")]
    )
    stored = skops.io.dumps(classifier.to_parts())
    assert skops.io.get_untrusted_types(data=stored) == []
    again = from_parts(skops.io.loads(stored, trusted=[]))
    first = predict(classifier, problem.vectors, problem.texts)
    second = predict(again, problem.vectors, problem.texts)
    assert first.probability.tobytes() == second.probability.tobytes()
    assert (first.decision == second.decision).all()
    assert again.label_ids == classifier.label_ids
    assert again.settings == classifier.settings
    assert again.terms == classifier.terms


def test_parts_of_another_format_are_refused(classifier):
    with pytest.raises(ModelError, match="another format"):
        from_parts(classifier.to_parts() | {"format": 99})


def test_parts_that_do_not_fit_together_are_refused(classifier):
    parts = classifier.to_parts()
    with pytest.raises(ModelError, match="do not fit together"):
        from_parts(parts | {"coefficients": parts["coefficients"][:-1]})


def test_embeddings_of_another_width_are_refused(classifier):
    with pytest.raises(ModelError, match="12 dimensions"):
        predict(classifier, np.zeros((1, 5), np.float32), ["text"])


def test_embeddings_that_are_not_finite_are_refused(problem, classifier):
    bad = problem.vectors.copy()
    bad[3, 0] = np.nan
    with pytest.raises(ModelError, match=r"nan or infinite values \(got 1\)"):
        predict(classifier, bad, problem.texts)
    with pytest.raises(TrainingError, match=r"nan or infinite values \(got 1\)"):
        fit(replace(problem, vectors=bad))


def test_terms_alone_do_not_look_at_embeddings(problem):
    nowhere = np.full_like(problem.vectors, np.nan)
    classifier = fit(replace(problem, vectors=nowhere), features="tfidf")
    found = predict(classifier, nowhere, problem.texts)
    assert np.isfinite(found.probability).all()


def test_nothing_to_train_is_an_error_that_names_the_reasons(problem):
    with pytest.raises(TrainingError, match="none of 4 labels can be trained"):
        fit(problem, min_positive=150)


def test_one_fold_only_is_an_error(problem):
    with pytest.raises(TrainingError, match="one fold"):
        fit(replace(problem, folds=np.zeros(160, dtype=int)))


def test_shapes_that_do_not_belong_together_are_refused(problem):
    with pytest.raises(ValueError, match="do not fit together"):
        fit(replace(problem, texts=problem.texts[:-1]))


def test_progress_is_told_after_each_fit(problem):
    told = []
    fit(problem, progress=told.append)
    assert told == [1] * 5


def test_all_faults_in_the_settings_are_named_at_once():
    with pytest.raises(ConfigError, match=r"features is 'words'.*alpha is 0.*min_df is 0.*min_pos"):
        HeadSettings(features="words", alpha=0, min_df=0, min_positive=1)
