"""Measure what a classifier is worth on posts that had no part in it, split by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.splits import (
    Split,
    channel_splits,
    group_splits,
    grouped_folds,
    time_split,
)
from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.crossfit import CrossFit, OutOfFold, chosen, cross_fit
from narraframe.classifiers.heads import Prediction
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.tuned import tuned_vectors
from narraframe.config import Experiment, SplitSettings
from narraframe.metrics.quality import measure
from narraframe.records import Codebook, HeldOut, Quality
from narraframe.workflows.training_data import TrainingData
from narraframe.workflows.watch import Watch

ENOUGH_AUDIT = 30
"""Audit posts from which figures on them alone are given."""
WORTH_MEASURING = 0.01
"""Share of posts that are copies of others from which a leak is worth a second measurement."""


@dataclass(frozen=True)
class Measured:
    """What a split says of a classifier: its quality, and the predictions behind it."""

    split: str
    quality: Quality
    held_out: HeldOut
    abstained: NDArray[np.bool_]


@dataclass
class Measurer:
    """Scores the posts of `data` by classifiers that did not see them."""

    data: TrainingData
    codebook: Codebook
    experiment: Experiment
    candidates: tuple[HeadSettings, ...]
    runs: dict[str, CrossFit] = field(default_factory=dict)
    made: dict[str, tuple[Sequence[Split], str]] = field(default_factory=dict)

    @property
    def shared(self) -> dict[str, Any]:
        """What fitting and cross-fitting take alike."""
        singles = [f.facet_id for f in self.codebook.facets if f.choice == "single"]
        return {
            "groups": self.data.groups,
            "make_folds": partial(grouped_folds, n_folds=self.experiment.split.inner_folds),
            "parents": {x.label_id: x.parent for x in self.codebook.labels if x.parent},
            "single_choice": [self.codebook.facet_label_ids(facet_id) for facet_id in singles],
            "definitions": self.data.definitions,
            "background": self.data.background,
            "tuner": self.data.tuner,
            "seed": self.experiment.seed,
        }

    def check(self) -> None:
        """Refuse splits that the data do not allow, before any work."""
        for by in dict.fromkeys((self.experiment.split.by, *self.experiment.split.also)):
            self._splits(by)

    def cross(self, by: str, *, watch: Watch) -> CrossFit:
        """Score the test sides of the splits `by` "group", "time", "channel" or "author"."""
        if by not in self.runs:
            splits, _ = self._splits(by)
            with watch.stage(f"measure by {by}", total=len(splits), unit="splits") as step:
                self.runs[by] = self._cross(splits, progress=step)
        return self.runs[by]

    def measure(self, by: str, *, watch: Watch) -> Measured:
        """Measure the whole procedure, the choice among the candidates included."""
        return self.judge(by, chosen(self.cross(by, watch=watch)))

    def judge(self, by: str, found: OutOfFold) -> Measured:
        """Measure predictions made by a split."""
        return self._measured(by, found, rows=found.fold >= 0, how=self._splits(by)[1])

    def audit(self, found: OutOfFold) -> Measured | None:
        """Measure on the audit sample alone, if there is one of some size."""
        rows = self.data.audit & (found.fold >= 0)
        if rows.sum() < ENOUGH_AUDIT or rows.all():
            return None
        how = f"{self._splits(self.experiment.split.by)[1]}, on the audit sample alone"
        return self._measured("audit", found, rows=rows, how=how)

    def careless(self, *, watch: Watch) -> HeldOut | None:
        """Measure as if copies, time and channels did not matter.

        None where that is what the honest splits do: hardly a post has a copy, and none is by
        time, channel or author.
        """
        n, split, targets = len(self.data.posts), self.experiment.split, self.data.targets
        by = {split.by, *split.also}
        if n - self.data.n_groups < WORTH_MEASURING * n and by == {"group"}:
            return None
        splits = group_splits(
            targets.y,
            targets.mask,
            np.arange(n),
            n_folds=min(split.folds, n),
            seed=self.experiment.seed,
        )
        with watch.stage("measure the leak", total=len(splits), unit="splits") as step:
            found = chosen(self._cross(splits, honest=False, progress=step))
        how = f"{len(splits)}-fold cross-validation that lets copies straddle the folds"
        return self._measured("careless", found, rows=found.fold >= 0, how=how).held_out

    def _splits(self, by: str) -> tuple[Sequence[Split], str]:
        """Return the splits, and how they are to be told of; each is made once."""
        if by not in self.made:
            self.made[by] = self._make_splits(by)
        return self.made[by]

    def _make_splits(self, by: str) -> tuple[Sequence[Split], str]:
        split, data, seed = self.experiment.split, self.data, self.experiment.seed
        y, mask, groups = data.targets.y, data.targets.mask, data.groups
        if by == "time":
            times = _times(data)
            one = time_split(times, groups, since=_since(split))
            first = split.since or str(np.nanmin(times[one.test]))[:10]
            left = _counted(len(one.copies), "copies left out")
            left += _counted(int(np.isnat(times).sum()), "posts without a date left out")
            return [one], f"trained on the past, tested on posts since {first}{left}"
        if by in ("channel", "author"):
            whose = [getattr(post, by) for post in data.posts]
            found = channel_splits(y, mask, groups, whose, n_folds=split.folds, seed=seed, named=by)
            left = _counted(sum(len(s.copies) for s in found), "copies left out")
            left += _counted(sum(not name for name in whose), f"posts of no known {by} only taught")
            return found, f"{len(found)}-fold cross-validation by {by}{left}"
        n_folds = min(split.folds, data.n_groups)
        made = group_splits(y, mask, groups, n_folds=n_folds, seed=seed)
        return made, f"{n_folds}-fold cross-validation by near-duplicate group"

    def _cross(self, splits: Sequence[Split], *, honest: bool = True, progress: Any) -> CrossFit:
        data = self.data
        return cross_fit(
            data.vectors,
            data.texts,
            data.targets.y,
            data.targets.mask,
            data.targets.label_ids,
            splits=splits,
            candidates=self.candidates,
            honest=honest,
            progress=progress,
            **self.shared,
        )

    def _measured(
        self, name: str, found: OutOfFold, *, rows: NDArray[np.bool_], how: str
    ) -> Measured:
        data = self.data.rows(rows)
        prediction = Prediction(
            found.probability[rows], found.decision[rows], found.abstained[rows]
        )
        return judged(name, data, prediction, found.fold[rows], experiment=self.experiment, how=how)


def judged(
    name: str,
    data: TrainingData,
    found: Prediction,
    fold: NDArray[np.intp],
    *,
    experiment: Experiment,
    how: str,
) -> Measured:
    """Measure predictions on the posts of `data`.

    A post in a language that the model refuses to score counts as one on which nothing is decided,
    as it does for the user.
    """
    targets, refused = data.targets, data.refused[:, None]
    probability = np.where(refused, np.float32(np.nan), found.probability)
    decision, abstained = found.decision & ~refused, found.abstained & ~refused
    held_out = HeldOut(
        post_ids=targets.post_ids,
        label_ids=targets.label_ids,
        y=targets.y,
        mask=targets.mask,
        probability=probability,
        decision=decision,
        groups=data.groups,
        fold=fold,
    )
    quality = measure(
        targets.y,
        targets.mask,
        probability,
        decision,
        data.groups,
        targets.label_ids,
        np.full(len(targets.label_ids), np.nan),
        how=how,
        seed=experiment.seed,
        n_resamples=experiment.split.resamples,
    )
    return Measured(name, quality, held_out, abstained)


def measure_test(classifier: Classifier, data: TrainingData, *, experiment: Experiment) -> Measured:
    """Measure a finished classifier on its frozen test set."""
    vectors = dict(data.vectors)
    if classifier.tuned and data.tuner is not None:
        vectors["tuned"] = tuned_vectors(classifier.tuned, data.tuner, data.texts)
    found = predict(classifier, vectors, data.texts)
    fold = np.zeros(len(data.posts), dtype=np.intp)
    how = "on the frozen test set, which no training of this model sees"
    return judged("test", data, found, fold, experiment=experiment, how=how)


def _counted(n: int, what: str) -> str:
    return f", {n:,} {what}" if n else ""


def _times(data: TrainingData) -> NDArray[np.datetime64]:
    stamps = [
        None if post.created_at is None else post.created_at.replace(tzinfo=None)
        for post in data.posts
    ]
    return np.array(stamps, dtype="datetime64[us]")


def _since(split: SplitSettings) -> np.datetime64 | None:
    """Return the moment in UTC, which a date without a zone is taken to be."""
    if not split.since:
        return None
    moment = datetime.fromisoformat(split.since)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")
