from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

WORDS = (
    "harvest grain wheat barley tractor field",
    "ballot voter election turnout candidate poll",
    "vaccine clinic nurse hospital patient dose",
    "striker goalkeeper penalty stadium referee league",
)


@dataclass(frozen=True)
class Blobs:
    vectors: NDArray[np.float32]
    truth: NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    post_ids: list[str]
    vectors: NDArray[np.float32]
    texts: list[str]
    langs: list[str | None]
    truth: NDArray[np.int64]


@pytest.fixture(scope="module", autouse=True)
def _one_thread_for_few_posts() -> Iterator[None]:
    """On busy cores, waking a second thread for a hundred posts takes longer than their work."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.fixture(scope="session")
def make_blobs() -> Callable[..., Blobs]:
    """Unit vectors around a few centres at right angles, in random order."""

    def make(*sizes: int, d: int = 32, spread: float = 0.06, seed: int = 0) -> Blobs:
        rng = np.random.default_rng(seed)
        truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        centres = np.linalg.qr(rng.normal(size=(d, len(sizes))))[0].T
        vectors = centres[truth] + spread * rng.normal(size=(len(truth), d))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Blobs(vectors.astype(np.float32), truth)

    return make


@pytest.fixture(scope="session")
def make_corpus(make_blobs: Callable[..., Blobs]) -> Callable[..., Corpus]:
    """Posts of up to four well separated subjects, of unequal size, in random order."""

    def make(*sizes: int, seed: int = 0, spread: float = 0.06) -> Corpus:
        blobs = make_blobs(*sizes, spread=spread, seed=seed)
        rng = np.random.default_rng(seed)
        texts = [
            "the " + " and the ".join(rng.choice(WORDS[t].split(), size=3, replace=False))
            for t in blobs.truth
        ]
        n = len(texts)
        post_ids = [f"p{i:03d}" for i in range(n)]
        return Corpus(post_ids, blobs.vectors, texts, ["en"] * n, blobs.truth)

    return make
