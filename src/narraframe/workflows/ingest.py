"""Ingest: inputs of any format to the table POSTS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from narraframe.io.files import check_output, write_text
from narraframe.io.tables import write_posts
from narraframe.workflows.reading import Reading, ReadOptions, read_ready
from narraframe.workflows.watch import Watch


def ingest(
    paths: Sequence[str], *, output: Path, options: ReadOptions, force: bool, watch: Watch
) -> Reading:
    """Read `paths`, write the table POSTS to `output` and the account beside it.

    Raises
    ------
    InputError
        If an input cannot be read or holds no post.
    UsageError
        If `output` does not end in .parquet.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".parquet",), inputs=paths, force=force)
    reading = read_ready(paths, options=options, watch=watch)
    write_posts(output, reading.posts, force=force)
    account = json.dumps(dict(reading.rows()), indent=1, ensure_ascii=False)
    write_text(account_path(output), account + "\n", force=True)
    return reading


def account_path(posts: Path) -> Path:
    """Return where the account of a table POSTS lies."""
    return posts.with_name(f"{posts.stem}.account.json")
