"""The populations of prevalence.py: all labels known, and what a classifier says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from classify_sets import LabelledSet, Rule, embed, read_set
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from narraframe.annotations.splits import grouped_folds
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.heads import Prediction
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings

FULL = HeadSettings(features=("embedding", "words", "characters"))
QUICK = HeadSettings(features=("embedding",))
N_FOLDS = 5
SETS = ("gvfc_gun_frames", "ccf_climate_frames")
N_TRAINED = 500
N_CHANNELS, N_MONTHS = 6, 6


@dataclass(frozen=True)
class Population:
    """N posts that no training saw: `y` int8, `p` the calibrated probability and `decision` (N, k);
    `channel`, `month` (N,) stand in for those of a real stream; `group` (N,) near-duplicates;
    `whole` (k,) shares in the set with the training posts.
    """

    name: str
    label_ids: tuple[str, ...]
    y: NDArray[np.int8]
    p: NDArray[np.float64]
    decision: NDArray[np.bool_]
    channel: NDArray[np.intp]
    month: NDArray[np.intp]
    group: NDArray[np.intp]
    whole: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def at(self, rows: NDArray[np.intp]) -> Population:
        """Return the posts at `rows`, some perhaps several times."""
        names = ("y", "p", "decision", "channel", "month", "group")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def with_copies(self, rng: np.random.Generator) -> Population:
        """Return it with one group in twenty published 2 to 40 times."""
        times = np.ones(len(self.y), dtype=np.intp)
        copied = rng.random(len(times)) < 0.05
        times[copied] = np.clip(rng.pareto(1.0, copied.sum()) * 6, 2, 40).astype(np.intp)
        return self.at(np.repeat(np.arange(len(times)), times))

    def periods(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which posts are of the second period: more of two channels than of the others."""
        return rng.random(len(self.y)) < np.where(self.channel < 2, 0.7, 0.4)

    def in_periods(self, second: NDArray[np.bool_]) -> Population:
        """Return it with the two periods as its months, 0 and 1."""
        return replace(self, month=second.astype(np.intp))


@dataclass(frozen=True)
class OwnAudit:
    """An audit at `rows`; `q.p` holds held-out probabilities there, `in_sample` (N, k) does not.

    nan where a label could not be trained.
    """

    q: Population
    rows: NDArray[np.intp]
    in_sample: NDArray[np.float64]


def read_population(name: str, cache: Path, *, seed: int = 0) -> Population:
    """Read a set, train the default classifier on `N_TRAINED` posts of it, score the others.

    Posts of like embeddings (k-means) stand for a channel: channels differ in what they write of.
    """
    data = read_set(name, Rule())
    vectors = embed(data.texts, cache)
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.unique(data.group))
    order = np.argsort(np.argsort(groups))[np.searchsorted(np.unique(data.group), data.group)]
    trained = np.zeros(len(data.texts), dtype=np.bool_)
    trained[np.argsort(order, kind="stable")[:N_TRAINED]] = True
    trained = np.isin(data.group, data.group[trained])
    channel = KMeans(N_CHANNELS, n_init=3, random_state=seed).fit_predict(vectors)
    p, decision = scored(data, vectors, trained, cache / f"prevalence_{name}_{seed}.npz", seed=seed)
    rest = ~trained
    return Population(
        name=name,
        label_ids=data.label_ids,
        y=data.y[rest],
        p=p[rest],
        decision=decision[rest],
        channel=channel[rest].astype(np.intp),
        month=rng.integers(0, N_MONTHS, int(rest.sum())).astype(np.intp),
        group=data.group[rest],
        whole=data.y.mean(axis=0),
    )


def scored(
    data: LabelledSet,
    vectors: NDArray[np.float32],
    trained: NDArray[np.bool_],
    path: Path,
    *,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return probabilities and decisions of all posts, (n, k); kept at `path`."""
    if path.exists():
        with np.load(path) as kept:
            if np.array_equal(kept["trained"], trained):
                return kept["p"].astype(np.float64), kept["decision"]
    found = fitted(data, vectors, np.flatnonzero(trained), settings=FULL, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, trained=trained, p=found.probability, decision=found.decision)
    return found.probability.astype(np.float64), found.decision


def fitted(
    data: LabelledSet,
    vectors: NDArray[np.float32],
    rows: NDArray[np.intp],
    *,
    settings: HeadSettings,
    seed: int,
) -> Prediction:
    """Train on the posts at `rows` and score all."""
    classifier = fit_classifier(
        {"embedding": vectors[rows]},
        [data.texts[i] for i in rows],
        data.y[rows],
        np.ones((len(rows), data.y.shape[1]), dtype=np.bool_),
        data.label_ids,
        groups=data.group[rows],
        settings=settings,
        make_folds=partial(grouped_folds, n_folds=4),
        parents={},
        single_choice=(),
        seed=seed,
    )
    return predict(classifier, {"embedding": vectors}, data.texts)


def own_audits(name: str, cache: Path, *, n: int, seed: int) -> Iterator[OwnAudit]:
    """Yield audits of a set of which the classifier was trained on nothing but the audit."""
    data = read_set(name, Rule())
    vectors = embed(data.texts, cache)
    rng = np.random.default_rng(seed)
    nothing = np.zeros(len(data.texts), dtype=np.intp)
    while True:
        rows = np.sort(rng.choice(len(data.texts), n, replace=False))
        known = np.ones((n, data.y.shape[1]), dtype=np.bool_)
        fold = grouped_folds(data.y[rows], known, data.group[rows], n_folds=N_FOLDS, seed=seed)
        whole = fitted(data, vectors, rows, settings=QUICK, seed=seed)
        p = whole.probability.astype(np.float64)
        honest = p.copy()
        for f in np.unique(fold):
            part = fitted(data, vectors, rows[fold != f], settings=QUICK, seed=seed)
            honest[rows[fold == f]] = part.probability[rows[fold == f]]
        q = Population(
            name, data.label_ids, data.y, honest, whole.decision, nothing, nothing, data.group
        )
        yield OwnAudit(q, rows, p)
