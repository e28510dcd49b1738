"""Options that several commands share."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from narraframe.config import Workspace, find_workspace
from narraframe.errors import UsageError

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_THEME = re.compile(r"[Tt]?[0-9]{1,9}")
FORMATS = ("telegram", "page", "jsonl", "csv", "parquet")
_COLUMNS = {
    "id": "post_id",
    "text": "text",
    "date": "created_at",
    "channel-column": "channel",
    "author": "author",
    "forwarded-from": "forwarded_from",
    "lang": "lang",
    "labels": "labels",
}


class InOrder(click.Group):
    """Lists its commands in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order in which the commands were added."""
        return list(self.commands)


inputs = click.argument("inputs", nargs=-1, required=True, metavar="IN...")
force = click.option("--force", is_flag=True, help="Replace the output if it exists.")
workspace_option = click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The workspace; default: the nearest at or above the current folder.",
)


def theme_number(value: str) -> int:
    """Return the number of a theme given as T12 or 12.

    Raises
    ------
    click.BadParameter
        If it is given otherwise.
    """
    if not _THEME.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no theme: write T12 or 12.")
    return int(value.lstrip("Tt"))


themes_folder = click.option(
    "--themes",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("data/themes"),
    show_default=True,
    metavar="DIR",
    help="The folder that narraframe themes wrote.",
)


def output(*, required: bool = True, what: str) -> Callable[[Command], Command]:
    """Return the option -o."""
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(path_type=Path),
        metavar="OUT",
        help=what,
    )


def reading(command: Command) -> Command:
    """Add the options that say how inputs are read; they arrive as one `read` argument."""

    @functools.wraps(command)
    def collected(*args: Any, **kwargs: Any) -> Any:
        columns = {field: kwargs.pop(field_of(option)) for option, field in _COLUMNS.items()}
        plain = {name: kwargs.pop(name) for name in ("format", "channel", "strict")}
        return command(*args, read=_read_options(columns, plain), **kwargs)

    def field_of(option: str) -> str:
        return f"column_{_COLUMNS[option]}"

    decorated: Any = collected
    for option, field in reversed(_COLUMNS.items()):
        decorated = click.option(
            f"--{option}",
            field_of(option),
            metavar="COLUMN",
            help=f"Column or key that holds {field}; default: found by its usual names.",
        )(decorated)
    decorated = click.option(
        "--strict", is_flag=True, help="Stop at the first bad record instead of counting it."
    )(decorated)
    decorated = click.option(
        "--channel", metavar="NAME", help="Channel of the posts, where the input does not say."
    )(decorated)
    return click.option(  # type: ignore[no-any-return]
        "--format",
        type=click.Choice(FORMATS),
        help="Format of the inputs; default: recognised by content.",
    )(decorated)


def find(workspace: Path | None) -> Workspace:
    """Return the workspace named, or found from the current folder."""
    return find_workspace(Path.cwd(), given=workspace)


def find_set_up(workspace: Path | None) -> Workspace:
    """Return the workspace named, or found from the current folder, which must be one.

    Raises
    ------
    UsageError
        If there is none: what speaks to a server must not begin a second study by mistake.
    """
    found = find(workspace)
    if not found.is_set_up:
        raise UsageError(
            "is no workspace, nor in one",
            where=found.root,
            remedy="Go into yours, or name it by --workspace; make one with: narraframe init DIR.",
        )
    return found


def _read_options(columns: dict[str, str | None], plain: dict[str, Any]) -> ReadOptions:
    from narraframe.io.posts import Columns
    from narraframe.workflows.reading import ReadOptions

    # a program started without a terminal may have no standard input
    stdin = sys.stdin.buffer if sys.stdin else None
    return ReadOptions(columns=Columns(**columns), stdin=stdin, **plain)
