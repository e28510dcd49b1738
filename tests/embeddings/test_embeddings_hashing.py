"""The hashing encoder: the same everywhere, and close where words are shared."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.embeddings.hashing import HashingEncoder


@given(st.lists(st.text(max_size=30), max_size=5), st.sampled_from([1, 2, 64]))
def test_every_text_has_a_float32_vector_of_length_one(texts, dimension):
    vectors = HashingEncoder(dimension=dimension).encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_vectors_do_not_depend_on_the_hash_seed_of_python():
    code = (
        "from narraframe.embeddings.hashing import HashingEncoder;"
        "print(HashingEncoder().encode(['one two', 'три']).tobytes().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_texts_that_share_words_are_closer_than_others():
    a, b, c = HashingEncoder().encode(
        [
            "the summit opened in the harbour",
            "the summit closed in the harbour",
            "maize prices rose",
        ]
    )
    assert a @ b > 0.5 > abs(a @ c)


def test_inflected_words_are_closer_than_unrelated_ones():
    a, b, c = HashingEncoder().encode(["sanctions", "sanctioned", "wheat"])
    assert a @ b > a @ c


def test_the_name_carries_the_dimension():
    assert HashingEncoder().name == "hashing-256@1"
    assert HashingEncoder(dimension=8).name != HashingEncoder().name


def test_progress_counts_every_text():
    seen = []
    HashingEncoder().encode(["a", "b", "a"], progress=seen.append)
    assert sum(seen) == 3
