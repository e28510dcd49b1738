"""The commands on posts: ingest, embed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions


@click.command(short_help="Read posts of any format into one table.")
@options.inputs
@options.output(what="The table of posts to write, *.parquet.")
@options.reading
@options.force
def ingest(inputs: tuple[str, ...], output: Path, read: ReadOptions, force: bool) -> None:
    """Read posts of any format into one table of clean posts.

    Formats: Telegram Desktop result.json (one chat or a full export), plain-text copies of channel
    pages, CSV, JSON lines (also .gz), Parquet. Several inputs may be of different formats; "-" is
    standard input. Copies and near-copies are marked, not dropped. Bad records are counted and
    shown; the rest goes on.

    \b
    Example:
      narraframe ingest result.json more/*.txt -o data/posts.parquet
      zcat posts.jsonl.gz | narraframe ingest - --text body -o posts.parquet
    """
    from narraframe.workflows.ingest import ingest as run

    reading = run(inputs, output=output, options=read, force=force, watch=TerminalWatch())
    say(f"{output}:")
    show_rows(reading.rows().items())


@click.command(short_help="Embed the posts into the cache.")
@options.inputs
@options.output(required=False, what="Also write a table post_id, vector (*.parquet).")
@options.reading
@options.workspace_option
@options.force
def embed(
    inputs: tuple[str, ...],
    output: Path | None,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Embed the posts, so that later commands find the vectors in the cache.

    Long posts are split into chunks of sentences and pooled: nothing is cut. Equal texts are
    embedded once. A run that was stopped goes on where it was.

    \b
    Example:
      narraframe embed data/posts.parquet
    """
    from narraframe.workflows.embedding import embed as run

    found = options.find(workspace)
    watch = TerminalWatch()
    embeddings = run(inputs, output=output, options=read, workspace=found, force=force, watch=watch)
    n, d = embeddings.vectors.shape
    say(f"{n:,} posts embedded in {d} dimensions by {embeddings.encoder}; cache: {found.cache}")
