"""The commands of the local Label Studio: start, stop, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say

if TYPE_CHECKING:
    from narraframe.workflows.labelstudio_server import RunningServer


@click.group(cls=options.InOrder, short_help="Start and stop a Label Studio of your own.")
def labelstudio() -> None:
    """Start and stop a Label Studio of your own, for this machine only."""


@labelstudio.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where it listens; 0 = any free one.",
)
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The program label-studio; default: that of make labelstudio, or on the PATH.",
)
@options.workspace_option
def start(port: int, program: Path | None, workspace: Path | None) -> None:
    """Start Label Studio in the background, and say where it is and how to log in.

    The first start takes about a minute: it makes a database, a user and a token in .labelstudio/.

    \b
    Example:
      narraframe labelstudio start --port 8081
    """
    from narraframe.workflows.labelstudio_server import find_program
    from narraframe.workflows.labelstudio_server import start as run

    found = options.find(workspace)
    server = run(
        found.path(found.config.paths.server),
        program=find_program(found.root, given=program),
        port=port,
        watch=TerminalWatch(),
    )
    _show(server, "runs already" if server.was_running else "runs")
    say("stop it with: narraframe labelstudio stop")


@labelstudio.command()
@options.workspace_option
def stop(workspace: Path | None) -> None:
    """Stop the Label Studio of the workspace; what was labelled in it stays.

    \b
    Example:
      narraframe labelstudio stop
    """
    from narraframe.workflows.labelstudio_server import stop as run

    found = options.find(workspace)
    pid = run(found.path(found.config.paths.server))
    say(f"Label Studio is stopped (process {pid})" if pid else "no Label Studio ran here")


@labelstudio.command()
@options.workspace_option
def status(workspace: Path | None) -> int:
    """Say whether the Label Studio of the workspace runs; the code is 1 unless it answers.

    \b
    Example:
      narraframe labelstudio status
    """
    from narraframe.workflows.labelstudio_server import status as look

    found = options.find(workspace)
    server = look(found.path(found.config.paths.server))
    if server is None:
        say("no Label Studio runs here; start it with: narraframe labelstudio start")
        return 1
    _show(server, "runs" if server.answers else "runs but does not answer")
    return 0 if server.answers else 1


def _show(server: RunningServer, how: str) -> None:
    say(f"Label Studio {how}: {server.url} (process {server.pid})")
    say(f"log in as {server.username} with the password in {_near(server.password_file)}")


def _near(path: Path) -> Path:
    """Return the path as seen from the current folder, where it lies below that."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
