"""One card a theme: keywords, size, how far to trust it, channels, posts that stand for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from narraframe.records import Post, Themes, ThemeSummary, Trends
from narraframe.report.bars import Bar, bars, per_cent
from narraframe.report.inputs import ReportInput
from narraframe.report.label_times import line_of, rises_of
from narraframe.report.shown import DASH, day, excerpt, figure, share
from narraframe.report.steadiness import verdict, warning
from narraframe.report.tables import (
    Corpus,
    CountTable,
    channel_columns,
    count_distinct,
    cross,
    month_columns,
    theme_members,
)
from narraframe.report.theme_names import own_name, tag, title

CHANNELS_SHOWN = 6
EXCERPT = 600


@dataclass(frozen=True)
class Representative:
    """A post that stands for a theme; `row` is its place among the posts of the report."""

    row: int
    post: Post
    date: str
    text: str


@dataclass(frozen=True)
class ThemeCard:
    """One theme as the reader sees it; keywords are (term, weight, length in per cent).

    `verdict` is what its stability comes to, in two words or ""; `meaning` says what that means;
    `warning` is a sentence or "".
    """

    row: int
    tag: str
    name: str
    title: str
    n_posts: int
    n_groups: int
    share: str
    confidence: str
    stability: str
    verdict: str
    meaning: str
    warning: str
    keywords: tuple[tuple[str, float, float], ...]
    channels: tuple[Bar, ...]
    n_more_channels: int
    representatives: tuple[Representative, ...]
    rises: tuple[str, ...]


def themes_of(report: ReportInput, known: Corpus) -> tuple[ThemeSummary, ...]:
    """Return the summaries, largest theme first, with a bare one for each theme that lacks one.

    Their sizes are counted among the posts of the report, as everything else on the page is.
    """
    if report.themes is None:
        return ()
    lacking = set(report.themes.theme.tolist()) - {s.theme for s in report.summaries}
    bare = [
        ThemeSummary(theme, f"theme {theme}", (), 0, 0, ())
        for theme in sorted(lacking)
        if theme >= 0
    ]
    listed = [*report.summaries, *bare]
    member, _ = theme_members(known, report.themes, [summary.theme for summary in listed])
    counted = [
        replace(summary, n_posts=int(inside.sum()), n_groups=count_distinct(known.group[inside]))
        for summary, inside in zip(listed, member.T, strict=True)
    ]
    return tuple(sorted(counted, key=lambda s: (-s.n_posts, s.theme)))


def count_by_month(known: Corpus, themes: Themes, summaries: Sequence[ThemeSummary]) -> CountTable:
    """Count the posts of every theme per month."""
    member, asked = theme_members(known, themes, [summary.theme for summary in summaries])
    return cross(member, month_columns(known), asked=asked, group=known.group)


def theme_cards(
    known: Corpus,
    themes: Themes,
    summaries: Sequence[ThemeSummary],
    trends: Trends | None = None,
) -> tuple[ThemeCard, ...]:
    """Return a card for every theme, in the order of `summaries`."""
    member, asked = theme_members(known, themes, [summary.theme for summary in summaries])
    columns = channel_columns(known, limit=len(known.channels))
    table = cross(member, columns, asked=asked, group=known.group)
    place = {post.post_id: row for row, post in enumerate(known.posts)}
    return tuple(
        ThemeCard(
            row=row,
            tag=tag(theme.theme),
            name=own_name(theme),
            title=title(theme),
            n_posts=theme.n_posts,
            n_groups=theme.n_groups,
            share=share(theme.n_posts / max(len(known.posts), 1)),
            confidence=_figure(theme.confidence),
            stability=_figure(theme.stability),
            verdict=verdict(theme.stability)[0],
            meaning=verdict(theme.stability)[1],
            warning=warning(theme.stability),
            keywords=_keywords(theme),
            channels=_channels(columns.names, table, row)[:CHANNELS_SHOWN],
            n_more_channels=max(np.count_nonzero(table.posts[row]) - CHANNELS_SHOWN, 0),
            representatives=tuple(
                _representative(known, place[post_id])
                for post_id in theme.representative_post_ids
                if post_id in place
            ),
            rises=rises_of(line_of(trends, "theme", tag(theme.theme))),
        )
        for row, theme in enumerate(summaries)
    )


def _figure(value: float) -> str:
    return DASH if math.isnan(value) else figure(value)


def _keywords(theme: ThemeSummary) -> tuple[tuple[str, float, float], ...]:
    top = max((weight for _, weight in theme.keywords), default=0.0)
    return tuple((term, weight, per_cent(weight, top)) for term, weight in theme.keywords)


def _channels(names: tuple[str, ...], table: CountTable, row: int) -> tuple[Bar, ...]:
    counts = zip(names, table.posts[row], table.distinct[row], strict=True)
    return bars(sorted((one for one in counts if one[1]), key=lambda one: -one[1]))


def _representative(known: Corpus, row: int) -> Representative:
    post = known.posts[row]
    date = day(post.created_at) if post.created_at else ""
    return Representative(row, post, date, excerpt(post.text, EXCERPT))
