"""What a reader grasps in ten seconds, and what to know before believing the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.report.bars import Bar, bars
from narraframe.report.facets import NO_PROBABILITY, FacetView
from narraframe.report.inputs import ReportInput
from narraframe.report.languages import language
from narraframe.report.shown import NOT_KNOWN, day, plural, some_of
from narraframe.report.steadiness import DISSOLVED
from narraframe.report.tables import Columns, Corpus, cross, left_open, unscored

NOT_SENT = "not among the scores: score these posts too"


@dataclass(frozen=True)
class Overview:
    """What a reader grasps in ten seconds."""

    n_posts: int
    n_distinct: int
    n_channels: int
    first: str
    last: str
    n_undated: int
    languages: tuple[Bar, ...]


def overview(known: Corpus) -> Overview:
    """Sum the posts up."""
    moments = sorted(post.created_at for post in known.posts if post.created_at)
    every = np.ones(len(known.posts), dtype=bool)
    spoken = Counter(language(post.lang) for post in known.posts)
    names = tuple(name for name, _ in spoken.most_common())
    place = {name: i for i, name in enumerate(names)}
    of = np.array([place[language(p.lang)] for p in known.posts], dtype=np.intp)
    table = cross(every[:, None], Columns(names, of), asked=every, group=known.group)
    return Overview(
        n_posts=len(known.posts),
        n_distinct=known.n_distinct,
        n_channels=sum(1 for name in known.channels if name),
        first=day(moments[0]) if moments else NOT_KNOWN,
        last=day(moments[-1]) if moments else NOT_KNOWN,
        n_undated=int((known.month < 0).sum()),
        languages=bars(zip(names, table.n_posts, table.n_distinct, strict=True)),
    )


def warnings(report: ReportInput, known: Corpus, views: Sequence[FacetView]) -> tuple[str, ...]:
    """Return what a reader must know before believing the page, in sentences."""
    n, found = len(known.posts), list(report.theme_warnings)
    shaky = sum(theme.stability < DISSOLVED for theme in report.summaries)
    if report.themes is not None and shaky:
        one_of = some_of(shaky, len(report.summaries), "theme")
        found.append(f"{one_of} not stable: nothing should be built on such themes.")
    undated = int((known.month < 0).sum())
    if n and undated == n:
        found.append("No post has a date: nothing can be shown over time.")
    elif undated:
        found.append(
            f"{some_of(undated, n, 'post')} without a date and missing from every time line."
        )
    for name, rows in (("themes", report.themes), ("scores", report.scores)):
        inside = {post.post_id for post in known.posts}
        extra = sum(post_id not in inside for post_id in rows.post_ids) if rows else 0
        if extra:
            found.append(f"The {name} hold {plural(extra, 'post')} that this report leaves out.")
    if report.scores is not None:
        without = sum(posts for _, posts, _ in unscored(known, report.scores, missing=NOT_SENT))
        if without:
            found.append(f"{some_of(without, n, 'post')} without a score: see Narratives for why.")
        if n_open := int(left_open(known, report.scores).any(axis=1).sum()):
            found.append(
                f"On {plural(n_open, 'post')} the classifier left a label open, as too close to "
                "call: see Narratives."
            )
    never = sum(row.state == NO_PROBABILITY for view in views for row in view.rows)
    if never:
        labels = f"{plural(never, 'label')} {'is' if never == 1 else 'are'}"
        found.append(f"{labels} never decided: the model gives no probability there.")
    if report.quality is not None and report.quality.undefined:
        found.append(
            f"Quality is undefined for {plural(len(report.quality.undefined), 'label')}: "
            "too few examples to measure it."
        )
    if report.scores is not None and report.quality is None:
        found.append("Nothing here says how often the classifier is right.")
    return tuple(found)
