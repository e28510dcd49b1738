"""The command score: new posts through a registered model, once or as they arrive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.models import model_option
from narraframe.cli.terminal import TerminalWatch, say, show_rows
from narraframe.errors import UsageError

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.score import ScoreSummary


@click.command(short_help="Score new posts with a model.")
@click.argument("inputs", nargs=-1, metavar="IN...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="*.parquet, *.csv, *.jsonl, *.jsonl.gz or *.duckdb; the address of a database, such as "
    "sqlite:///scores.db or postgresql+psycopg://USER@HOST/NAME; - for JSON lines on standard "
    "output; with --watch, a folder.",
)
@model_option
@click.option("--table", metavar="NAME", help="The table of a database; default: scores.")
@click.option(
    "--watch",
    "watched",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Instead of IN: score files as they arrive in DIR, each once, until stopped.",
)
@click.option(
    "--poll",
    type=click.FloatRange(min=0.05),
    metavar="SECONDS",
    help="With --watch: seconds between two looks at the folder; default: 10.",
)
@click.option("--no-track", is_flag=True, help="Do not write the run into MLflow.")
@options.reading
@options.workspace_option
@options.force
def score(
    inputs: tuple[str, ...],
    output: str,
    model: str,
    table: str | None,
    watched: Path | None,
    poll: float | None,
    no_track: bool,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Score posts: for each post and label a probability and a decision.

    The output is a long table: post_id, label_id, label_name, probability, threshold, decision,
    reason, model. A post without a score (no text, a language the model does not know, a record
    that cannot be read) has one row that says why. Inputs are read as a stream, so their size does
    not matter.

    A run that was stopped, by whatever, goes on where it was when the same command is given again.
    In a database, scoring again replaces what the model said of a post before.

    \b
    Example:
      narraframe score new.jsonl -o scores.parquet --model models:/narratives@champion
      narraframe score --watch inbox -o scores --model models:/narratives@champion
    """
    if bool(inputs) == bool(watched):
        raise UsageError("pass either IN... or --watch DIR", remedy="See: score --help")
    if watched is not None:
        if table is not None:
            raise UsageError(
                "--watch writes into a folder", where="--table", remedy="Leave --table out."
            )
        _watch(watched, Path(output), model, poll or 10.0, read, workspace, track=not no_track)
        return
    if poll is not None:
        raise UsageError("--poll goes with --watch", remedy="See: score --help")
    from narraframe.io.sinks import shown
    from narraframe.workflows.score import score as run

    summary = run(
        inputs,
        output=None if output == "-" else output,
        stdout=sys.stdout,
        model_uri=model,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=(watch := TerminalWatch()),
        table=table,
        track=not no_track,
    )
    for line in summary.warnings:
        watch.warn(line)
    if output != "-":
        _show(shown(output), summary)


def _show(output: str, summary: ScoreSummary) -> None:
    tally, account = summary.tally, summary.account
    say(f"{output}: {tally.n_scored:,} of {tally.n_posts:,} posts scored by {summary.model}")
    if summary.n_resumed:
        say(f"{summary.n_resumed:,} of them were there from a run that was stopped")
    counts = [(f"no score: {reason}", n) for reason, n in tally.reasons.items()]
    if account.merged:
        counts.append(("read twice (same id and text), one row", account.merged))
    counts += [(f"not a post: {why}", n) for why, n in sorted(account.skipped.items())]
    show_rows([*counts, *tally.decisions.items()])


def _watch(
    folder: Path,
    output: Path,
    model: str,
    poll: float,
    read: ReadOptions,
    workspace: Path | None,
    *,
    track: bool,
) -> None:
    from narraframe.workflows.score_watch import watch_folder

    watch_folder(
        folder,
        output=output,
        model_uri=model,
        poll=poll,
        options=read,
        workspace=options.find(workspace),
        watch=TerminalWatch(),
        track=track,
        say=say,
    )
