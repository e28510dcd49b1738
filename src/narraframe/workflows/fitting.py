"""Fit on every annotated post; measure on posts that the fitted parts did not see."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from narraframe.annotations.splits import grouped_folds
from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.crossfit import cross_fit
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.settings import HeadSettings
from narraframe.config import Experiment
from narraframe.errors import TrainingError
from narraframe.metrics.quality import measure
from narraframe.records import Codebook, Quality
from narraframe.workflows.training_data import TrainingData
from narraframe.workflows.watch import Watch

_FEWEST_GROUPS = 3


def fit_and_measure(
    data: TrainingData, codebook: Codebook, experiment: Experiment, *, watch: Watch
) -> tuple[Classifier, Quality]:
    """Return the classifier of all posts, and the quality of such a classifier on new ones.

    Quality comes from nested cross-validation by near-duplicate group: features, heads, calibration
    and thresholds of a fold are fitted without its posts. Where the other folds could not train a
    label, it counts as not decided on the posts of the fold (see `measure`).

    Raises
    ------
    TrainingError
        If there are too few distinct posts, or no label can be learnt.
    """
    if data.n_groups < _FEWEST_GROUPS:
        raise TrainingError(
            "too few distinct posts to measure a model",
            got=f"{data.n_groups} groups of near-copies",
            remedy="Label more posts: at least three distinct ones, better a hundred.",
        )
    settings = HeadSettings(**asdict(experiment.heads))
    parents = {label.label_id: label.parent for label in codebook.labels if label.parent}
    singles = [f.facet_id for f in codebook.facets if f.choice == "single"]
    single_choice = [codebook.facet_label_ids(facet_id) for facet_id in singles]
    vectors, texts, targets = data.embeddings.vectors, data.texts, data.targets
    y, mask, label_ids, seed = targets.y, targets.mask, targets.label_ids, experiment.seed
    n_folds = min(experiment.split.folds, data.n_groups)
    n_inner = min(experiment.split.inner_folds, n_folds - 1)
    make_inner = partial(grouped_folds, n_folds=n_inner)
    with watch.stage("cross-validate", total=n_folds * (n_inner + 1), unit="fits") as step:
        held_out = cross_fit(
            vectors,
            texts,
            y,
            mask,
            label_ids,
            groups=data.groups,
            folds=grouped_folds(y, mask, data.groups, n_folds=n_folds, seed=seed),
            make_inner_folds=make_inner,
            seed=seed,
            settings=settings,
            parents=parents,
            single_choice=single_choice,
            progress=step,
        )
    with watch.stage("fit", total=n_inner + 1, unit="fits") as step:
        classifier = fit_classifier(
            vectors,
            texts,
            y,
            mask,
            label_ids,
            folds=make_inner(y, mask, data.groups, seed=seed),
            settings=settings,
            parents=parents,
            single_choice=single_choice,
            progress=step,
        )
    with watch.stage("measure", unit="figures"):
        quality = measure(
            y,
            mask,
            held_out.probability,
            held_out.decision,
            data.groups,
            label_ids,
            classifier.thresholds,
            how=f"nested {n_folds}-fold cross-validation by near-duplicate group",
            seed=seed,
            n_resamples=experiment.split.resamples,
        )
    return classifier, quality
