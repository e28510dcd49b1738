"""The commands by which the analyst curates themes: name, merge, split, hide, restore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from narraframe.cli import options
from narraframe.cli.terminal import say
from narraframe.cli.theme_text import numbers, show_summaries


@click.command(short_help="Name a theme.")
@click.argument("theme", type=options.theme_number)
@click.argument("name")
@options.themes_folder
@options.workspace_option
def name(theme: int, name: str, folder: Path, workspace: Path | None) -> None:
    """Give a theme a name, which it keeps when the themes are found again.

    \b
    Example:
      narraframe themes name T3 "Sanctions hurt Europe"
    """
    _curate(folder, "name", [theme], workspace, name=name)


@click.command(short_help="Make several themes one.")
@click.argument("theme", type=options.theme_number, nargs=-1, required=True)
@click.option(
    "--into",
    type=options.theme_number,
    required=True,
    metavar="THEME",
    help="The theme that they become part of.",
)
@click.option("--name", default="", help="A new name for it.")
@options.themes_folder
@options.workspace_option
def merge(
    theme: tuple[int, ...], into: int, name: str, folder: Path, workspace: Path | None
) -> None:
    """Make themes part of another; they stay so when the themes are found again.

    \b
    Example:
      narraframe themes merge T5 T9 --into T3
    """
    _curate(folder, "merge", theme, workspace, into=into, name=name)


@click.command(short_help="Part a theme.")
@click.argument("theme", type=options.theme_number)
@click.option(
    "--parts", type=click.IntRange(2, 20), default=2, show_default=True, help="Into how many."
)
@options.themes_folder
@options.workspace_option
def split(theme: int, parts: int, folder: Path, workspace: Path | None) -> None:
    """Part a theme by what its posts say; the parts get new numbers.

    \b
    Example:
      narraframe themes split T3 --parts 2
    """
    _curate(folder, "split", [theme], workspace, n_parts=parts)


@click.command(short_help="Show themes no more.")
@click.argument("theme", type=options.theme_number, nargs=-1, required=True)
@options.themes_folder
@options.workspace_option
def hide(theme: tuple[int, ...], folder: Path, workspace: Path | None) -> None:
    """Show themes no more: their posts count as posts in no theme.

    \b
    Example:
      narraframe themes hide T7
    """
    _curate(folder, "hide", theme, workspace)


@click.command(short_help="Undo a hide, merge, split or name.")
@click.argument("theme", type=options.theme_number, nargs=-1, required=True)
@options.themes_folder
@options.workspace_option
def restore(theme: tuple[int, ...], folder: Path, workspace: Path | None) -> None:
    """Undo what hid, merged or split themes, or else their names.

    \b
    Example:
      narraframe themes restore T7
    """
    _curate(folder, "restore", theme, workspace)


_DONE = {
    "name": "named {name!r}",
    "merge": "merged into {into}",
    "split": "split into {into}",
    "hide": "hidden",
    "restore": "restored",
}


def _curate(
    folder: Path, action: str, themes: Sequence[int], workspace: Path | None, **rest: Any
) -> None:
    from narraframe.workflows.curation import curate

    found = options.find(workspace)
    result = curate(folder, action, themes, workspace=found, **rest)
    done = result.done
    said = _DONE[action].format(into=numbers(done.into), name=done.name)
    say(f"{numbers(done.themes)} {said}; written to {found.config.paths.curation}")
    touched = {*done.themes, *done.into}
    show_summaries([s for s in result.themes.summaries if s.theme in touched])
