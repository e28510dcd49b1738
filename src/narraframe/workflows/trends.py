"""Trends: labels and themes by day, week, month or channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from narraframe.errors import InputError, UsageError
from narraframe.io.files import check_output, write_text
from narraframe.io.trends import ENDINGS, trends_text
from narraframe.metrics.trends import Line, period_of
from narraframe.metrics.trends import trends as count
from narraframe.records import Trends
from narraframe.workflows.columns import group_column, lines_of, read_decisions, read_found
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch


def trends(
    paths: Sequence[str],
    *,
    scores_path: Path | None,
    themes_folder: Path | None,
    by: str,
    channel: str | None,
    output: Path | None,
    options: ReadOptions,
    force: bool,
    watch: Watch,
) -> Trends:
    """Count the labels of a table of scores, and the themes of a folder, over time or by channel.

    Raises
    ------
    UsageError
        If neither scores nor themes are given, or no post is of `channel`.
    InputError, TableError
        If something cannot be read, does not belong together, or no post has a date (or channel).
    OutputError
        If `output` cannot be written.
    """
    if scores_path is None and themes_folder is None:
        raise UsageError(
            "there is nothing to follow", remedy="Name --scores PARQUET, --themes DIR, or both."
        )
    if output is not None:
        check_output(output, endings=ENDINGS, inputs=paths, force=force)
    posts = read_ready(paths, options=options, watch=watch).posts
    decisions = read_decisions(scores_path, posts) if scores_path else None
    found = read_found(themes_folder, posts) if themes_folder else None
    kept = np.array([channel in (None, post.channel) for post in posts], dtype=np.bool_)
    if not kept.any():
        raise UsageError("no post is of this channel", got=channel)
    rows = np.flatnonzero(kept).tolist()
    place = [
        posts[i].channel if by == "channel" else period_of(posts[i].created_at, by) for i in rows
    ]
    if not any(place):
        what, option = ("channel", "channel NAME") if by == "channel" else ("date", "date COLUMN")
        raise InputError(
            f"no post has a {what}", where=", ".join(paths), remedy=f"Name it by --{option}."
        )
    lines = (
        Line(line.kind, line.key, line.name, line.carries[kept], line.asked[kept])
        for line in lines_of(decisions, found)
    )
    counted = count(lines, place, group_column(posts)[kept], by=by, channel=channel)
    if output is not None:
        write_text(output, trends_text(counted, ending=output.suffix), force=force)
    return counted
