"""One card a label: what it means, how much of it there is, where, and posts that carry it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Codebook, Label, LabelShare, Prevalence
from narraframe.report.bars import Bar, bars
from narraframe.report.facets import FacetView, LabelRow
from narraframe.report.inputs import ReportInput
from narraframe.report.label_channels import ChannelRow, Plans, channel_rows, needed, plans_of
from narraframe.report.label_times import line_of, rises_of
from narraframe.report.passages import Passage, passages
from narraframe.report.shown import day, share
from narraframe.report.tables import Corpus, decided, rows_of

POSTS_SHOWN = 3
# Posts with the highest probability among which those that have evidence are sought.
_LOOKED_AT = 60


@dataclass(frozen=True)
class Example:
    """A post that was given the label; `marked` tells whether any of its passages is evidence."""

    row: int
    channel: str
    date: str
    percent: str
    passages: tuple[Passage, ...]
    marked: bool


@dataclass(frozen=True)
class LabelCard:
    """One label as the reader sees it; `share` by design where it is known, None elsewhere.

    `more` posts are to be labelled until the share is known to within ten points, None = not known.
    `rises` are sentences. `rows` hold the channels where labels were counted by channel; elsewhere
    `channels` has what is known of them.
    """

    label_id: str
    name: str
    label: Label | None
    posts: int
    distinct: int
    n_decided: int
    naive: str
    share: LabelShare | None
    more: int | None
    rises: tuple[str, ...]
    rows: tuple[ChannelRow, ...]
    channels: tuple[Bar, ...]
    examples: tuple[Example, ...]


def label_cards(
    report: ReportInput, known: Corpus, views: Sequence[FacetView]
) -> dict[str, tuple[LabelCard, ...]]:
    """Return the cards of every facet's labels that some post carries, by the facet's group."""
    if report.scores is None:
        return {}
    carries, scored = decided(known, report.scores)
    rows = rows_of(known.posts, report.scores.post_ids)
    n_scored = int(scored.sum())
    place = {label_id: j for j, label_id in enumerate(report.scores.label_ids)}
    plans = plans_of(report.plans)
    return {
        view.group: tuple(
            _card(report, known, view, row, carries[:, place[row.label_id]], rows, n_scored, plans)
            for row in view.counted
            if row.posts
        )
        for view in views
    }


def share_of(prevalence: Prevalence | None, label_id: str) -> LabelShare | None:
    """Return the share of a label among all posts, None where nobody measured it."""
    found = prevalence.of(label_id) if prevalence else None
    return found if found is not None and found.is_known else None


def _card(
    report: ReportInput,
    known: Corpus,
    view: FacetView,
    row: LabelRow,
    carried: NDArray[np.bool_],
    rows: NDArray[np.intp],
    n_scored: int,
    plans: Plans,
) -> LabelCard:
    n_decided = n_scored - row.left_open
    cells = zip(view.channels, row.channels, strict=True)
    counts = [(column.name, cell.posts, cell.distinct) for column, cell in cells if cell.posts]
    return LabelCard(
        label_id=row.label_id,
        name=row.name,
        label=_label(report.codebook, row.label_id),
        posts=row.posts,
        distinct=row.distinct,
        n_decided=n_decided,
        naive=share(row.posts / n_decided) if n_decided else "",
        share=share_of(report.prevalence, row.label_id),
        more=needed(plans, row.label_id),
        rises=rises_of(line_of(report.trends, "label", row.label_id)),
        rows=channel_rows(report.by_channel, row.label_id, report.prevalence, plans),
        channels=bars(sorted(counts, key=lambda one: -one[1])),
        examples=_examples(report, known, row.label_id, np.flatnonzero(carried), rows),
    )


def _label(codebook: Codebook | None, label_id: str) -> Label | None:
    return codebook.by_id.get(label_id) if codebook else None


def _examples(
    report: ReportInput,
    known: Corpus,
    label_id: str,
    carriers: NDArray[np.intp],
    rows: NDArray[np.intp],
) -> tuple[Example, ...]:
    """Choose distinct posts of high probability, those with evidence first."""
    assert report.scores is not None
    probability = report.scores.probability[rows[carriers], report.scores.label_ids.index(label_id)]
    best = carriers[np.argsort(-np.nan_to_num(probability), kind="stable")]
    spans = {int(i): report.evidence.get((known.posts[i].post_id, label_id), ()) for i in best}
    looked_at = best[:_LOOKED_AT].tolist()
    ordered = sorted(looked_at, key=lambda i: not spans[i])
    chosen: dict[int, int] = {}
    for i in ordered:
        chosen.setdefault(int(known.group[i]), i)
    percents = dict(zip(carriers.tolist(), probability.tolist(), strict=True))
    return tuple(
        _example(known, i, percents[i], spans[i])
        for group, i in list(chosen.items())[:POSTS_SHOWN]
        if group >= 0
    )


def _example(
    known: Corpus, row: int, probability: float, spans: Sequence[tuple[int, int]]
) -> Example:
    post = known.posts[row]
    pieces = passages(post.text, spans)
    return Example(
        row=row,
        channel=post.channel or "channel not known",
        date=day(post.created_at) if post.created_at else "",
        percent=f"{probability:.0%}".replace("%", " %") if np.isfinite(probability) else "",
        passages=pieces,
        marked=any(piece.marked for piece in pieces),
    )
