"""The commands of the labelling loop that speak to Label Studio: push, pull, adjudicate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions

_new_project = click.option(
    "--new-project",
    is_flag=True,
    help="Begin a new project, for example after the old one was deleted there.",
)
_replace_page = click.option(
    "--replace-page",
    is_flag=True,
    help="Put the codebook's page back where it was changed in the browser.",
)


@click.command(short_help="Send the queue to Label Studio, pre-annotated.")
@options.inputs
@click.option(
    "--queue",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="From narraframe queue; default: data/queue.csv of the workspace.",
)
@click.option(
    "--model",
    default="",
    metavar="MODEL",
    help="Pre-annotate by this model, or none; default: the champion, else the codebook.",
)
@_new_project
@_replace_page
@options.reading
@options.workspace_option
def push(
    inputs: tuple[str, ...],
    queue: Path | None,
    model: str,
    new_project: bool,
    replace_page: bool,
    read: ReadOptions,
    workspace: Path | None,
) -> None:
    """Send the queue to Label Studio, with what the model would say ticked.

    Safe to repeat: a post is sent once, and a push that was cut off is completed by the next. Posts
    that nobody has touched get the pre-annotations of the present model.

    \b
    Example:
      narraframe push data/posts.parquet
    """
    from narraframe.workflows.pushing import PushOptions
    from narraframe.workflows.pushing import push as run

    found = options.find_set_up(workspace)
    done = run(
        inputs,
        queue=queue or found.path("data/queue.csv"),
        wanted=PushOptions(model=model, new_project=new_project, replace_page=replace_page),
        options=read,
        workspace=found,
        watch=TerminalWatch(),
    )
    say(f"{done.url}")
    rows: list[tuple[str, object]] = [("posts sent", done.n_new), ("there before", done.n_there)]
    if done.model_version:
        rows += [
            (f"pre-annotated by {done.model_version}", done.n_ticked),
            ("pre-annotation held back", done.n_blind),
            ("pre-annotated anew, as untouched", done.n_refreshed),
        ]
    show_rows(rows)


@click.command(short_help="Bring what was labelled into labels/annotations.")
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="JSON",
    help="Take it from this JSON export instead of the server.",
)
@click.option(
    "--gold", is_flag=True, help="With --export: it is of the adjudication, whose answers settle."
)
@options.workspace_option
def pull(export: Path | None, gold: bool, workspace: Path | None) -> None:
    """Bring what was labelled into labels/annotations, one file for each annotator.

    Only what changed since the last pull is fetched; edits and deletions are followed. The files
    hold no post text, and numbers instead of names.

    \b
    Example:
      narraframe pull
    """
    from narraframe.workflows.pulling import pull as run
    from narraframe.workflows.pulling import pull_export

    if gold and export is None:
        raise click.UsageError("--gold goes with --export: the server's projects are known.")
    found, watch = options.find_set_up(workspace), TerminalWatch()
    done = (
        run(workspace=found, watch=watch)
        if export is None
        else pull_export(export, gold=gold, workspace=found, watch=watch)
    )
    say(f"{found.config.paths.annotations}: {done.n_posts:,} posts labelled")
    rows: list[tuple[str, object]] = [(f"by {name}", n) for name, n in sorted(done.answers.items())]
    optional = (
        ("settled, in the adjudication or as ground truth", done.n_gold),
        ("skipped", done.n_skips),
        ("with drafts, not submitted", done.n_drafts),
        ("notes, in data/labelstudio", done.n_notes),
    )
    show_rows([*rows, *((what, n) for what, n in optional if n)])
    for path in done.written:
        say(f"written: {path.name}")
    for path in done.removed:
        say(f"removed, as nothing is left of it: {path.name}")
    if not done.written and not done.removed:
        say("nothing new")


@click.command(short_help="Send disagreements back, to be settled.")
@options.inputs
@_new_project
@_replace_page
@options.reading
@options.workspace_option
def adjudicate(
    inputs: tuple[str, ...],
    new_project: bool,
    replace_page: bool,
    read: ReadOptions,
    workspace: Path | None,
) -> None:
    """Send posts on which annotators disagree to a second project, all answers shown.

    What is decided there settles the matter: pull brings it as gold.

    \b
    Example:
      narraframe adjudicate data/posts.parquet
    """
    from narraframe.workflows.adjudicating import adjudicate as run

    done = run(
        inputs,
        options=read,
        workspace=options.find_set_up(workspace),
        new_project=new_project,
        replace_page=replace_page,
        watch=TerminalWatch(),
    )
    say(f"{done.url}")
    show_rows(
        [
            ("posts labelled by two or more", done.n_compared),
            ("with disagreement, not settled", done.n_disputed),
            ("sent", done.n_new),
            ("there before", done.n_there),
        ]
    )
