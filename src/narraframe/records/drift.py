"""New posts against those that a model was trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DriftReference:
    """What a model keeps of its training posts, to tell later whether new ones are alike.

    `vectors` float32 (m, d) of length 1, by `encoder`: at most 1,000 distinct training posts, drawn
    at random. `languages` are (code, distinct training posts), "" = not known. `label_ids` (k,),
    `n_decided` int64 (k,) and `n_positive` int64 (k,): what models that had not seen them said of
    distinct training posts. No text is in it.
    """

    encoder: str
    vectors: NDArray[np.float32]
    languages: tuple[tuple[str, int], ...]
    label_ids: tuple[str, ...]
    n_decided: NDArray[np.int64]
    n_positive: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DriftTest:
    """One question asked of the new posts; `name` is one of `Drift.TESTS`.

    `effect` is how large the difference is, in the unit that `what` says; `p` is adjusted for what
    the test asks of itself (several labels, several languages), `adjusted` also for the other tests
    (Holm). `drifted` where `adjusted` is at most the run's `alpha`. A test that could not be done
    has nan and says why in `what`.
    """

    name: str
    effect: float
    p: float
    adjusted: float
    drifted: bool
    what: str


@dataclass(frozen=True, slots=True)
class LabelShift:
    """Share of distinct posts that the model gives a label: of held-out training posts, of new.

    `p` is Fisher's exact, adjusted for the number of labels (Holm); nan where nobody was asked.
    """

    label_id: str
    n_before: int
    of_before: int
    n_now: int
    of_now: int
    p: float

    @property
    def before(self) -> float:
        """Share of held-out training posts."""
        return self.n_before / self.of_before if self.of_before else math.nan

    @property
    def now(self) -> float:
        """Share of the new posts."""
        return self.n_now / self.of_now if self.of_now else math.nan


@dataclass(frozen=True)
class Drift:
    """What new posts are beside the training posts of `model`.

    `known` is False where the model keeps no reference: then there are no tests, and `verdict` says
    so. With ``alpha``, one run in 1 / alpha of posts like the training posts is called drift; that
    is the rate of false alarms of all tests together.

    `n_posts` were seen, `n_without_text` of them without text, `n_unknown_language` in a language
    that the model did not learn. The tests look at a sample of `n_sampled` distinct posts,
    `n_scored` of which have a score, and compare them with `n_reference` training posts. `far` is
    the share of those that lie farther from every kept training post than 99 of 100 training posts
    do (`far_distance`, cosine); 0.01 is what to expect. `languages` are (code, share of the
    distinct training posts, share of the sample), the greatest difference first.
    """

    TESTS: ClassVar[tuple[str, ...]] = ("embedding", "far", "labels", "languages")

    model: str
    known: bool
    alpha: float
    n_posts: int
    n_without_text: int
    n_unknown_language: int
    n_sampled: int
    n_scored: int
    n_reference: int
    far: float
    far_distance: float
    tests: tuple[DriftTest, ...]
    labels: tuple[LabelShift, ...]
    languages: tuple[tuple[str, float, float], ...]
    verdict: str

    @property
    def drifted(self) -> bool:
        """Tell whether any test says so."""
        return any(test.drifted for test in self.tests)

    @property
    def is_unknown(self) -> bool:
        """Tell whether there was too little to tell: that is no sign of likeness."""
        return self.verdict.startswith("unknown")

    def as_metrics(self) -> Mapping[str, float]:
        """Return the figures that are known, by names that MLflow takes."""
        posts, texts = self.n_posts, self.n_posts - self.n_without_text
        figures = {
            "drift.detected": math.nan if self.is_unknown else float(self.drifted),
            "drift.far_share": self.far,
            "drift.without_text_share": self.n_without_text / posts if posts else math.nan,
            "drift.unknown_language_share": self.n_unknown_language / texts if texts else math.nan,
            "drift.posts": float(posts),
            "drift.sampled": float(self.n_sampled),
        }
        for test in self.tests:
            figures[f"drift.{test.name}.effect"] = test.effect
            figures[f"drift.{test.name}.p"] = test.adjusted
        for label in self.labels:
            figures[f"drift.share_before.{label.label_id}"] = label.before
            figures[f"drift.share_now.{label.label_id}"] = label.now
        return {name: value for name, value in figures.items() if not math.isnan(value)}
