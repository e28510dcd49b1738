"""Distinct texts and the pooling of chunk vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.embeddings.pool import distinct, normalise, pool


@given(st.lists(st.text(max_size=3)))
def test_distinct_texts_and_their_index_give_the_texts_back(texts):
    unique = distinct(texts)
    assert [unique.values[i] for i in unique.index] == texts
    assert len(set(unique.values)) == len(unique.values)


def test_distinct_texts_keep_the_order_of_first_appearance():
    assert distinct(["b", "a", "b", "c"]).values == ("b", "a", "c")


def test_normalised_rows_have_length_one_and_rows_of_zeros_stay():
    rows = normalise(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))


def test_chunks_are_averaged_by_their_tokens():
    vectors = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    pooled = pool(vectors, np.array([3, 4, 9]), np.array([0, 2]))
    assert pooled == pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]]))


def test_pooling_agrees_with_a_plain_loop():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 5, size=20)
    starts = np.cumsum(lengths) - lengths
    vectors = rng.normal(size=(lengths.sum(), 6)).astype(np.float32)
    weights = rng.integers(1, 256, size=lengths.sum())
    expected = []
    for start, length in zip(starts, lengths, strict=True):
        total = sum(vectors[i].astype(float) * weights[i] for i in range(start, start + length))
        expected.append(total / np.linalg.norm(total))
    assert pool(vectors, weights, starts) == pytest.approx(np.array(expected), abs=1e-6)


def test_no_texts_pool_to_no_rows():
    nothing = np.zeros((0, 4), dtype=np.float32)
    assert pool(nothing, np.zeros(0, dtype=int), np.zeros(0, dtype=np.intp)).shape == (0, 4)
