"""A small labelled problem that can be learned: vectors and words both carry the labels."""

from dataclasses import dataclass

import numpy as np

from narraframe.classifiers.crossfit import cross_fit
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings

WORDS = ("sanctions", "harvest", "treaty", "museum", "lantern")


@dataclass(frozen=True)
class Problem:
    vectors: np.ndarray
    texts: list
    y: np.ndarray
    mask: np.ndarray
    label_ids: tuple
    groups: np.ndarray

    @property
    def n(self):
        return len(self.texts)


@dataclass(frozen=True)
class Rows:
    """The sides of a split."""

    train: np.ndarray
    test: np.ndarray


def make_problem(n=160, seed=0, d=12, rates=(0.4, 0.3, 0.2, 0.1), noise=0.8):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, len(rates))) < rates).astype(np.int8)
    directions = np.random.default_rng(42).normal(size=(len(rates), d))
    vectors = (y @ directions + noise * rng.normal(size=(n, d))).astype(np.float32)
    filler = rng.integers(0, 40, size=(n, 6))
    told = rng.random(y.shape) < 0.9
    texts = [
        " ".join([f"filler{w}" for w in row] + [WORDS[j] for j in np.flatnonzero(yi)])
        for row, yi in zip(filler, y * told, strict=True)
    ]
    label_ids = tuple(f"label.{j}" for j in range(len(rates)))
    return Problem(vectors, texts, y, np.ones_like(y, dtype=bool), label_ids, np.arange(n))


def whole_groups(y, mask, groups, /, *, seed):
    """Folds for tests: groups dealt out in turn."""
    shuffled = np.random.default_rng(seed).permutation(np.unique(groups))
    return np.argsort(shuffled)[np.searchsorted(np.unique(groups), groups)] % 3


def splits_of(folds):
    """Turn an assignment to folds into splits, fold 0 first."""
    return tuple(
        Rows(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        for fold in range(folds.max() + 1)
    )


def vectors_of(problem):
    return {"embedding": problem.vectors, "sentences": np.tile(problem.vectors, 2)}


def fit(problem, *features, vectors=None, parents=None, single_choice=(), **options):
    """Train on a problem; what `HeadSettings` does not know goes to `fit_classifier`."""
    own = ("background", "definitions", "progress", "tuner")
    also = {key: options.pop(key) for key in own if key in options}
    return fit_classifier(
        vectors_of(problem) if vectors is None else vectors,
        problem.texts,
        problem.y,
        problem.mask,
        problem.label_ids,
        groups=problem.groups,
        settings=HeadSettings(features=features or ("embedding", "words"), **options),
        make_folds=whole_groups,
        parents=parents or {},
        single_choice=single_choice,
        **also,
    )


def score(classifier, problem):
    return predict(classifier, vectors_of(problem), problem.texts)


def cross(problem, splits, *candidates, parents=None, single_choice=(), **options):
    """Cross-fit a problem; without candidates those of `fit`."""
    return cross_fit(
        vectors_of(problem),
        problem.texts,
        problem.y,
        problem.mask,
        problem.label_ids,
        groups=problem.groups,
        splits=splits,
        candidates=candidates or [HeadSettings(features=("embedding", "words"))],
        make_folds=whole_groups,
        parents=parents or {},
        single_choice=single_choice,
        **options,
    )


def flat(part):
    """Parts with every array as bytes, for comparing two classifiers whole (nan included)."""
    if isinstance(part, dict):
        return {key: flat(value) for key, value in part.items()}
    if isinstance(part, list):
        return [flat(value) for value in part]
    return part.tobytes() if isinstance(part, np.ndarray) else part
