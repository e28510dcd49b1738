import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from narraframe.classifiers.features import count, design, fit_terms
from narraframe.classifiers.settings import HeadSettings

TEXTS = [
    "Die Ernte war gut, sagt der Minister",
    "Урожай был хорошим, сказал министр министр",
    "the harvest was good, the minister said",
    "the minister denied the talks",
    "переговоры с министром отложены",
    "",
]
VECTORS = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("analyzer", "ngrams", "block"), [("word", (1, 2), 0), ("char_wb", (3, 4), 1)]
)
def test_terms_weigh_as_in_a_tfidf_fitted_on_the_training_rows_alone(analyzer, ngrams, block):
    settings = HeadSettings(features="tfidf", min_df=1)
    rows = np.array([0, 2, 3])
    raw = count(VECTORS, TEXTS, settings)
    weights = fit_terms(raw, rows, settings)
    oracle = TfidfVectorizer(analyzer=analyzer, ngram_range=ngrams, sublinear_tf=True)
    oracle.fit([TEXTS[i] for i in rows])
    start = 0 if block == 0 else len(weights[0].columns)
    width = len(weights[block].columns)
    ours = design(raw, np.arange(6), weights).toarray()[:, start : start + width] * np.sqrt(2)
    names = [raw.terms[block][j] for j in weights[block].columns]
    assert names == oracle.get_feature_names_out().tolist()
    np.testing.assert_allclose(ours, oracle.transform(TEXTS).toarray(), atol=1e-6)


def test_terms_in_too_few_training_posts_are_left_out():
    settings = HeadSettings(features="tfidf", min_df=2)
    raw = count(VECTORS, TEXTS, settings)
    kept = [
        {raw.terms[0][j] for j in fit_terms(raw, rows, settings)[0].columns}
        for rows in (np.array([0, 1, 2, 3]), np.array([0, 1, 2]))
    ]
    assert kept == [{"minister", "the", "the minister"}, {"minister"}]


def test_posts_outside_the_training_rows_change_nothing():
    settings = HeadSettings(min_df=1)
    rows = np.array([0, 2, 3])
    found = []
    for other in ("переговоры с министром отложены", "the the harvest"):
        texts = [*TEXTS[:4], other, TEXTS[5]]
        raw = count(VECTORS, texts, settings)
        found.append(design(raw, rows, fit_terms(raw, rows, settings)).toarray())
    assert found[0].tobytes() == found[1].tobytes()


def test_embedding_rows_have_unit_length_beside_a_constant():
    settings = HeadSettings(features="embedding")
    matrix = design(count(VECTORS, [], settings), np.arange(6), ()).toarray()
    np.testing.assert_allclose(np.linalg.norm(matrix[:, :3], axis=1), 1, rtol=1e-6)
    assert (matrix[:, 3] == 1).all()


def test_both_kinds_of_features_weigh_the_same():
    settings = HeadSettings(min_df=1)
    raw = count(VECTORS, TEXTS, settings)
    matrix = design(raw, np.arange(5), fit_terms(raw, np.arange(6), settings)).toarray()
    np.testing.assert_allclose((matrix[:, :3] ** 2).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose((matrix[:, 3:-1] ** 2).sum(axis=1), 1, rtol=1e-5)


def test_texts_without_any_word_leave_the_embedding_only():
    settings = HeadSettings()
    raw = count(VECTORS, [""] * 6, settings)
    matrix = design(raw, np.arange(6), fit_terms(raw, np.arange(6), settings))
    assert matrix.shape == (6, 4)


def test_counting_with_given_terms_repeats_the_training_counts():
    settings = HeadSettings(min_df=1)
    raw = count(VECTORS, TEXTS, settings)
    again = count(VECTORS[2:3], TEXTS[2:3], settings, terms=raw.terms)
    for first, second in zip(raw.counts, again.counts, strict=True):
        np.testing.assert_array_equal(first[2].toarray(), second.toarray())
