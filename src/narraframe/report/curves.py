"""What a reliability curve has, whoever computed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from narraframe.records import Estimate


class Bin(Protocol):
    """Cells of like probability, and the share of positives in them."""

    @property
    def probability(self) -> float: ...  # noqa: D102
    @property
    def share(self) -> Estimate: ...  # noqa: D102


class Chance(Protocol):
    """The calibration error that chance alone brings about in 19 of 20 samples at most."""

    @property
    def high(self) -> float: ...  # noqa: D102


class Curve(Protocol):
    """Reliability of one label's probabilities, or of all labels' together."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def bins(self) -> Sequence[Bin]: ...  # noqa: D102
    @property
    def n_positive(self) -> int: ...  # noqa: D102
    @property
    def error(self) -> float: ...  # noqa: D102
    @property
    def chance(self) -> Chance: ...  # noqa: D102
