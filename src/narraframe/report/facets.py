"""What the classifier decided, arranged by facet: one row a label, by month and by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.records import Codebook, Facet, Scores
from narraframe.report.shown import month
from narraframe.report.tables import (
    CHANNELS_SHOWN,
    Columns,
    Corpus,
    CountTable,
    channel_columns,
    cross,
    decided,
    left_open,
    month_columns,
)

HEAT_STEPS = 6
FIRST_DRAWN = 5
NO_PROBABILITY = "never decided: the model gives no probability for it"
NO_SCORE = "not scored by this model"


@dataclass(frozen=True)
class Cell:
    """A count of posts and of distinct posts, with its tint (0 to HEAT_STEPS).

    `of_posts` and `of_distinct`: those on which the label was decided, one way or the other.
    """

    posts: int
    distinct: int
    of_posts: int
    of_distinct: int
    posts_heat: int
    distinct_heat: int


@dataclass(frozen=True)
class Column:
    """A month or channel with how many posts in it were scored; a gap has none."""

    name: str
    n_posts: int
    n_distinct: int


@dataclass(frozen=True)
class LabelRow:
    """One label; `state` says why it has no counts, "" where it has.

    On `left_open` scored posts it was not decided, as it was too close to call.
    """

    label_id: str
    name: str
    definition: str
    depth: int
    state: str
    is_leaf: bool
    posts: int
    distinct: int
    left_open: int
    months: tuple[Cell, ...]
    channels: tuple[Cell, ...]


@dataclass(frozen=True)
class FacetView:
    """A facet with its labels, counted by month and by channel; `group` names it on the page."""

    group: str
    name: str
    question: str
    months: tuple[Column, ...]
    channels: tuple[Column, ...]
    rows: tuple[LabelRow, ...]

    @property
    def counted(self) -> tuple[LabelRow, ...]:
        """The rows that have counts."""
        return tuple(row for row in self.rows if not row.state)

    @property
    def n_carried(self) -> int:
        """How many labels some post carries."""
        return sum(row.posts > 0 for row in self.counted)

    @property
    def n_open(self) -> int:
        """How many decisions were left open, over all labels."""
        return sum(row.left_open for row in self.rows)

    def most_frequent(self, n: int) -> tuple[LabelRow, ...]:
        """Return at most `n` labels without children that some post carries, most posts first."""
        leaves = [row for row in self.counted if row.is_leaf and row.posts]
        return tuple(sorted(leaves, key=lambda row: -row.posts)[:n])

    @property
    def chosen(self) -> tuple[str, ...]:
        """The label ids that are drawn before the reader chooses."""
        first = self.most_frequent(FIRST_DRAWN) or self.counted[:FIRST_DRAWN]
        return tuple(row.label_id for row in first)


@dataclass(frozen=True)
class Counted:
    """Counts of the posts that carry each label, and of those on which it was decided at all."""

    yes: CountTable
    decided: CountTable


def facet_views(known: Corpus, scores: Scores, codebook: Codebook | None) -> tuple[FacetView, ...]:
    """Count the decisions of every facet, in codebook order.

    Without a codebook all labels form one facet; scored labels that the codebook lacks form a last
    one, so that nothing scored goes unseen.
    """
    carries, scored = decided(known, scores)
    by_month, by_channel = month_columns(known), channel_columns(known, limit=CHANNELS_SHOWN)
    is_decided = scored[:, None] & ~left_open(known, scores)
    counts = tuple(
        Counted(
            cross(carries, columns, asked=scored, group=known.group),
            cross(is_decided, columns, asked=scored, group=known.group),
        )
        for columns in (by_month, by_channel)
    )
    axes = (
        _columns(Columns(tuple(month(key) for key in by_month.names), by_month.of), counts[0].yes),
        _columns(by_channel, counts[1].yes),
    )
    n_scored = int(scored.sum())
    return tuple(
        FacetView(
            group=f"facet-{number}",
            name=facet.name,
            question=facet.question,
            months=axes[0],
            channels=axes[1],
            rows=_rows(label_ids, scores, codebook, counts, n_scored=n_scored),
        )
        for number, (facet, label_ids) in enumerate(_facets(scores, codebook))
        if label_ids
    )


def label_name(codebook: Codebook | None, label_id: str) -> str:
    """Return the label's name in the codebook, its id where it has none there."""
    label = codebook.by_id.get(label_id) if codebook else None
    return label.name if label else label_id


def _facets(scores: Scores, codebook: Codebook | None) -> list[tuple[Facet, tuple[str, ...]]]:
    if codebook is None:
        return [(Facet("labels", "Labels"), scores.label_ids)]
    known = [(facet, codebook.facet_label_ids(facet.facet_id)) for facet in codebook.facets]
    strange = tuple(label_id for label_id in scores.label_ids if label_id not in codebook.by_id)
    return [*known, (Facet("strange", "Labels that the codebook lacks"), strange)]


def _rows(
    label_ids: Sequence[str],
    scores: Scores,
    codebook: Codebook | None,
    counts: Sequence[Counted],
    *,
    n_scored: int,
) -> tuple[LabelRow, ...]:
    place = {label_id: j for j, label_id in enumerate(scores.label_ids)}
    shown = [j for label_id in label_ids if (j := place.get(label_id)) is not None]
    tops = [_tops(table.yes, shown) for table in counts]
    rows = []
    for label_id in label_ids:
        at = place.get(label_id)
        state = NO_SCORE if at is None else ""
        # Not by the threshold: a parent that follows its children has none, and is decided.
        if at is not None and np.isnan(scores.probability[:, at]).all():
            state = NO_PROBABILITY
        label = codebook.by_id.get(label_id) if codebook else None
        has_counts = at is not None and not state
        rows.append(
            LabelRow(
                label_id=label_id,
                name=label_name(codebook, label_id),
                definition=label.definition if label else "",
                depth=_depth(codebook, label_id),
                state=state,
                is_leaf=codebook is None or not codebook.children(label_id),
                posts=int(counts[0].yes.row_posts[at]) if has_counts else 0,
                distinct=int(counts[0].yes.row_distinct[at]) if has_counts else 0,
                left_open=n_scored - int(counts[0].decided.row_posts[at]) if has_counts else 0,
                months=_cells(counts[0], at, tops[0]) if has_counts else (),
                channels=_cells(counts[1], at, tops[1]) if has_counts else (),
            )
        )
    return tuple(rows)


def _cells(counts: Counted, row: int | None, tops: tuple[int, int]) -> tuple[Cell, ...]:
    tables = (counts.yes.posts, counts.yes.distinct, counts.decided.posts, counts.decided.distinct)
    return tuple(
        Cell(posts, distinct, of, of_distinct, _heat(posts, tops[0]), _heat(distinct, tops[1]))
        for posts, distinct, of, of_distinct in zip(
            *(table[row].ravel().tolist() for table in tables), strict=True
        )
    )


def _tops(table: CountTable, rows: Sequence[int]) -> tuple[int, int]:
    return tuple(  # type: ignore[return-value]
        int(values[list(rows)].max(initial=0)) for values in (table.posts, table.distinct)
    )


def _heat(count: int, top: int) -> int:
    return int(np.ceil(HEAT_STEPS * count / top)) if top else 0


def _columns(columns: Columns, table: CountTable) -> tuple[Column, ...]:
    return tuple(
        Column(name, int(n), int(distinct))
        for name, n, distinct in zip(columns.names, table.n_posts, table.n_distinct, strict=True)
    )


def _depth(codebook: Codebook | None, label_id: str) -> int:
    depth, label = 0, codebook.by_id.get(label_id) if codebook else None
    while codebook and label and label.parent is not None:
        depth, label = depth + 1, codebook.by_id.get(label.parent)
    return depth
