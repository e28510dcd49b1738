from __future__ import annotations

from collections.abc import Callable
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
class Corpus:
    post_ids: list[str]
    vectors: NDArray[np.float32]
    texts: list[str]
    langs: list[str | None]
    truth: NDArray[np.int64]


@pytest.fixture(scope="session")
def make_corpus() -> Callable[..., Corpus]:
    """Posts of a few well separated subjects, of unequal size, in random order."""

    def make(*sizes: int, seed: int = 0, spread: float = 0.06) -> Corpus:
        rng = np.random.default_rng(seed)
        truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        centres = np.linalg.qr(rng.normal(size=(32, len(sizes))))[0].T
        vectors = centres[truth] + spread * rng.normal(size=(len(truth), 32))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        texts = [
            "the " + " and the ".join(rng.choice(WORDS[t].split(), size=3, replace=False))
            for t in truth
        ]
        post_ids = [f"p{i:03d}" for i in range(len(truth))]
        return Corpus(post_ids, vectors.astype(np.float32), texts, ["en"] * len(truth), truth)

    return make
