"""The commands that follow labels and themes: trends, coverage, spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from narraframe.cli import options
from narraframe.cli.analysis_text import show_coverage, show_spread, show_trends
from narraframe.cli.terminal import TerminalWatch

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions

_PATH = click.Path(path_type=Path)


def _scores(*, required: bool = False) -> Callable[[Any], Any]:
    return click.option(
        "--scores", required=required, type=_PATH, metavar="PARQUET", help="From: score."
    )


def _themes(*, required: bool = False) -> Callable[[Any], Any]:
    return click.option(
        "--themes", required=required, type=_PATH, metavar="DIR", help="From: themes."
    )


@click.command(short_help="Follow labels and themes over time, and find bursts.")
@options.inputs
@_scores()
@_themes()
@click.option(
    "--by",
    type=click.Choice(["day", "week", "month", "channel"]),
    default="month",
    show_default=True,
    help="The slices.",
)
@click.option("--only", metavar="CHANNEL", help="Only the posts of this channel.")
@options.output(required=False, what="Also write every figure, *.csv or *.json.")
@options.reading
@options.force
def trends(
    inputs: tuple[str, ...],
    scores: Path | None,
    themes: Path | None,
    by: str,
    only: str | None,
    output: Path | None,
    read: ReadOptions,
    force: bool,
) -> None:
    """Follow labels and themes over time or by channel: counts, shares, bursts.

    Shares are of distinct posts, near-duplicates of a period counted once; their intervals cover
    the chance of sampling, not the errors of the classifier. Bursts are those of Kleinberg (2002),
    two states, a raised share being twice the usual one.

    \b
    Example:
      narraframe trends data/posts.parquet --scores scores.parquet --by week
      narraframe trends data/posts.parquet --themes data/themes -o trends.csv
    """
    from narraframe.workflows.trends import trends as run

    found = run(
        inputs,
        scores_path=scores,
        themes_folder=themes,
        by=by,
        channel=only,
        output=output,
        options=read,
        force=force,
        watch=TerminalWatch(),
    )
    show_trends(found)


@click.command(short_help="Themes against the codebook: what has no label yet.")
@options.inputs
@_scores(required=True)
@_themes(required=True)
@click.option("--facet", "facet_id", metavar="ID", help="Facet to look at; default: the first.")
@options.output(required=False, what="Also write the table, *.csv, or all of it, *.json.")
@options.reading
@options.workspace_option
@options.force
def coverage(
    inputs: tuple[str, ...],
    scores: Path,
    themes: Path,
    facet_id: str | None,
    output: Path | None,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Show which labels spread over several themes, and which themes no label covers.

    A theme is covered where one label applies to a quarter of its distinct posts. To make an entry
    for the codebook of one that is not: narraframe codebook draft.

    \b
    Example:
      narraframe coverage data/posts.parquet --scores scores.parquet --themes data/themes
    """
    from narraframe.workflows.coverage import coverage as run

    found = run(
        inputs,
        scores_path=scores,
        themes_folder=themes,
        facet_id=facet_id,
        output=output,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    show_coverage(found.cross, found.uncovered, n_undated=found.n_undated)


@click.command(short_help="Tell who repeats whom, and how much is copies.")
@options.inputs
@_scores()
@_themes()
@options.output(
    required=False, what="Also write the pairs of channels, *.csv, or all of it, *.json."
)
@options.reading
@options.force
def spread(
    inputs: tuple[str, ...],
    scores: Path | None,
    themes: Path | None,
    output: Path | None,
    read: ReadOptions,
    force: bool,
) -> None:
    """Tell who repeats whom: near-duplicates across channels in the order of time.

    Who was first is known among the channels read only. With --scores or --themes, also how much of
    each label or theme is copies.

    \b
    Example:
      narraframe spread data/posts.parquet -o pairs.csv
    """
    from narraframe.workflows.spread import spread as run

    found = run(
        inputs,
        scores_path=scores,
        themes_folder=themes,
        output=output,
        options=read,
        force=force,
        watch=TerminalWatch(),
    )
    show_spread(found)
