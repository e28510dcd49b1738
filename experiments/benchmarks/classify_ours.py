"""Narraframe's side of classify.py, by the functions that `train` and `score` call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from classify_sets import LabelledSet, Rule, embed, load, read_set
from numpy.typing import NDArray

from narraframe.annotations.splits import Split, grouped_folds
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.tuned import tuned_vectors
from narraframe.embeddings.tuning import EncoderTuner, open_tuner

# The default without what a codebook says of its labels, which SetFit is not told either.
VIEWS = HeadSettings(features=("embedding", "words", "characters"))
TUNED = HeadSettings(features=(*HeadSettings.features, "tuned"))
TUNED_VIEWS = HeadSettings(features=(*VIEWS.features, "tuned"))
INNER_FOLDS = 4
SPEED_SET = "euvsdisinfo_claims"
N_POSTS, N_LABELS = 3_000, 20
LR_FOLDS = 5
ROUNDS = 3


@dataclass
class Answer:
    """What a contender says of the test posts, and its CPU seconds of training and of scoring."""

    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    train_s: float = 0.0
    score_s: float = 0.0
    note: str = ""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Answer:
        return cls(np.full(shape, np.nan, dtype=np.float32), np.zeros(shape, dtype=np.bool_))


def ours(
    data: LabelledSet,
    halves: Split,
    *,
    cache: Path | None,
    seed: int,
    settings: HeadSettings = VIEWS,
) -> Answer:
    """Train on one side and score the other; without `cache`, embedding is within the time.

    With the view "definitions", the classifier is told what the labels are called, as by `train`.
    """
    train, test = data.at(halves.train), data.at(halves.test)
    if cache is not None:
        vectors = embed(data.texts, cache)
    else:
        load()
    tuner = tuner_of(settings) if "tuned" in settings.features else None
    start = time.process_time()
    known = vectors[halves.train] if cache is not None else embed(train.texts, None)
    classifier = fit_classifier(
        {"embedding": known},
        train.texts,
        train.y,
        np.ones(train.y.shape, dtype=np.bool_),
        train.label_ids,
        groups=train.group,
        settings=settings,
        definitions=label_names(data) if "definitions" in settings.features else None,
        tuner=tuner,
        make_folds=partial(grouped_folds, n_folds=INNER_FOLDS),
        parents={},
        single_choice=(),
        seed=seed,
    )
    trained = time.process_time()
    new = vectors[halves.test] if cache is not None else embed(test.texts, None)
    given = {"embedding": new}
    if tuner is not None:
        given["tuned"] = tuned_vectors(classifier.tuned, tuner, test.texts)
    found = predict(classifier, given, test.texts)
    end = time.process_time()
    return Answer(found.probability, found.decision, trained - start, end - trained)


def tuner_of(settings: HeadSettings) -> EncoderTuner:
    return open_tuner(
        load(),
        loss=settings.tune,
        layers=settings.tune_layers,
        steps=settings.tune_steps,
        device="cpu",
    )


def label_names(data: LabelledSet) -> NDArray[np.float32]:
    """Embed the names of the labels."""
    return load().encode([name.replace("_", " ") for name in data.label_ids])


def speed(cache: Path, *, done: Callable[[str], bool]) -> Iterator[tuple[str, float]]:
    """Yield the least seconds of each contender on claims with the most frequent tags, in turns."""
    contenders: dict[str, Callable[[NDArray[np.float32], NDArray[np.int8]], None]] = {
        "narraframe": _train_ours,
        "logistic": _train_logistic,
    }
    if all(map(done, contenders)):
        return
    data = read_set(SPEED_SET, Rule(n_labels=N_LABELS, labelled_only=True))
    rows = np.sort(np.random.default_rng(0).permutation(len(data.texts))[:N_POSTS])
    data, vectors = data.at(rows), embed(data.texts, cache)[rows]
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, train in contenders.items():
            start = time.process_time()
            train(vectors, data.y)
            seconds[name].append(time.process_time() - start)
    for name, of_rounds in seconds.items():
        if not done(name):
            yield name, min(of_rounds)


def _train_ours(vectors: NDArray[np.float32], y: NDArray[np.int8]) -> None:
    fit_classifier(
        {"embedding": vectors},
        [""] * len(y),
        y,
        np.ones(y.shape, dtype=np.bool_),
        [str(j) for j in range(y.shape[1])],
        groups=np.arange(len(y)),
        settings=HeadSettings(features=("embedding",)),
        make_folds=partial(grouped_folds, n_folds=INNER_FOLDS),
        parents={},
        single_choice=(),
    )


def _train_logistic(vectors: NDArray[np.float32], y: NDArray[np.int8]) -> None:
    """Fit a label at a time, with the out-of-fold scores that thresholds are tuned on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import precision_recall_curve
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(LR_FOLDS, shuffle=True, random_state=0)
    for j in range(y.shape[1]):
        head = LogisticRegression(class_weight="balanced", C=10, max_iter=1000)
        p = cross_val_predict(head, vectors, y[:, j], cv=folds, method="predict_proba")
        precision_recall_curve(y[:, j], p[:, 1])
        head.fit(vectors, y[:, j])
