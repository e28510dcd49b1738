"""Figures with their intervals, and the quality of a classifier in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval [low, high] at `level`; all nan when undefined (`n` still says
    how many cells or groups it was asked of).
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        """Return "0.71 [0.64, 0.78]", without what is undefined; "-" if all is."""
        return f"{self:.2f}"

    def __format__(self, spec: str) -> str:
        """Return the same with each figure as `spec` says: ".3f" for three decimals."""
        spec = spec or ".2f"
        if math.isnan(self.value):
            return "-"
        interval = "" if math.isnan(self.low) else f" [{self.low:{spec}}, {self.high:{spec}}]"
        return f"{self.value:{spec}}{interval}"


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """Quality of one label on out-of-fold or held-out posts."""

    label_id: str
    n_known: int
    n_positive: int
    threshold: float
    precision: Estimate
    recall: Estimate
    f1: Estimate
    average_precision: Estimate

    @property
    def share(self) -> float:
        """Share of known posts with the label: the precision of always saying yes."""
        return self.n_positive / self.n_known if self.n_known else math.nan

    @property
    def beats_chance(self) -> bool:
        """Tell whether the label is told from the text beyond doubt.

        The interval of average precision lies above the share of positives (its value for a random
        order), or the interval of F1 above that of always saying yes, ``2 s / (1 + s)``.
        """
        always_yes = 2 * self.share / (1 + self.share)
        return bool(self.average_precision.low > self.share or self.f1.low > always_yes)


UNMEASURED = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of a classifier; `how` says on what posts and by which split it was measured.

    Models of before have `UNMEASURED` for figures that came later.
    """

    how: str
    n_posts: int
    n_groups: int
    micro_f1: Estimate
    macro_f1: Estimate
    calibration_error: Estimate
    labels: tuple[LabelQuality, ...]
    undefined: tuple[str, ...] = field(default=())
    micro_precision: Estimate = UNMEASURED
    micro_recall: Estimate = UNMEASURED
    mean_average_precision: Estimate = UNMEASURED

    @property
    def measured(self) -> tuple[LabelQuality, ...]:
        """The labels whose F1 is defined."""
        return tuple(label for label in self.labels if not math.isnan(label.f1.value))

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The measured labels, by id, that are not told from chance beyond doubt.

        None where no interval was asked for: then nothing can be said.
        """
        if all(math.isnan(label.f1.low) for label in self.measured):
            return ()
        return tuple(label.label_id for label in self.measured if not label.beats_chance)
