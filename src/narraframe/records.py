"""The data types that pass between rooms, and `align`, which joins them by post_id."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post, as read or as prepared.

    `text` is for people (as published, markers and doubled bodies gone); `model_text` is what the
    encoder sees (call-to-action lines, links and the like gone too) and is None until the post was
    cleaned. ``labels is None`` means "not labelled"; ``()`` means "labelled: none applies".
    `duplicate_of` is the post_id of the first of its near-duplicate group, None for that first one.
    """

    post_id: str
    text: str
    model_text: str | None = None
    created_at: datetime | None = None
    channel: str | None = None
    author: str | None = None
    forwarded_from: str | None = None
    lang: str | None = None
    hashtags: tuple[str, ...] = ()
    reactions: Mapping[str, int] | None = None
    media: str | None = None
    url: str | None = None
    duplicate_of: str | None = None
    labels: tuple[str, ...] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read as a post: `where` is "file: position", `what` the fault."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a codebook; `parent` is the label_id one level up, or None."""

    label_id: str
    facet_id: str
    name: str
    definition: str = ""
    parent: str | None = None
    include: str = ""
    exclude: str = ""
    examples: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """A question asked of each post; `choice` is "multiple" or "single"."""

    facet_id: str
    name: str
    choice: str = "multiple"
    required: bool = False
    question: str = ""


@dataclass(frozen=True)
class Codebook:
    """Facets and labels in order: the only source of column order (k = ``len(label_ids)``)."""

    version: str
    title: str
    facets: tuple[Facet, ...]
    labels: tuple[Label, ...]

    @cached_property
    def label_ids(self) -> tuple[str, ...]:
        """Every label id, parents included, in codebook order."""
        return tuple(label.label_id for label in self.labels)

    @cached_property
    def leaf_ids(self) -> tuple[str, ...]:
        """The labels that an annotator may choose: those without children."""
        parents = {label.parent for label in self.labels}
        return tuple(label_id for label_id in self.label_ids if label_id not in parents)

    @cached_property
    def by_id(self) -> Mapping[str, Label]:
        """Label by label id."""
        return {label.label_id: label for label in self.labels}

    def children(self, label_id: str) -> tuple[str, ...]:
        """Return the label ids directly below `label_id`, in codebook order."""
        return tuple(label.label_id for label in self.labels if label.parent == label_id)

    def facet_label_ids(self, facet_id: str) -> tuple[str, ...]:
        """Return the label ids of one facet, parents included, in codebook order."""
        return tuple(label.label_id for label in self.labels if label.facet_id == facet_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotator's word on one label, or on one facet, of one post.

    With a label's id, `value` 1 or 0 says that the label applies or not. With a facet's id it says
    that the facet was reviewed whole (1: some labels apply, 0: none does): every label of the facet
    that has no row of its own from that annotator is then a known 0. Without that row, labels
    without rows are unknown. `spans` are (start, end) code points into the post's `text`.
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


@dataclass(frozen=True)
class Embeddings:
    """Vectors of posts; `vectors` is float32 of shape (n, d), `encoder` is "name@revision"."""

    ROWS: ClassVar[tuple[str, ...]] = ("vectors",)

    post_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    encoder: str


@dataclass(frozen=True)
class Targets:
    """What is known of each label: `y` int8 (n, k), `mask` bool (n, k), False = not annotated."""

    ROWS: ClassVar[tuple[str, ...]] = ("y", "mask")

    post_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    y: NDArray[np.int8]
    mask: NDArray[np.bool_]


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
    """

    ROWS: ClassVar[tuple[str, ...]] = ("probability", "decision", "reasons")

    post_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    thresholds: NDArray[np.float64]
    reasons: tuple[str, ...]
    model: str


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
        if math.isnan(self.value):
            return "-"
        interval = "" if math.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{interval}"


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


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of a classifier; `how` says on what posts and by which split it was measured."""

    how: str
    n_posts: int
    n_groups: int
    micro_f1: Estimate
    macro_f1: Estimate
    calibration_error: Estimate
    labels: tuple[LabelQuality, ...]
    undefined: tuple[str, ...] = field(default=())

    @property
    def measured(self) -> tuple[LabelQuality, ...]:
        """The labels whose F1 is defined."""
        return tuple(label for label in self.labels if not math.isnan(label.f1.value))

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The measured labels, by id, that are not told from chance beyond doubt."""
        return tuple(label.label_id for label in self.measured if not label.beats_chance)


Rows = TypeVar("Rows", Embeddings, Targets, Themes, Scores)


def align(post_ids: Sequence[str], rows: Rows) -> Rows:
    """Return `rows` with one row per wanted post, in the wanted order.

    Parameters
    ----------
    post_ids : sequence of str of length n
        The wanted posts; may be a subset of the rows, and must not repeat.
    rows : Embeddings, Targets, Themes or Scores
        A record with `post_ids` and arrays whose first axis runs over them.

    Returns
    -------
    The same type, with ``post_ids == tuple(post_ids)``.

    Raises
    ------
    TableError
        If a post_id repeats on either side, or a wanted one has no row.
    """
    wanted = tuple(post_ids)
    kind = type(rows).__name__
    position = {post_id: i for i, post_id in enumerate(rows.post_ids)}
    if len(position) != len(rows.post_ids):
        raise TableError(f"{kind} hold a post_id twice", got=_first_repeat(rows.post_ids))
    if len(set(wanted)) != len(wanted):
        raise TableError("a post_id is asked for twice", got=_first_repeat(wanted))
    missing = [post_id for post_id in wanted if post_id not in position]
    if missing:
        raise TableError(
            f"{kind} have no row for {len(missing)} of {len(wanted)} posts",
            got=missing[0],
            remedy="They were computed from other posts: run that stage again.",
        )
    index = np.fromiter((position[p] for p in wanted), dtype=np.intp, count=len(wanted))
    changes: dict[str, object] = {"post_ids": wanted}
    for name in rows.ROWS:
        column = getattr(rows, name)
        changes[name] = (
            tuple(column[i] for i in index) if isinstance(column, tuple) else column[index]
        )
    return replace(rows, **changes)  # type: ignore[arg-type]


def _first_repeat(post_ids: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for post_id in post_ids:
        if post_id in seen:
            return post_id
        seen.add(post_id)
    return None
