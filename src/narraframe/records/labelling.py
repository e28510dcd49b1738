"""What is to be labelled, what annotators said, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotator's word on one label, or on one facet, of one post.

    With a label's id, `value` 1 or 0 says that the label applies or not. With a facet's id it says
    that the facet was reviewed whole (1: some labels apply, 0: none does): every label of the facet
    that has no row of its own from that annotator is then a known 0. Without that row, labels
    without rows are unknown. `spans` are (start, end) code points into the post's `text`.

    `origin`: "manual", the annotator saw no pre-annotation; "blind", there was one but it was held
    back; "accepted" or "changed", it was shown and agrees or not (on a facet's row: with all of the
    facet). `design`: "audit" (drawn at random with `inclusion_probability`), "active", "doubtful"
    (a second look at what a model doubts), or another word for how the post came to be labelled.
    `gold`: the answer that settles all others.
    """

    post_id: str
    annotator: str
    label_id: str
    value: int
    spans: tuple[tuple[int, int], ...] = ()
    codebook_version: str = ""
    annotated_at: datetime | None = None
    origin: str = "manual"
    design: str = ""
    inclusion_probability: float | None = None
    gold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A post to be labelled next; `rank` counts from 0, the most useful first.

    `design` and `inclusion_probability` as of annotations; `stratum` of the audit. `n_annotators`
    wanted. `blind`: pre-annotations are held back, to measure what they do to the labels. `reason`
    says in words why this post.
    """

    post_id: str
    rank: int
    design: str
    reason: str = ""
    stratum: str = ""
    inclusion_probability: float | None = None
    n_annotators: int = 1
    blind: bool = False


@dataclass(frozen=True)
class Targets:
    """What is known of each label: `y` int8 (n, k), `mask` bool (n, k), False = not annotated."""

    ROWS: ClassVar[tuple[str, ...]] = ("y", "mask")

    post_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    y: NDArray[np.int8]
    mask: NDArray[np.bool_]
