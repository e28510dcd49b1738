import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from narraframe.classifiers.given_terms import character_counter, word_counter

WAYS = {"word": (word_counter, (1, 2)), "char_wb": (character_counter, (3, 4))}
letters = st.sampled_from("ab cİß\u0301\u00a0\n\t\x1c\u200bЖж_1.-😀\ud800\x00")
texts = st.lists(st.text(letters, max_size=12), min_size=1, max_size=6)


def terms_of(way, corpus):
    analyzer = CountVectorizer(analyzer=way, ngram_range=WAYS[way][1]).build_analyzer()
    return tuple(sorted({term for text in corpus for term in analyzer(text)}))


def counted_by_sklearn(way, terms, asked):
    counter = CountVectorizer(
        analyzer=way, ngram_range=WAYS[way][1], vocabulary=terms, dtype=np.float32
    )
    return counter.transform(asked)


@pytest.mark.parametrize("way", WAYS)
@given(corpus=texts, asked=texts)
def test_counts_are_those_of_scikit_learn(way, corpus, asked):
    terms = terms_of(way, corpus)
    if not terms:
        return
    for of_texts in (asked, corpus):
        found = WAYS[way][0](terms)(of_texts)
        expected = counted_by_sklearn(way, terms, of_texts)
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        for part in ("data", "indices", "indptr"):
            assert getattr(found, part).tolist() == getattr(expected, part).tolist()


@pytest.mark.parametrize("way", WAYS)
def test_counts_of_long_texts_are_those_of_scikit_learn(way):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdeшщ"), rng.integers(1, 7))) for _ in range(300)]
    corpus = [" ".join(rng.choice(words, rng.integers(0, 80))) for _ in range(200)]
    terms = terms_of(way, corpus[:50])[::2]
    found, expected = WAYS[way][0](terms)(corpus), counted_by_sklearn(way, terms, corpus)
    assert expected.sum() > 1000
    assert (found != expected).nnz == 0


def test_terms_in_any_order_keep_their_columns():
    counts = character_counter((" cat", "cat", "at ", " ca"))(["Cat cats", "dog"])
    assert counts.toarray().tolist() == [[2, 2, 1, 2], [0, 0, 0, 0]]


def test_no_texts_have_no_counts():
    for count in (word_counter(("cat",)), character_counter(("cat",))):
        assert count([]).shape == (0, 1)
        assert count([""]).nnz == 0


def test_letters_that_do_not_fit_are_refused():
    many = tuple(chr(code) * 3 for code in range(0x10000, 0x10000 + 65_536))
    with pytest.raises(ValueError, match="65536 different letters"):
        character_counter(many)
