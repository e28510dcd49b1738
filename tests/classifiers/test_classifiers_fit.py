from dataclasses import replace

import numpy as np
import pytest
from classifiers_problem import Problem, fit, flat, make_problem, score, vectors_of

from narraframe.errors import TrainingError


@pytest.fixture(scope="module")
def problem():
    return make_problem()


def spoil(problem, column, positives, known=None):
    y, mask = problem.y.copy(), problem.mask.copy()
    y[:, column] = 0
    y[positives, column] = 1
    if known is not None:
        mask[:, column] = False
        mask[known, column] = True
    return replace(problem, y=y, mask=mask)


@pytest.mark.parametrize("head", ["ridge", "logistic", "svc"])
@pytest.mark.parametrize("features", [("embedding",), ("words",), ("sentences", "characters")])
def test_what_can_be_learned_is_learned(features, head):
    problem = make_problem(rates=(0.4, 0.2))
    new = make_problem(n=300, seed=1, rates=(0.4, 0.2))
    found = score(fit(problem, *features, head=head), new)
    positive = new.y == 1
    assert (found.decision & positive).sum() > 0.75 * positive.sum()
    assert (found.decision & ~positive).sum() < 0.3 * positive.sum()


def test_fitting_twice_gives_the_same_bytes(problem):
    features = ("embedding", "sentences", "words", "characters")
    first, second = (fit(problem, *features).to_parts() for _ in range(2))
    assert flat(first) == flat(second)


def test_what_is_unknown_takes_no_part(problem):
    mask = np.random.default_rng(1).random(problem.y.shape) < 0.7
    flipped = np.where(mask, problem.y, 1 - problem.y).astype(np.int8)
    first = fit(replace(problem, mask=mask))
    second = fit(replace(problem, mask=mask, y=flipped))
    assert flat(first.to_parts()) == flat(second.to_parts())


@pytest.mark.parametrize(
    ("positives", "known", "reason"),
    [
        (slice(0, 1), None, "too few positives"),
        (slice(0, 0), None, "too few positives"),
        (slice(0, 20), slice(0, 1), "too few positives"),
        (slice(0, 160), None, "no negatives"),
        (slice(0, 20), slice(0, 20), "no negatives"),
        (slice(0, 159), None, "too few negatives"),
    ],
)
def test_labels_that_cannot_be_trained_are_unknown_not_zero(problem, positives, known, reason):
    classifier = fit(spoil(problem, 1, positives, known))
    found = score(classifier, problem)
    assert classifier.reasons == ("", reason, "", "")
    assert np.isnan(classifier.thresholds).tolist() == [False, True, False, False]
    assert np.isnan(found.probability).any(axis=0).tolist() == [False, True, False, False]
    assert np.isnan(found.probability[:, 1]).all()
    assert not found.decision[:, 1].any()


@pytest.mark.parametrize("head", ["ridge", "svc"])
def test_nothing_is_fitted_on_labels_that_are_not_trained(problem, head):
    spoiled = spoil(problem, 1, slice(0, 1))
    for view in fit(spoiled, "embedding", "words", head=head).heads.views:
        assert (view.coefficients[:, 1] == 0).all()
        assert view.intercept[1] == 0


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_whose_positives_or_negatives_are_copies_of_one_post_is_not_trained(problem, value):
    groups = problem.groups.copy()
    groups[:12] = 0
    rows = np.arange(12) if value else np.arange(12, 160)
    classifier = fit(replace(spoil(problem, 0, rows), groups=groups))
    side = "positives" if value else "negatives"
    assert classifier.reasons == (f"{side} in one group of copies only", "", "", "")


@pytest.mark.parametrize("features", [("embedding", "words"), ("embedding", "definitions")])
def test_an_untrained_label_does_not_disturb_the_others(problem, features):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    first, second = (
        score(fit(spoil(problem, 1, rows), *features, definitions=about), problem)
        for rows in (slice(0, 1), slice(5, 6))
    )
    assert first.probability[:, 2].tobytes() == second.probability[:, 2].tobytes()


def test_posts_that_are_all_alike_teach_nothing(problem):
    same = replace(problem, vectors=np.ones_like(problem.vectors), texts=["same text"] * 160)
    with pytest.raises(TrainingError, match=r"none of 4 labels can be trained.*cannot be told"):
        fit(same)


def test_a_view_that_is_constant_leaves_the_others_at_work(problem):
    same = replace(problem, vectors=np.ones_like(problem.vectors))
    mixed, alone = fit(same, "embedding", "words"), fit(same, "words")
    np.testing.assert_allclose(
        score(mixed, same).probability, score(alone, same).probability, atol=0.02
    )


def test_copies_with_contradictory_labels_are_fitted_without_harm(problem):
    y = np.concatenate([problem.y, 1 - problem.y])
    double = Problem(
        np.tile(problem.vectors, (2, 1)),
        problem.texts * 2,
        y,
        np.ones_like(y, dtype=bool),
        problem.label_ids,
        np.tile(np.arange(160), 2),
    )
    with pytest.raises(TrainingError, match="cannot be told from the text"):
        fit(double)
    few = Problem(
        double.vectors[:170],
        double.texts[:170],
        y[:170],
        double.mask[:170],
        problem.label_ids,
        double.groups[:170],
    )
    found = score(fit(few), problem)
    assert (found.decision == (problem.y == 1)).mean() > 0.9


def noise(seed):
    """One label that neither vectors nor texts say anything of."""
    rng = np.random.default_rng(seed)
    y = (rng.random((120, 1)) < 0.3).astype(np.int8)
    vectors = rng.normal(size=(120, 32)).astype(np.float32)
    mask = np.ones_like(y, dtype=bool)
    return Problem(vectors, ["post"] * 120, y, mask, ("noise",), np.arange(120))


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_not_trained_or_scored_near_its_frequency(seed):
    problem = noise(seed)
    try:
        found = score(fit(problem), problem)
    except TrainingError:
        return
    assert np.abs(found.probability - problem.y.mean()).max() < 0.35


def test_an_encoder_of_noise_gets_about_no_weight(problem):
    vectors = np.random.default_rng(5).normal(size=(160, 64)).astype(np.float32)
    classifier = fit(replace(problem, vectors=vectors), "embedding", "words")
    alone = fit(problem, "words")
    embedding, words = classifier.heads.stack.slopes
    assert (embedding < 0.3 * words).all()
    np.testing.assert_allclose(words, alone.heads.stack.slopes[0], rtol=0.2)


def test_definitions_that_fit_are_heeded_and_random_ones_are_not(problem):
    truth = np.random.default_rng(42).normal(size=(4, 12)).astype(np.float32)
    truth[3] = np.nan
    told = fit(problem, "words", "definitions", definitions=truth).heads.stack.slopes
    assert (told[1, :3] > 0.3).all()
    random = np.random.default_rng(6).normal(size=(4, 12)).astype(np.float32)
    guessed = fit(problem, "words", "definitions", definitions=random).heads.stack.slopes
    assert guessed[1, :3].max() < told[1, :3].min()


def test_definitions_alone_tell_what_they_tell(problem):
    truth = np.random.default_rng(42).normal(size=(4, 12)).astype(np.float32)
    found = score(fit(problem, "definitions", definitions=truth), problem)
    positive = problem.y == 1
    assert found.probability[positive].mean() > 2 * found.probability[~positive].mean()
    with pytest.raises(TrainingError, match="cannot be told from the text"):
        fit(problem, "definitions", definitions=truth * np.nan)


@pytest.mark.parametrize("share", ["one", "all"])
def test_definitions_that_are_missing_leave_the_label_to_the_other_views(problem, share):
    about = np.random.default_rng(42).normal(size=(4, 12)).astype(np.float32)
    about[2 if share == "one" else slice(None)] = np.nan
    classifier = fit(problem, "words", "definitions", definitions=about)
    found = score(classifier, problem)
    assert classifier.reasons == ("",) * 4
    assert np.isfinite(found.probability).all()
    if share == "all":
        alone = score(fit(problem, "words"), problem)
        np.testing.assert_allclose(found.probability, alone.probability, atol=1e-5)


def test_nothing_to_train_is_an_error_that_names_the_reasons(problem):
    with pytest.raises(TrainingError, match=r"none of 4 labels can be trained.*too few positives"):
        fit(problem, min_positive=150)


def test_posts_that_are_all_copies_of_one_are_an_error(problem):
    with pytest.raises(TrainingError, match="copies of one"):
        fit(replace(problem, groups=np.zeros(160, dtype=int)))


def test_embeddings_that_are_not_finite_are_refused(problem):
    bad = problem.vectors.copy()
    bad[3, 0] = np.nan
    with pytest.raises(TrainingError, match=r"nan or infinite values \(got 1\)"):
        fit(replace(problem, vectors=bad))


def test_terms_alone_need_no_vectors(problem):
    classifier = fit(problem, "words", "characters", vectors={})
    assert classifier.n_dimensions == {}
    assert classifier.reasons == ("",) * 4


@pytest.mark.parametrize("features", [("embedding", "words"), ("embedding", "characters")])
def test_posts_without_any_word_are_trained_on_their_vectors(problem, features):
    mute = replace(problem, texts=[""] * 160)
    classifier = fit(mute, *features)
    assert classifier.terms[features[1]] == ()
    alone = score(fit(mute, "embedding"), mute)
    np.testing.assert_allclose(score(classifier, mute).probability, alone.probability, atol=0.02)


def test_only_the_terms_that_are_kept_are_stored(problem):
    classifier = fit(problem, "words", min_df=8)
    [view] = classifier.heads.views
    terms = classifier.terms["words"]
    assert len(terms) == len(view.coefficients) == len(view.weights.idf)
    counts = [sum(term in text.split() for text in problem.texts) for term in terms]
    single = [n for term, n in zip(terms, counts, strict=True) if " " not in term]
    assert min(single) >= 8
    assert {"sanctions", "harvest", "treaty", "museum"} <= set(terms)


def test_shapes_that_do_not_belong_together_are_refused(problem):
    with pytest.raises(ValueError, match="do not fit together"):
        fit(replace(problem, texts=problem.texts[:-1]))
    with pytest.raises(ValueError, match="do not fit together"):
        fit(problem, vectors={"embedding": problem.vectors[:5]})
    with pytest.raises(ValueError, match="159 groups for 160 posts"):
        fit(replace(problem, groups=problem.groups[:-1]))


def test_progress_is_told_after_each_view(problem):
    told = []
    fit(problem, "embedding", "words", "characters", progress=told.append)
    assert told == [1, 1, 1]


def test_what_was_given_is_not_changed(problem):
    before = {name: part.copy() for name, part in vectors_of(problem).items()}
    y, mask = problem.y.copy(), problem.mask.copy()
    given = vectors_of(problem)
    fit(problem, "embedding", "sentences", "words", vectors=given)
    assert all((given[name] == part).all() for name, part in before.items())
    assert (problem.y == y).all()
    assert (problem.mask == mask).all()
