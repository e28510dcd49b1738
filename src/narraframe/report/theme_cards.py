"""One card a theme: keywords, size, channels, posts that stand for it; and the figures of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.records import Post, Themes, ThemeSummary
from narraframe.report.bars import Bar, bars, per_cent
from narraframe.report.inputs import ReportInput
from narraframe.report.shown import day, excerpt, figure, share
from narraframe.report.tables import (
    Corpus,
    CountTable,
    channel_columns,
    cross,
    month_columns,
    theme_members,
)

CHANNELS_SHOWN = 6
EXCERPT = 600

# key -> (name, written by, explanation)
_FIGURES = {
    "outlier_share": (
        "Posts in no theme",
        share,
        "Share of the posts that lie too far from every theme to belong to one; a tenth to a third "
        "is common.",
    ),
    "stability": (
        "Stability",
        figure,
        "How alike the themes are when they are computed again from another random start: "
        "1 = the same posts together each time, 0 = no more than by chance.",
    ),
    "relative_validity": (
        "Separation",
        figure,
        "How dense themes are compared with the space between them, from −1 to 1 (relative "
        "validity). Good for comparing settings; it has no absolute meaning.",
    ),
    "npmi": (
        "Coherence of keywords",
        figure,
        "Whether the keywords of a theme stand in the same posts more often than by chance, "
        "from −1 to 1 (normalised pointwise mutual information).",
    ),
    "diversity": (
        "Diversity of keywords",
        figure,
        "Share of distinct words among all keywords: 1 = no keyword serves two themes.",
    ),
}


@dataclass(frozen=True)
class Figure:
    """A measure, as written, with what it means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Representative:
    """A post that stands for a theme; `row` is its place among the posts of the report."""

    row: int
    post: Post
    date: str
    text: str


@dataclass(frozen=True)
class ThemeCard:
    """One theme as the reader sees it; keywords are (term, weight, length in per cent)."""

    row: int
    name: str
    n_posts: int
    n_groups: int
    share: str
    keywords: tuple[tuple[str, float, float], ...]
    channels: tuple[Bar, ...]
    n_more_channels: int
    representatives: tuple[Representative, ...]


def themes_of(report: ReportInput, known: Corpus) -> tuple[ThemeSummary, ...]:
    """Return the summaries, largest theme first, with a bare one for each theme that lacks one."""
    if report.themes is None:
        return ()
    lacking = set(report.themes.theme.tolist()) - {s.theme for s in report.summaries}
    ids = sorted(theme for theme in lacking if theme >= 0)
    member, _ = theme_members(known, report.themes, ids)
    bare = [
        ThemeSummary(
            theme=theme,
            name=f"Theme {theme}",
            keywords=(),
            n_posts=int(inside.sum()),
            n_groups=int(np.unique(known.group[inside]).size),
            representative_post_ids=(),
        )
        for theme, inside in zip(ids, member.T, strict=True)
    ]
    return tuple(sorted([*report.summaries, *bare], key=lambda s: (-s.n_posts, s.theme)))


def count_by_month(known: Corpus, themes: Themes, summaries: Sequence[ThemeSummary]) -> CountTable:
    """Count the posts of every theme per month."""
    member, asked = theme_members(known, themes, [summary.theme for summary in summaries])
    return cross(member, month_columns(known), asked=asked, group=known.group)


def theme_cards(
    known: Corpus, themes: Themes, summaries: Sequence[ThemeSummary]
) -> tuple[ThemeCard, ...]:
    """Return a card for every theme, in the order of `summaries`."""
    member, asked = theme_members(known, themes, [summary.theme for summary in summaries])
    columns = channel_columns(known, limit=len(known.channels))
    table = cross(member, columns, asked=asked, group=known.group)
    place = {post.post_id: row for row, post in enumerate(known.posts)}
    return tuple(
        ThemeCard(
            row=row,
            name=theme.name,
            n_posts=theme.n_posts,
            n_groups=theme.n_groups,
            share=share(theme.n_posts / max(len(known.posts), 1)),
            keywords=_keywords(theme),
            channels=_channels(columns.names, table, row)[:CHANNELS_SHOWN],
            n_more_channels=max(np.count_nonzero(table.posts[row]) - CHANNELS_SHOWN, 0),
            representatives=tuple(
                _representative(known, place[post_id])
                for post_id in theme.representative_post_ids
                if post_id in place
            ),
        )
        for row, theme in enumerate(summaries)
    )


def theme_figures(report: ReportInput) -> tuple[Figure, ...]:
    """Return the figures of the themes with their meaning; known ones first and always."""
    given = report.theme_figures
    known = [
        Figure(name, write(given.get(key, math.nan)), meaning)
        for key, (name, write, meaning) in _FIGURES.items()
    ]
    return (
        *known,
        *(
            Figure(k.replace("_", " "), figure(v), "")
            for k, v in given.items()
            if k not in _FIGURES
        ),
    )


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
