"""What a reader of a model's figures has to know of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.contrary import contrary_copies
from narraframe.annotations.splits import leak, random_folds
from narraframe.classifiers.classifier import Classifier
from narraframe.config import Experiment
from narraframe.embeddings.encoder import Encoder
from narraframe.records import Annotation, Codebook
from narraframe.workflows.training_data import TrainingData

if TYPE_CHECKING:
    from narraframe.embeddings.tuning import EncoderTuner


def train_notes(
    data: TrainingData,
    annotations: Sequence[Annotation],
    codebook: Codebook,
    classifier: Classifier,
    encoder: Encoder,
    experiment: Experiment,
) -> tuple[str, ...]:
    """Say what a reader of the figures has to know."""
    others = {a.codebook_version for a in annotations} - {codebook.version, ""}
    notes = [*data.notes]
    if data.vectors or data.tuner:
        notes += _language_notes(data, encoder)
    if data.tuner and classifier.tuned:
        notes.append(_tuned_note(data, data.tuner, classifier))
    if annotations:
        notes += [_leak_note(data, experiment), *_contrary_note(data)]
        notes += _one_label_note(data, experiment)
    if others:
        versions = ", ".join(sorted(others))
        notes.append(
            f"annotations were made with codebook {versions}, not {codebook.version}: "
            "a label whose meaning changed is judged by its old meaning"
        )
    return (
        *notes,
        *_untrained_notes(classifier),
        *codebook_notes(classifier),
        *never_note(classifier),
        *choice_note(classifier),
    )


def codebook_notes(classifier: Classifier) -> tuple[str, ...]:
    """Name the labels that the codebook alone scores, by why they were not trained.

    A trained label above such a one is at least as probable, so its calibration is lost too.
    """
    told = classifier.from_codebook
    raised = np.zeros_like(told)
    for child, parent in classifier.heads.structure.links:
        raised[parent] |= told[child] or raised[child]
    notes = [
        f"from the codebook, not calibrated ({why}): {names}"
        for why, names in _by_reason(classifier, told)
    ]
    above = ", ".join(classifier.label_ids[j] for j in np.flatnonzero(raised & ~told))
    if above:
        notes.append(f"at least as probable as such a label below, so not calibrated: {above}")
    return tuple(notes)


def choice_note(classifier: Classifier) -> tuple[str, ...]:
    """Name the labels that aiming at a precision does not reach; () if there is none."""
    choices = classifier.heads.structure.choices
    if classifier.settings.aim != "precision" or not choices:
        return ()
    names = ", ".join(classifier.label_ids[j] for choice in choices for j in choice.leaves)
    return (
        f"of a single-choice facet the most probable label is decided, at whatever precision: "
        f"{names}; abstain leaves the doubtful ones open",
    )


def _untrained_notes(classifier: Classifier) -> list[str]:
    """Name the labels that were not learnt and that the codebook does not score either."""
    silent = ~classifier.from_codebook
    return [f"not learnt ({why}): {names}" for why, names in _by_reason(classifier, silent)]


def _by_reason(classifier: Classifier, which: NDArray[np.bool_]) -> list[tuple[str, str]]:
    """Name those labels of `which` (k,) that were not trained, reason by reason."""
    untrained: dict[str, list[str]] = {}
    for j in np.flatnonzero(which):
        if why := classifier.reasons[j]:
            untrained.setdefault(why, []).append(classifier.label_ids[j])
    return [(why, ", ".join(ids)) for why, ids in untrained.items()]


def never_note(classifier: Classifier) -> tuple[str, ...]:
    """Name the labels that are never decided, as their precision is out of reach; () if none is.

    A parent whose child can be decided is decided with it, whatever its own threshold.
    """
    thresholds = classifier.thresholds
    reachable = thresholds <= 1
    for child, parent in classifier.heads.structure.links:
        reachable[parent] |= reachable[child]
    never = np.flatnonzero((thresholds > 1) & ~reachable)
    if not len(never):
        return ()
    names = ", ".join(classifier.label_ids[j] for j in never)
    precision = classifier.settings.precision
    return (f"never decided, as a precision of {precision:g} is out of reach: {names}",)


def _language_notes(data: TrainingData, encoder: Encoder) -> tuple[str, ...]:
    """Say how many posts are in languages that the encoder was not made for."""
    if encoder.languages is None:
        return ()
    n = sum(1 for post in data.posts if post.lang and post.lang not in encoder.languages)
    if not n:
        return ()
    return (
        f"{n:,} of {len(data.posts):,} posts are in languages that the encoder does not know: "
        "name a multilingual one in narraframe.toml, or compare with "
        'features = ["words", "characters"]',
    )


def _one_label_note(data: TrainingData, experiment: Experiment) -> tuple[str, ...]:
    """Offer `one_label` where labels that came with posts seem to rule each other out."""
    targets, asked = data.targets, experiment.data
    if not asked.labelled or asked.one_label or len(targets.label_ids) < 2:
        return ()
    if not targets.mask.all() or not ((targets.y == 1).sum(axis=1) == 1).all():
        return ()
    return (
        "each post carries exactly one label: if new posts do too, --one-label (one_label = true "
        "under [data] of an experiment) learns them against each other",
    )


def _leak_note(data: TrainingData, experiment: Experiment) -> str:
    """Say what a split that ignores copies would have put on both sides."""
    n = len(data.posts)
    careless = random_folds(n, n_folds=experiment.split.folds, seed=experiment.seed)
    leaked = leak(data.groups, careless)
    return (
        f"a split that ignores copies would have leaked {leaked.n_posts:,} of {n:,} posts "
        f"({leaked.n_groups:,} groups); this one leaks none"
    )


def _contrary_note(data: TrainingData) -> tuple[str, ...]:
    """Say how many copies of one text contradict each other; () if none do."""
    found = contrary_copies(data.texts, data.targets.y, data.targets.mask)
    if not found.n_texts:
        return ()
    return (
        f"{found.n_texts:,} groups of copies (posts of one text) contradict each other, on "
        f"{found.n_labels:,} labels: one says that the label applies, another that it does not",
    )


def _tuned_note(data: TrainingData, tuner: EncoderTuner, classifier: Classifier) -> str:
    """Say that the encoder was tuned, on how many posts, and how long that took."""
    network = tuner.network
    return (
        f"the last {network.n_upper} of the encoder's {network.n_layers} layers were tuned on "
        f"{tuner.loss} of {len(data.posts):,} posts, {len(classifier.tuned)} times, each without "
        f"one fold; with those for the figures, {tuner.n_tunings} tunings took "
        f"{tuner.seconds:,.0f} s"
    )
