"""The command line: arguments, one workflow call, a message; errors become one line and a code.

Exit codes: 0 done, 1 the work failed, 2 the command line is wrong, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from narraframe import __version__
from narraframe.cli import options
from narraframe.cli.agreement import agreement
from narraframe.cli.backend import backend
from narraframe.cli.labelling import adjudicate, pull, push
from narraframe.cli.labels import codebook
from narraframe.cli.labelstudio import labelstudio
from narraframe.cli.models import evaluate, train
from narraframe.cli.posts import embed, ingest
from narraframe.cli.queue import queue
from narraframe.cli.registry import compare, promote, rollback
from narraframe.cli.scoring import score
from narraframe.cli.themes import themes
from narraframe.cli.workspace import demo, doctor, init, report
from narraframe.errors import NarraframeError

_ORDER = (
    init,
    demo,
    ingest,
    embed,
    themes,
    codebook,
    queue,
    labelstudio,
    push,
    pull,
    agreement,
    adjudicate,
    backend,
    train,
    evaluate,
    compare,
    promote,
    rollback,
    score,
    report,
    doctor,
)


@click.group(cls=options.InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="narraframe")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Find the narratives and frames in a stream of posts.

    Start with: narraframe demo
    """


for _command in _ORDER:
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; only ``--debug`` lets an error through."""
    try:
        result = cli.main(arguments, prog_name="narraframe", standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # the reader of our output (head, less) has seen enough; click, as it is called here, exits
        # for no other reason
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _explain(error)
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    match error:
        case NarraframeError():
            line, code = str(error), error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.ctx.get_help() if error.ctx else str(error))
            return 2
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "narraframe"
            what = error.format_message()
            stop = "" if what.endswith((".", "?", "!")) else "."
            line, code = f"{what}{stop} See: {command} --help", 2
        case click.exceptions.Abort():
            line, code = "interrupted", 130
        case MemoryError():
            line, code = "out of memory. Give the posts in smaller parts.", 1
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            what = f"{place}{error.strerror or error}"
            line, code = f"{what}. Is there space left, and may you read and write there?", 1
        case _:
            kind = type(error).__name__
            line, code = (
                f"unexpected {kind}: {error}. This is a fault of narraframe: "
                "run again with --debug and report what it shows.",
                1,
            )
    click.echo(f"error: {' '.join(line.split())}", err=True)
    return code
