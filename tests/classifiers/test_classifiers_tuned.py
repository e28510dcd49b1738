import numpy as np
import pytest
from classifiers_problem import Rows, cross, fit, make_problem, whole_groups
from classifiers_tuner import WIDTH, RecordingTuner
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.classifiers.classifier import from_parts
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.stack import logits
from narraframe.classifiers.tuned import fit_tuned, tuned_vectors
from narraframe.errors import ConfigError, ModelError


@pytest.fixture(scope="module")
def problem():
    return make_problem(n=90)


def fitted(texts, y, mask, groups):
    tuner = RecordingTuner()
    heads, scores = fit_tuned(texts, y, mask, groups, tuner=tuner, make_folds=whole_groups, seed=0)
    return tuner, heads, scores


@settings(max_examples=25)
@given(
    groups=st.lists(st.integers(0, 9), min_size=12, max_size=40).filter(lambda g: len(set(g)) > 3),
    seed=st.integers(0, 2**16),
)
def test_no_post_is_scored_by_a_tuning_that_saw_one_of_its_group(groups, seed):
    member = np.unique(np.array(groups), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    texts = [f"post {i}" for i in range(len(member))]
    y = (rng.random((len(texts), 2)) < 0.4).astype(np.int8)
    tuner, heads, scores = fitted(texts, y, rng.random(y.shape) < 0.9, member)
    group_of = dict(zip(texts, member.tolist(), strict=True))
    scored = []
    for number, encoded in tuner.encoded:
        if encoded != tuner.seen[number]:
            seen = {group_of[text] for text in tuner.seen[number]}
            assert not seen & {group_of[text] for text in encoded}
            scored += encoded
    assert sorted(scored) == sorted(texts)  # each by one tuning
    assert len(heads) == len(tuner.seen)
    assert scores.shape == y.shape


def test_what_a_tuning_gives_away_of_posts_it_saw_does_not_reach_held_out_scores(problem):
    tuner, heads, scores = fitted(problem.texts, problem.y, problem.mask, problem.groups)
    seen = heads[0].score(tuner.encode(heads[0].weights, tuner.seen[0]))
    rows = [problem.texts.index(text) for text in tuner.seen[0]]
    assert ((seen > 0) == problem.y[rows]).all()
    assert 0.3 < ((scores > 0) == problem.y).mean() < 0.9


def test_a_test_post_of_a_split_reaches_no_tuning_of_its_training_side(problem):
    tuner = RecordingTuner()
    n = problem.n
    splits = [Rows(np.arange(30, n), np.arange(30)), Rows(np.arange(60), np.arange(60, n))]
    found = cross(problem, splits, HeadSettings(features=("tuned", "words")), tuner=tuner)
    assert len(tuner.seen) == 2 * 3
    for i, split in enumerate(splits):
        tests = {problem.texts[row] for row in split.test}
        assert not tests & {text for seen in tuner.seen[3 * i : 3 * i + 3] for text in seen}
    assert np.isfinite(found.candidates[0].probability[found.candidates[0].fold >= 0]).all()


def test_candidates_that_share_the_tuned_view_share_its_tunings(problem):
    tuner = RecordingTuner()
    candidates = [HeadSettings(features=f) for f in (("tuned", "words"), ("tuned",), ("words",))]
    cross(problem, [Rows(np.arange(30, 90), np.arange(30))], *candidates, tuner=tuner)
    assert len(tuner.seen) == 3


def test_cells_that_are_not_known_have_no_score_and_no_part_in_it(problem):
    mask = np.random.default_rng(1).random(problem.y.shape) < 0.7
    _, heads, scores = fitted(problem.texts, problem.y, mask, problem.groups)
    assert (np.isfinite(scores) == mask).all()
    other = np.where(mask, problem.y, 1 - problem.y).astype(np.int8)
    _, again, same = fitted(problem.texts, other, mask, problem.groups)
    np.testing.assert_array_equal(scores, same)
    for one, two in zip(heads, again, strict=True):
        np.testing.assert_array_equal(one.coefficients, two.coefficients)


def test_a_label_that_no_other_fold_has_is_not_scored_in_the_fold_that_has_it():
    texts, groups = [f"post {i}" for i in range(12)], np.arange(12)
    fold = whole_groups(None, None, groups, seed=0)
    y = np.zeros((12, 2), dtype=np.int8)
    y[::2, 0] = 1
    y[np.flatnonzero(fold == 1)[0], 1] = 1
    _, _, scores = fitted(texts, y, np.ones(y.shape, dtype=bool), groups)
    assert np.isfinite(scores[:, 0]).all()
    assert (np.isfinite(scores[:, 1]) == (fold != 1)).all()


def test_the_score_of_a_new_post_is_the_mean_of_the_tunings(problem):
    tuner, heads, _ = fitted(problem.texts, problem.y, problem.mask, problem.groups)
    classifier = fit(problem, "tuned", tuner=RecordingTuner())
    vectors = tuned_vectors(heads, tuner, ["new one", "new two"])
    assert vectors.shape == (2, WIDTH * len(heads))
    found = predict(classifier, {"tuned": vectors}, ["new one", "new two"]).probability
    wanted = np.mean(
        [head.score(tuner.encode(head.weights, ["new one", "new two"])) for head in heads], axis=0
    )
    logit = logits(wanted[None], classifier.heads.stack)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), atol=2e-6)


def test_a_tuned_classifier_in_parts_gives_the_same_scores(problem):
    tuner = RecordingTuner()
    classifier = fit(problem, "embedding", "tuned", tuner=tuner)
    again = from_parts(classifier.to_parts())
    vectors = {
        "embedding": problem.vectors,
        "tuned": tuned_vectors(classifier.tuned, tuner, problem.texts),
    }
    first, second = (predict(c, vectors, problem.texts) for c in (classifier, again))
    assert first.probability.tobytes() == second.probability.tobytes()
    assert [head.weights for head in again.tuned] == [head.weights for head in classifier.tuned]


def test_a_classifier_of_the_format_before_tuning_is_still_read(problem):
    parts = fit(problem, "embedding").to_parts()
    old = parts | {
        "format": 2,
        "settings": {k: v for k, v in parts["settings"].items() if not k.startswith("tune")},
    }
    assert from_parts(old).settings == HeadSettings(features=("embedding",))


@pytest.mark.parametrize("lacking", ["tuned", "width"])
def test_parts_of_a_tuned_view_that_do_not_fit_are_refused(problem, lacking):
    parts = fit(problem, "tuned", tuner=RecordingTuner()).to_parts()
    if lacking == "tuned":
        del parts["views"][0]["tuned"]
    else:
        parts["n_dimensions"]["tuned"] += 1
    with pytest.raises(ModelError, match="do not fit together"):
        from_parts(parts)


def test_one_label_can_be_tuned_for(problem):
    y = problem.y[:, :1]
    _, heads, scores = fitted(problem.texts, y, np.ones(y.shape, dtype=bool), problem.groups)
    assert np.isfinite(scores).all()
    assert heads[0].coefficients.shape[1] == 1


def test_settings_of_tuning_that_cannot_be_are_all_named():
    with pytest.raises(ConfigError, match=r"tune is 'all'.*tune_layers is 0.*tune_steps is -1"):
        HeadSettings(tune="all", tune_layers=0, tune_steps=-1)
