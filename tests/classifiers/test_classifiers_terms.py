import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from narraframe.classifiers.terms import count_terms, fit_terms, weigh_terms

TEXTS = [
    "Die Ernte war gut, sagt der Minister",
    "Урожай был хорошим, сказал министр министр",
    "the harvest was good, the minister said",
    "the minister denied the talks",
    "переговоры с министром отложены",
    "",
]
VIEWS = {"words": ("word", (1, 2)), "characters": ("char_wb", (3, 4))}


def weigh(texts, view, rows, min_df):
    counts, terms = count_terms(texts, view, min_df, None)
    weights = fit_terms(counts, np.asarray(rows), min_df=min_df)
    return [terms[j] for j in weights.columns], weigh_terms(counts, weights)


def oracle(view, min_df, texts):
    analyzer, lengths = VIEWS[view]
    return TfidfVectorizer(
        analyzer=analyzer, ngram_range=lengths, sublinear_tf=True, min_df=min_df
    ).fit(texts)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("min_df", [1, 2])
def test_terms_weigh_as_in_a_tfidf_fitted_on_the_training_rows_alone(view, min_df):
    rows = [0, 2, 3, 5]
    names, found = weigh(TEXTS, view, rows, min_df)
    expected = oracle(view, min_df, [TEXTS[i] for i in rows])
    assert names == expected.get_feature_names_out().tolist()
    np.testing.assert_allclose(found.toarray(), expected.transform(TEXTS).toarray(), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text("аб xyz.\n!İß", max_size=12), min_size=3, max_size=8),
    st.sampled_from(sorted(VIEWS)),
    st.integers(1, 2),
)
def test_any_texts_weigh_as_in_scikit_learn(texts, view, min_df):
    names, found = weigh(texts, view, [0, 1], min_df)
    try:
        expected = oracle(view, min_df, texts[:2])
    except ValueError:  # it refuses an empty vocabulary
        assert not names
        assert found.shape == (len(texts), 0)
        return
    assert names == expected.get_feature_names_out().tolist()
    np.testing.assert_allclose(found.toarray(), expected.transform(texts).toarray(), atol=1e-6)


def test_terms_in_too_few_training_posts_are_left_out():
    assert set(weigh(TEXTS, "words", [0, 1, 2, 3], 2)[0]) == {"minister", "the", "the minister"}
    assert weigh(TEXTS, "words", [0, 1, 2], 2)[0] == ["minister"]


@pytest.mark.parametrize("view", VIEWS)
def test_posts_outside_the_training_rows_change_no_bit(view):
    rows = [0, 2, 3]
    first, second = (
        weigh([*TEXTS[:4], other, TEXTS[5]], view, rows, 1)[1][rows]
        for other in ("переговоры с министром отложены", "the the harvest aaa zzz minister")
    )
    assert first.data.tobytes() == second.data.tobytes()
    assert first.indices.tobytes() == second.indices.tobytes()


@pytest.mark.parametrize("view", VIEWS)
def test_a_posts_row_has_the_same_bits_in_any_batch_of_counts(view):
    counts, terms = count_terms(TEXTS, view, 1, None)
    weights = fit_terms(counts, np.arange(6), min_df=1)
    together = weigh_terms(counts, weights)
    for i, text in enumerate(TEXTS):
        alone = weigh_terms(count_terms([text], view, 1, terms)[0], weights)
        assert alone.toarray().tobytes() == together[i].toarray().tobytes()


@pytest.mark.parametrize("texts", [["", ""], ["!", "?"], []])
def test_texts_without_any_term_have_no_columns(texts):
    counts, terms = count_terms(texts, "words", 1, None)
    assert counts.shape == (len(texts), 0)
    assert terms == ()
    weights = fit_terms(counts, np.arange(len(texts)), min_df=1)
    assert weigh_terms(counts, weights).shape == (len(texts), 0)


def test_where_no_term_is_frequent_enough_there_are_no_columns():
    names, found = weigh(["aa bb", "cc dd"], "words", [0, 1], 2)
    assert names == []
    assert found.shape == (2, 0)


def test_no_posts_have_no_rows():
    counts, _ = count_terms(TEXTS, "words", 1, None)
    weights = fit_terms(counts, np.arange(6), min_df=1)
    assert weigh_terms(counts[:0], weights).shape == (0, len(weights.columns))


def test_no_terms_asked_for_give_no_columns():
    counts, terms = count_terms(TEXTS, "words", 1, ())
    assert counts.shape == (6, 0)
    assert terms == ()


def test_rows_have_length_one_or_no_term():
    _, found = weigh(TEXTS, "characters", range(6), 1)
    lengths = np.sqrt(found.multiply(found).sum(axis=1)).A1
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 1, 0], rtol=1e-6)
    assert found.dtype == np.float32
