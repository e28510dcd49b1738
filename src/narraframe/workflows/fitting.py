"""Fit on every annotated post; measure on posts that the fitted parts did not see."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import product

import numpy as np

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.crossfit import chosen
from narraframe.classifiers.fit import check_trained, fit_classifier
from narraframe.classifiers.heads import too_few
from narraframe.classifiers.settings import HeadSettings
from narraframe.config import Experiment
from narraframe.errors import TooFewError
from narraframe.metrics.leak import LeakTable, leak_table
from narraframe.metrics.reliability import Reliability, reliability
from narraframe.metrics.selective import Selective, selective
from narraframe.records import Codebook
from narraframe.workflows.measuring import Measured, Measurer, measure_test
from narraframe.workflows.training_data import TrainingData
from narraframe.workflows.watch import Watch

_FEWEST_GROUPS = 3


@dataclass(frozen=True)
class Candidate:
    """One combination of the grid: its settings, mean evidence from training sides, and figures."""

    settings: HeadSettings
    evidence: float
    measured: Measured


@dataclass(frozen=True)
class Fitted:
    """A classifier of all training posts, and what is known of such a classifier.

    `measured` is by the experiment's split; `others` by the further splits that it names, and on
    the audit sample; `test` on the frozen test set; `leak` what copies on both sides would have
    given, None where it is not worth measuring; `reliability` how far probabilities can be taken at
    their word; `selective` what abstaining does, None where it never does.
    """

    classifier: Classifier
    measured: Measured
    others: tuple[Measured, ...]
    candidates: tuple[Candidate, ...]
    leak: LeakTable | None
    reliability: Reliability
    selective: Selective | None
    test: Measured | None


def candidates_of(experiment: Experiment) -> tuple[HeadSettings, ...]:
    """Return the settings that the experiment's grid spans; its own alone where that is empty."""
    base = HeadSettings(**asdict(experiment.heads))
    features = experiment.grid.features or (base.features,)
    heads = experiment.grid.head or (base.head,)
    return tuple(replace(base, features=f, head=h) for f, h in product(features, heads))


def fit_and_measure(
    data: TrainingData, codebook: Codebook, experiment: Experiment, *, watch: Watch
) -> Fitted:
    """Fit a classifier, and measure what such a classifier is worth on new posts.

    Quality comes from posts that had no part in features, heads, stack, thresholds or the choice
    among candidates. Where a training side could neither train a label nor score it by the
    codebook, it counts as not decided on the posts of the test side (see `measure`). Posts of the
    frozen test set have no part in any of it but their own figures.

    Raises
    ------
    TooFewError
        If there are too few distinct posts, or no label can be learnt.
    TrainingError
        If a split is impossible.
    """
    train = data.rows(~data.test)
    if train.n_groups < _FEWEST_GROUPS:
        raise TooFewError(
            "too few distinct posts to measure a model",
            got=f"{train.n_groups} groups of near-copies",
            remedy="Label more posts: at least three distinct ones, better a hundred.",
        )
    settings, targets = candidates_of(experiment), train.targets
    few = too_few(targets.y, targets.mask, settings[0].min_positive)
    check_trained(targets.label_ids, few.tolist(), settings=settings[0])
    measurer = Measurer(train, codebook, experiment, settings)
    measurer.check()
    split = experiment.split
    crossed = measurer.cross(split.by, watch=watch)
    evidence = np.nan_to_num(crossed.evidence, nan=-1).mean(axis=0)
    candidates = tuple(
        Candidate(settings, float(value), measurer.judge(split.by, found))
        for settings, value, found in zip(
            measurer.candidates, evidence, crossed.candidates, strict=True
        )
    )
    others = [
        measurer.measure(by, watch=watch) for by in dict.fromkeys(split.also) if by != split.by
    ]
    audit = measurer.audit(chosen(crossed))
    best = candidates[int(np.argmax(evidence))].settings
    with watch.stage("fit", total=len(best.features), unit="views") as step:
        classifier = fit_classifier(
            train.vectors,
            train.texts,
            train.targets.y,
            train.targets.mask,
            train.targets.label_ids,
            settings=best,
            progress=step,
            **measurer.shared,
        )
    alone = len(candidates) == 1  # then there was no choice to be measured with it
    measured = candidates[0].measured if alone else measurer.measure(split.by, watch=watch)
    careless = measurer.careless(watch=watch)
    honest = {m.split: m.held_out for m in (measured, *others)}
    with watch.stage("weigh the figures", unit="figures"):
        leak = leak_table(careless, honest, seed=experiment.seed) if careless else None
        reliable = _reliability(measured, seed=experiment.seed)
    test = None
    if data.test.any():
        test = measure_test(classifier, data.rows(data.test), experiment=experiment)
    return Fitted(
        classifier,
        _with_thresholds(measured, classifier),
        (*others, *([audit] if audit else [])),
        candidates if len(candidates) > 1 else (),
        leak,
        reliable,
        _selective(measured, seed=experiment.seed),
        test and _with_thresholds(test, classifier),
    )


def _selective(measured: Measured, *, seed: int) -> Selective | None:
    if not measured.abstained.any():
        return None
    found = measured.held_out
    return selective(
        found.y, found.mask, found.decision, measured.abstained, found.groups, seed=seed
    )


def _reliability(measured: Measured, *, seed: int) -> Reliability:
    found = measured.held_out
    return reliability(
        found.y, found.mask, found.probability, found.groups, found.label_ids, seed=seed
    )


def _with_thresholds(measured: Measured, classifier: Classifier) -> Measured:
    """Report the thresholds of the classifier of all posts beside the figures."""
    labels = tuple(
        replace(label, threshold=float(threshold))
        for label, threshold in zip(measured.quality.labels, classifier.thresholds, strict=True)
    )
    return replace(measured, quality=replace(measured.quality, labels=labels))
