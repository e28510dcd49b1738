"""What is computed of posts, one row each: embeddings, themes, scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Embeddings:
    """Vectors of posts; `vectors` is float32 of shape (n, d), `encoder` is "name@revision"."""

    ROWS: ClassVar[tuple[str, ...]] = ("vectors",)

    post_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    encoder: str


@dataclass(frozen=True)
class Themes:
    """Theme per post: `theme` int32 (n,), negative = noise; `membership` float32 (n,) in [0, 1];
    `xy` float32 (n, 2), the map.
    """

    ROWS: ClassVar[tuple[str, ...]] = ("theme", "membership", "xy")

    post_ids: tuple[str, ...]
    theme: NDArray[np.int32]
    membership: NDArray[np.float32]
    xy: NDArray[np.float32]


@dataclass(frozen=True)
class ThemeSummary:
    """What a reader needs to know of one theme.

    `theme` is its stable number, `name` the analyst's or made of the `keywords` (term, weight),
    best first. `confidence` is the mean membership of its distinct posts; `stability` the mean
    share of it that reruns found again; nan = unknown. `months` ("2024-05", posts) in order, and
    `channels` (name, posts), the largest first, leave out posts without one.
    """

    theme: int
    name: str
    keywords: tuple[tuple[str, float], ...]
    n_posts: int
    n_groups: int
    representative_post_ids: tuple[str, ...]
    confidence: float = math.nan
    stability: float = math.nan
    months: tuple[tuple[str, int], ...] = ()
    channels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Scores:
    """Calibrated `probability` float32 (n, k), nan where there is no score; `reasons` (n,) says why
    ("" where scored); `thresholds` float64 (k,), nan = no cut of its own; `model` "name/version".

    `decision` (n, k) is what the model says if it has to. Where `abstained` (n, k), it was told not
    to decide what is too close to call: there `decision` is for measuring alone, and who counts or
    shows decisions takes ``decision & ~abstained``. The table SCORES does not keep it there.
    """

    ROWS: ClassVar[tuple[str, ...]] = ("probability", "decision", "abstained", "reasons")

    post_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    abstained: NDArray[np.bool_]
    thresholds: NDArray[np.float64]
    reasons: tuple[str, ...]
    model: str


@dataclass(frozen=True)
class HeldOut:
    """What a model said of posts that it was not trained on, beside what the annotators said.

    `y` int8, `mask` bool (False = unknown), `probability` float32 (nan where there is none) and
    `decision` bool, all (n, k); `groups` intp (n,) near-duplicate groups; `fold` intp (n,): which
    split scored the post; its numbers mean nothing across runs.
    """

    ROWS: ClassVar[tuple[str, ...]] = (
        "y", "mask", "probability", "decision", "groups", "fold",
    )  # fmt: skip

    post_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    y: NDArray[np.int8]
    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    groups: NDArray[np.intp]
    fold: NDArray[np.intp]
