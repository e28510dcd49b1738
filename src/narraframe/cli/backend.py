"""The command of live pre-annotation: backend."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say


@click.command(short_help="Pre-annotate in Label Studio as tasks are opened.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9090,
    show_default=True,
    help="Where it listens, on this machine only; 0 = any free one.",
)
@click.option(
    "--model",
    metavar="URI",
    help="models:/NAME@champion or another; default: the champion, else the codebook.",
)
@click.option(
    "--connect",
    is_flag=True,
    help="Also tell Label Studio to ask it, for the project that push made.",
)
@options.workspace_option
def backend(port: int, model: str | None, connect: bool, workspace: Path | None) -> None:
    """Pre-annotate in Label Studio as tasks are opened, until Ctrl-C.

    Label Studio asks it for every task that is opened. A newly promoted champion takes over within
    seconds. Tasks whose pre-annotations are held back get none.

    \b
    Example:
      narraframe backend --connect
    """
    from narraframe.workflows.backend import connect_project, serving

    found, watch = options.find(workspace), TerminalWatch()
    with (
        serving(found, model_uri=model, port=port, watch=watch) as running,
        _told_to_stop() as stop,
    ):
        say(f"{running.url}: pre-annotations by {running.model_version}; stop it with Ctrl-C")
        if connect:
            say(f"asked by {connect_project(running, workspace=found)}")
        else:
            say("in Label Studio: Settings > Model > Connect Model, with this URL; or --connect")
        stop.wait()
    say("stopped")


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or SIGTERM sets, so that both end the work in good order."""
    stop = threading.Event()
    before = {
        kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
