"""The command score: new posts through a registered model, once or as they arrive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.drift import drift_code, show_drift
from narraframe.cli.models import model_option
from narraframe.cli.terminal import TerminalWatch, say, show_rows
from narraframe.errors import UsageError

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.score import Extras, ScoreSummary


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
@click.option(
    "--evidence",
    is_flag=True,
    help="Add the sentences that carry each decision: columns evidence and evidence_spans.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: by blocks on a Ray cluster; OUT is a file, or a folder of Parquet parts.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="With --engine ray: a running cluster, or auto; default: one on this machine alone.",
)
@click.option(
    "--fail-on-drift",
    is_flag=True,
    help="Exit with code 1, the scores written, where the posts are unlike the training posts; "
    "too few posts to tell are a warning.",
)
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
    evidence: bool,
    engine: str,
    address: str | None,
    fail_on_drift: bool,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> int:
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
      narraframe score *.jsonl -o scores --model models:/narratives@champion --engine ray
    """
    if fail_on_drift and watched is not None:
        raise UsageError(
            "--fail-on-drift does not go with --watch", remedy="See: narraframe drift --help"
        )
    if address is not None and engine != "ray":
        raise UsageError("--address goes with --engine ray", remedy="See: score --help")
    if bool(inputs) == bool(watched):
        raise UsageError("pass either IN... or --watch DIR", remedy="See: score --help")
    if watched is not None:
        if engine != "local":
            raise UsageError(
                "--watch does not go with --engine ray", remedy="Score the files by their names."
            )
        if table is not None:
            raise UsageError(
                "--watch writes into a folder", where="--table", remedy="Leave --table out."
            )
        if output == "-" or "://" in output:
            # not shown: an address may hold a password
            raise UsageError(
                "--watch writes into a folder", where="-o", remedy="Name a folder by -o."
            )
        from narraframe.workflows.score import Extras

        extras = Extras(evidence=evidence, drift=not no_track, track=not no_track)
        _watch(watched, Path(output), model, poll or 10.0, read, workspace, extras)
        return 0
    if poll is not None:
        raise UsageError("--poll goes with --watch", remedy="See: score --help")
    if engine == "ray" and (table is not None or output == "-" or "://" in output):
        raise UsageError(
            "--engine ray writes a file, or a folder of parts",
            where=f"-o {output}" if table is None else "--table",
            remedy="Name one by -o, or leave out --engine.",
        )
    from narraframe.io.sinks import shown
    from narraframe.workflows.score import Extras

    extras = Extras(
        table=table, evidence=evidence, drift=fail_on_drift or not no_track, track=not no_track
    )
    watch = TerminalWatch()
    if engine == "ray":
        from narraframe.workflows.ray_engine import score_with_ray

        summary: ScoreSummary = score_with_ray(
            inputs,
            output=Path(output),
            model_uri=model,
            options=read,
            workspace=options.find(workspace),
            force=force,
            watch=watch,
            address=address,
            extras=extras,
        )
    else:
        from narraframe.workflows.score import score as run

        summary = run(
            inputs,
            output=None if output == "-" else output,
            stdout=sys.stdout,
            model_uri=model,
            options=read,
            workspace=options.find(workspace),
            force=force,
            watch=watch,
            extras=extras,
        )
    for line in summary.warnings:
        watch.warn(line)
    if output != "-":
        _show(shown(output), summary)
        if summary.drift is not None:
            show_drift(summary.drift)
    return drift_code(summary.drift, model=model, watch=watch) if fail_on_drift else 0


def _show(output: str, summary: ScoreSummary) -> None:
    tally, account = summary.tally, summary.account
    say(f"{output}: {tally.n_scored:,} of {tally.n_posts:,} posts scored by {summary.model}")
    if summary.n_resumed:
        say(f"{summary.n_resumed:,} of them were there from a run that was stopped")
    reasons = sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
    counts = [(f"no score: {reason}", n) for reason, n in reasons]
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
    extras: Extras,
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
        extras=extras,
        say=say,
    )
