"""The commands between runs and registered models: compare, promote, rollback."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import say, show_table

if TYPE_CHECKING:
    from narraframe.metrics.paired import Paired, PairedDifference


@click.command(short_help="Tell whether one run is better than another.")
@click.argument("a")
@click.argument("b")
@options.output(required=False, what="Also write the figures, *.csv or *.json.")
@options.workspace_option
@options.force
def compare(a: str, b: str, output: Path | None, workspace: Path | None, force: bool) -> None:
    """Measure what run B gains over run A, with intervals: is it better, or is it chance?

    A run is named by its MLflow id (six digits are enough), or as models:/NAME@champion or
    models:/NAME/3. Both are judged on the same posts, which neither was trained on: those of the
    frozen test set, or else those that both predicted out of fold.

    \b
    Example:
      narraframe compare models:/narratives@champion models:/narratives@challenger
    """
    from narraframe.workflows.compare import compare as run

    done = run(a, b, output=output, workspace=options.find(workspace), force=force)
    say(f"a = {done.a}, b = {done.b}")
    show_table(["", "positive", "a", "b", "b - a"], [*_rows(done.found)])
    for note in done.notes:
        say(note)
    say(done.verdict)


@click.command(short_help="Make the challenger the champion.")
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="Default: the challenger's.")
@click.option("--force", is_flag=True, help="Promote it even if it is not better beyond doubt.")
@options.workspace_option
def promote(name: str, version: int | None, force: bool, workspace: Path | None) -> None:
    """Make the challenger the champion, which scoring uses.

    A champion gives way only to a model that is better beyond doubt on the same posts and has all
    its labels; see: narraframe compare. The one before is remembered; see: narraframe rollback.

    \b
    Example:
      narraframe promote narratives
    """
    from narraframe.workflows.promote import promote as run

    done = run(name, version=version, force=force, workspace=options.find(workspace))
    before = f"; before: {name}/{done.before}" if done.before else ""
    say(f"{name}/{done.version} is @champion{before}")
    say(f"promoted by --force: {done.verdict}" if done.forced else done.verdict)
    for note in done.notes:
        say(note)


@click.command(short_help="Bring the champion before back.")
@click.argument("name")
@options.workspace_option
def rollback(name: str, workspace: Path | None) -> None:
    """Make the champion before the champion again; repeat it to go further back.

    \b
    Example:
      narraframe rollback narratives
    """
    from narraframe.workflows.rollback import rollback as run

    done = run(name, workspace=options.find(workspace))
    say(f"{name}/{done.version} is @champion again; before: {name}/{done.left}")


def _rows(found: PairedDifference) -> Iterator[list[str]]:
    yield ["macro F1", "", *_cells(found.macro_f1)]
    yield ["micro F1", "", *_cells(found.micro_f1)]
    yield ["mean average precision", "", *_cells(found.mean_average_precision)]
    for label in found.labels:
        yield [f"F1 of {label.label_id}", f"{label.n_positive:,}", *_cells(label.f1)]


def _cells(pair: Paired) -> list[str]:
    return [*("-" if math.isnan(x) else f"{x:.3f}" for x in (pair.a, pair.b)), str(pair)]
