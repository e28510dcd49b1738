"""The report as tables of bare values, for those who want files: named, with a header each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from narraframe.records import Estimate
from narraframe.report import tables, theme_cards
from narraframe.report.facets import FacetView, facet_views, label_name
from narraframe.report.inputs import ReportInput, check
from narraframe.report.mistakes import mistakes
from narraframe.report.overview import overview, warnings
from narraframe.report.theme_names import own_name, tag

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table of the report: `name` for a file, `title` for a reader, one row a tuple."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def report_tables(report: ReportInput) -> tuple[Table, ...]:
    """Return everything that the page counts or measures, without what was not given.

    Figures are bare numbers, shares lie between 0 and 1, what is not known is None.

    Raises
    ------
    TableError
        As `render`.
    """
    check(report)
    known = tables.corpus(report.posts)
    views = facet_views(known, report.scores, report.codebook) if report.scores else ()
    found = [
        *_overview(report, known, views),
        *_themes(report, known),
        *_labels(views),
        *_shares(report),
        *_by_channel(report),
        *_changes(report),
        *_quality(report),
    ]
    return tuple(table for table in found if table.rows)


def _overview(
    report: ReportInput, known: tables.Corpus, views: Sequence[FacetView]
) -> Iterator[Table]:
    seen = overview(known)
    facts: tuple[tuple[Cell, ...], ...] = (
        ("posts", seen.n_posts),
        ("distinct posts", seen.n_distinct),
        ("channels", seen.n_channels),
        ("first", seen.first),
        ("last", seen.last),
        ("posts without a date", seen.n_undated),
    )
    yield Table("overview", "Overview", ("what", "value"), facts)
    said = tuple((text,) for text in warnings(report, known, views))
    yield Table("warnings", "Before you rely on this", ("warning",), said)
    languages = tuple((bar.name, bar.posts, bar.distinct) for bar in seen.languages)
    yield Table("languages", "Languages", ("language", "posts", "distinct"), languages)
    read = tuple(report.reading.items())
    yield Table("reading", "What was read, kept and dropped", ("what", "records"), read)


def _themes(report: ReportInput, known: tables.Corpus) -> Iterator[Table]:
    if report.themes is None:
        return
    summaries = theme_cards.themes_of(report, known)
    yield Table(
        "themes",
        "Themes",
        ("theme", "name", "posts", "distinct", "confidence", "stability", "keywords"),
        tuple(
            (
                tag(one.theme),
                own_name(one),
                one.n_posts,
                one.n_groups,
                _known(one.confidence),
                _known(one.stability),
                "; ".join(term for term, _ in one.keywords),
            )
            for one in summaries
        ),
    )
    counted = theme_cards.count_by_month(known, report.themes, summaries)
    rows = (
        (tag(one.theme), month, int(counted.posts[row, at]), int(counted.distinct[row, at]))
        for row, one in enumerate(summaries)
        for at, month in enumerate(known.months)
    )
    header = ("theme", "month", "posts", "distinct")
    yield Table("theme_months", "Themes by month", header, tuple(rows))


def _labels(views: Sequence[FacetView]) -> Iterator[Table]:
    rows = [(view, row) for view in views for row in view.counted]
    yield Table(
        "labels",
        "Labels: counts of decisions, not shares of reality",
        ("label_id", "label", "facet", "posts", "distinct", "left_open"),
        tuple(
            (row.label_id, row.name, view.name, row.posts, row.distinct, row.left_open)
            for view, row in rows
        ),
    )
    for what in ("months", "channels"):
        cells = (
            (row.label_id, column.name, cell.posts, cell.distinct, cell.of_posts)
            for view, row in rows
            for column, cell in zip(getattr(view, what), getattr(row, what), strict=True)
        )
        header = ("label_id", what[:-1], "posts", "distinct", "of_posts")
        yield Table(f"label_{what}", f"Labels by {what[:-1]}", header, tuple(cells))


def _shares(report: ReportInput) -> Iterator[Table]:
    shares = report.prevalence.shares if report.prevalence else ()
    yield Table(
        "shares",
        "Shares of posts, with intervals",
        ("label_id", "by", "value", "n_posts", "n_audit", "n_positive", "share", "low", "high",
         "naive", "method", "note"),
        tuple(
            (s.label_id, s.by, s.value, s.n_posts, s.n_audit, s.n_positive, *_ends(s.design),
             _known(s.naive.value), s.method, s.note)
            for s in shares
        ),
    )  # fmt: skip


def _by_channel(report: ReportInput) -> Iterator[Table]:
    found = report.by_channel
    header = ("posts", "distinct", "of_distinct", "share_of_decisions", "low", "high")
    yield Table(
        "label_channel_shares",
        "Labels by channel: decisions on distinct posts, intervals of chance alone",
        ("label_id", "channel", *header),
        tuple(
            (line.key, channel, int(line.n[i]), int(line.n_distinct[i]), int(line.of_distinct[i]),
             *_ends(line.shares[i]))
            for line in (found.shares.lines if found else ())
            for i, channel in enumerate(found.shares.periods if found else ())
        ),
    )  # fmt: skip
    yield Table(
        "label_channel_periods",
        "Labels in each channel over time: decisions on distinct posts, intervals of chance alone",
        ("label_id", "channel", "period", *header[1:]),
        tuple(
            (line.key, trends.channel, period, int(line.n_distinct[i]), int(line.of_distinct[i]),
             *_ends(line.shares[i]))
            for trends in (found.over_time if found else ())
            for line in trends.lines
            for i, period in enumerate(trends.periods)
        ),
    )  # fmt: skip
    plans = report.plans
    yield Table(
        "plans",
        "How many more posts to label until an interval is ten points wide",
        ("label_id", "by", "value", "n_posts", "n_audit", "n_more"),
        tuple((p.label_id, p.by, p.value, p.n_posts, p.n_audit, p.n_more) for p in plans),
    )


def _changes(report: ReportInput) -> Iterator[Table]:
    lines = report.trends.lines if report.trends else ()
    yield Table(
        "rises",
        "What rose, and when",
        ("kind", "key", "name", "first", "last", "distinct", "of_distinct", "ratio", "weight"),
        tuple(
            (line.kind, line.key, line.name, burst.first, burst.last, burst.n, burst.of,
             _known(burst.ratio), _known(burst.weight))
            for line in lines
            for burst in line.bursts
        ),
    )  # fmt: skip
    yield Table(
        "uncovered",
        "Themes that the codebook has no label for",
        ("theme", "name", "posts", "distinct", "labelled", "low", "high", "likeness",
         "nearest_label", "like_a_label", "growth", "p_growth"),
        tuple(
            (tag(one.theme), one.name, one.n_posts, one.n_distinct, *_ends(one.labelled),
             _known(one.likeness), one.nearest_label, "yes" if one.like_a_label else "no",
             _known(one.growth), _known(one.p_growth))
            for one in report.uncovered or ()
        ),
    )  # fmt: skip
    found = report.against
    cells = (
        (tag(theme), label_id, int(found.n[i, j]), int(found.decided[i, j]),
         _known(found.share_of_theme[i, j]), _known(found.share_of_label[i, j]))
        for i, theme in enumerate(found.themes)
        for j, label_id in enumerate(found.label_ids)
    ) if found else ()  # fmt: skip
    header = ("theme", "label_id", "posts", "decided", "share_of_theme", "share_of_label")
    yield Table("themes_and_labels", "Themes against labels", header, tuple(cells))
    yield Table(
        "repeats",
        "Who repeats whom",
        ("first", "later", "messages", "forwarded", "back", "median_hours"),
        tuple(
            (one.first, one.later, one.n_groups, one.n_forwarded, one.back,
             _known(one.delays.median))
            for one in (report.spread.pairs if report.spread else ())
        ),
    )  # fmt: skip
    yield Table(
        "drift",
        "New posts beside the training posts",
        ("test", "effect", "p_adjusted", "drift"),
        tuple(
            (one.what, _known(one.effect), _known(one.adjusted), "yes" if one.drifted else "no")
            for one in (report.drift.tests if report.drift else ())
        ),
    )
    missing = tuple(report.left_out.items())
    yield Table("left_out", "What was not made, and why", ("part", "why"), missing)


def _quality(report: ReportInput) -> Iterator[Table]:
    names = ("precision", "recall", "f1", "average_precision")
    header = [part for name in names for part in (name, f"{name}_low", f"{name}_high")]
    labels = report.quality.labels if report.quality else ()
    yield Table(
        "quality",
        "Quality of each label, with intervals",
        ("label_id", "annotated", "positive", "threshold", *header),
        tuple(
            (
                one.label_id,
                one.n_known,
                one.n_positive,
                _known(one.threshold),
                *(end for name in names for end in _ends(getattr(one, name))),
            )
            for one in labels
        ),
    )
    yield Table(
        "calibration",
        "Calibration",
        ("label", "probability", "share", "low", "high"),
        tuple(
            (label_name(report.codebook, curve.name), one.probability, *_ends(one.share))
            for curve in report.reliability
            for one in curve.bins
        ),
    )
    found = mistakes(report.held_out, report.posts, report.codebook) if report.held_out else ()
    yield Table(
        "mistakes",
        "The most confident mistakes on held-out posts",
        ("post_id", "label", "what", "probability", "text"),
        tuple(
            (one.post_id, one.label, "given wrongly" if one.given else "overlooked",
             one.percent / 100, one.text)
            for one in found
        ),
    )  # fmt: skip


def _ends(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return _known(estimate.value), _known(estimate.low), _known(estimate.high)


def _known(value: float) -> float | None:
    return None if not math.isfinite(value) else round(float(value), 6)
