"""A small labelled problem that can be learned: vectors and words both carry the labels."""

from dataclasses import dataclass

import numpy as np

WORDS = ("sanctions", "harvest", "treaty", "museum")


@dataclass(frozen=True)
class Problem:
    vectors: np.ndarray
    texts: list
    y: np.ndarray
    mask: np.ndarray
    label_ids: tuple
    folds: np.ndarray


def make_problem(n=160, seed=0, d=12, rates=(0.4, 0.3, 0.2, 0.1)):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, len(rates))) < rates).astype(np.int8)
    directions = np.random.default_rng(42).normal(size=(len(rates), d))
    vectors = (y @ directions + 0.5 * rng.normal(size=(n, d))).astype(np.float32)
    filler = rng.integers(0, 40, size=(n, 6))
    texts = [
        " ".join([f"filler{w}" for w in row] + [WORDS[j] for j in np.flatnonzero(yi)])
        for row, yi in zip(filler, y, strict=True)
    ]
    label_ids = tuple(f"label.{j}" for j in range(len(rates)))
    folds = rng.permutation(np.arange(n) % 4)
    return Problem(vectors, texts, y, np.ones_like(y, dtype=bool), label_ids, folds)
