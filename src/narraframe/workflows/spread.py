"""Spread: who repeats whom, and how much of a label or theme is copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from narraframe.io.files import check_output, write_text
from narraframe.io.spread import ENDINGS, spread_text
from narraframe.posts.spread import copies_of
from narraframe.posts.spread import spread as trace
from narraframe.records import Spread
from narraframe.workflows.columns import lines_of, read_decisions, read_found
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch


def spread(
    paths: Sequence[str],
    *,
    scores_path: Path | None,
    themes_folder: Path | None,
    output: Path | None,
    options: ReadOptions,
    force: bool,
    watch: Watch,
) -> Spread:
    """Say who repeats whom, and how much of each label and theme, if given, is copies.

    Raises
    ------
    InputError, TableError
        If something cannot be read, or does not belong together.
    UsageError, OutputError
        If `output` ends in neither .csv nor .json, or cannot be written.
    """
    if output is not None:
        check_output(output, endings=ENDINGS, inputs=paths, force=force)
    posts = read_ready(paths, options=options, watch=watch).posts
    decisions = read_decisions(scores_path, posts) if scores_path else None
    found = read_found(themes_folder, posts) if themes_folder else None
    copied = (
        copies_of(line.kind, line.key, line.name, rows=np.flatnonzero(line.carries), posts=posts)
        for line in lines_of(decisions, found)
    )
    traced = trace(posts, copied=copied)
    if output is not None:
        write_text(output, spread_text(traced, ending=output.suffix), force=force)
    return traced
