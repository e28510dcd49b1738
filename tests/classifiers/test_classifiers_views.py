from dataclasses import replace

import numpy as np
import pytest
from classifiers_problem import make_problem, vectors_of, whole_groups
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.views import describe, fit_view, score_view


def described(problem, settings, **options):
    return describe(problem.texts, vectors_of(problem), settings, **options)


def fitted(problem, view, rows, head="ridge", definitions=None):
    features = (view,) if view != "definitions" else ("embedding", view)
    settings = HeadSettings(features=features, head=head, min_df=1)
    posts = described(problem, settings, definitions=definitions)
    return posts, *fit_view(
        view,
        posts,
        rows,
        problem.y[rows],
        problem.mask[rows],
        problem.groups[rows],
        settings=settings,
        make_folds=whole_groups,
        seed=0,
    )


@pytest.fixture(scope="module")
def problem():
    return make_problem(n=90)


TRAIN, TEST = np.arange(60), np.arange(60, 90)


def ridge(train, new, t, kind, alpha):
    def kernel(a, b):
        product = a.astype(float) @ b.T.astype(float)
        return (np.exp(2 * product - 2) if kind == "rbf" else product) + 1

    weights = np.linalg.solve(kernel(train, train) + alpha * np.eye(len(train)), t)
    return kernel(new, train) @ weights


@pytest.mark.parametrize("view", ["embedding", "sentences"])
def test_a_view_of_vectors_is_a_ridge_on_rows_of_length_one(problem, view):
    posts, head, _ = fitted(problem, view, TRAIN)
    x = normalize(vectors_of(problem)[view])
    t = np.where(problem.y[TRAIN] == 1, 1.0, -1.0)
    expected = ridge(x[TRAIN], x[TEST], t, "rbf", 0.3)
    np.testing.assert_allclose(score_view(head, posts, TEST), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("view", "analyzer", "n"), [("words", "word", 1), ("characters", "char_wb", 3)]
)
def test_a_view_of_terms_is_a_ridge_on_the_training_rows_tfidf(problem, view, analyzer, n):
    posts, head, _ = fitted(problem, view, TRAIN)
    tfidf = TfidfVectorizer(analyzer=analyzer, ngram_range=(n, n + 1), sublinear_tf=True)
    train = tfidf.fit_transform(problem.texts[:60]).toarray()
    new = tfidf.transform(problem.texts[60:]).toarray()
    t = np.where(problem.y[TRAIN] == 1, 1.0, -1.0)
    expected = ridge(train, new, t, "linear", 1.0)
    np.testing.assert_allclose(score_view(head, posts, TEST), expected, atol=1e-4)
    assert head.landmarks is None
    assert head.coefficients.shape == (train.shape[1], 4)


@pytest.mark.parametrize("head", ["ridge", "svc"])
@pytest.mark.parametrize("view", ["embedding", "words"])
def test_scores_of_training_posts_are_by_heads_that_did_not_see_them(problem, view, head):
    flipped = problem.y.copy()
    flipped[7] = 1 - flipped[7]
    *_, first = fitted(problem, view, TRAIN, head)
    *_, second = fitted(replace(problem, y=flipped), view, TRAIN, head)
    np.testing.assert_allclose(first[7], second[7], atol=1e-4)
    assert np.abs(first - second).max() > 1e-2


@pytest.mark.parametrize("head", ["ridge", "svc"])
@pytest.mark.parametrize("view", ["embedding", "characters"])
def test_scores_of_training_posts_saw_none_of_their_copies_either(problem, view, head):
    groups = problem.groups.copy()
    groups[[7, 20, 41]] = 7
    flipped = problem.y.copy()
    flipped[[20, 41]] = 1 - flipped[[20, 41]]
    *_, first = fitted(replace(problem, groups=groups), view, TRAIN, head)
    *_, second = fitted(replace(problem, groups=groups, y=flipped), view, TRAIN, head)
    np.testing.assert_allclose(first[7], second[7], atol=1e-4)
    *_, first = fitted(problem, view, TRAIN, head)
    *_, second = fitted(replace(problem, y=flipped), view, TRAIN, head)
    assert np.abs(first[7] - second[7]).max() > 1e-3


@pytest.mark.parametrize("head", ["ridge", "logistic", "svc"])
@pytest.mark.parametrize("view", ["embedding", "words", "characters", "definitions"])
def test_a_post_scores_about_the_same_in_any_batch(problem, view, head):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    posts, fit, _ = fitted(problem, view, TRAIN, head, about)
    together = score_view(fit, posts, TEST)
    for i in TEST[:5]:
        np.testing.assert_allclose(
            score_view(fit, posts, np.array([i])), together[[i - 60]], atol=1e-10
        )


def test_definitions_score_likeness_to_each_label_beyond_the_usual(problem):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    posts, head, scores = fitted(problem, "definitions", TRAIN, definitions=about)
    alike = normalize(problem.vectors) @ about.T
    alike -= alike.mean(axis=1, keepdims=True)
    usual = alike[TRAIN].mean(axis=0)
    np.testing.assert_allclose(scores, alike[TRAIN] - usual, atol=1e-5)
    np.testing.assert_allclose(score_view(head, posts, TEST), alike[TEST] - usual, atol=1e-5)


def test_a_label_that_the_codebook_says_nothing_of_scores_zero_and_moves_no_other(problem):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    about[2] = np.nan
    posts, head, scores = fitted(problem, "definitions", TRAIN, definitions=about)
    assert (scores[:, 2] == 0).all()
    alike = normalize(problem.vectors) @ about[[0, 1, 3]].T
    alike -= alike.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        score_view(head, posts, TEST)[:, [0, 1, 3]], alike[TEST] - alike[TRAIN].mean(0), atol=1e-5
    )


def test_a_codebook_without_any_definition_scores_zero(problem):
    nothing = np.full((4, 12), np.nan, dtype=np.float32)
    posts, head, scores = fitted(problem, "definitions", TRAIN, definitions=nothing)
    assert (scores == 0).all()
    assert (score_view(head, posts, TEST) == 0).all()


def test_definitions_never_look_at_the_answers(problem):
    about = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    *_, first = fitted(problem, "definitions", TRAIN, definitions=about)
    other = replace(problem, y=1 - problem.y, mask=np.zeros_like(problem.mask))
    *_, second = fitted(other, "definitions", TRAIN, definitions=about)
    assert first.tobytes() == second.tobytes()


def test_definitions_without_the_labels_vectors_are_refused(problem):
    with pytest.raises(ValueError, match="needs the labels' vectors"):
        fitted(problem, "definitions", TRAIN)


def test_a_vector_of_zeros_is_described_and_scored(problem):
    vectors = problem.vectors.copy()
    vectors[[3, 70]] = 0
    posts, head, scores = fitted(replace(problem, vectors=vectors), "embedding", TRAIN)
    assert np.isfinite(scores).all()
    assert np.isfinite(score_view(head, posts, TEST)).all()


def test_texts_without_any_term_are_scored_with_one_number(problem):
    mute = replace(problem, texts=["!"] * 90)
    for view in ("words", "characters"):
        posts, head, scores = fitted(mute, view, TRAIN)
        if view == "words":
            assert head.coefficients.shape == (0, 4)
        assert np.isfinite(scores).all()
        assert np.ptp(score_view(head, posts, TEST), axis=0).max() < 1e-6


def test_only_what_the_views_need_is_described(problem):
    posts = describe(problem.texts, {}, HeadSettings(features=("words",)))
    assert list(posts.counts) == ["words"]
    assert posts.vectors == {}
    posts = describe(problem.texts, vectors_of(problem), HeadSettings(features=("sentences",)))
    assert list(posts.vectors) == ["sentences"]
    assert posts.counts == {}


def test_the_length_of_a_vector_says_nothing(problem):
    longer = replace(problem, vectors=problem.vectors * np.float32(4))
    first = described(problem, HeadSettings(features=("embedding",))).vectors["embedding"]
    second = described(longer, HeadSettings(features=("embedding",))).vectors["embedding"]
    assert first.tobytes() == second.tobytes()
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-6)
