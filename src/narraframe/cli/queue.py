"""The command that says what to label next: queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, cut, flat, say, show_rows, width

if TYPE_CHECKING:
    from narraframe.workflows.doubting import DoubtSummary
    from narraframe.workflows.queueing import QueueSummary
    from narraframe.workflows.reading import ReadOptions

_SHARE = click.FloatRange(0, 1)
_N, _N_DOUBTFUL = 200, 50
_NOT_OF_DOUBTFUL = ("audit", "double", "blind", "themes", "seed")
_SHOWN = 20


@click.command(short_help="Choose what to label next.")
@options.inputs
@options.output(what="The queue to write, *.csv.")
@click.option(
    "-n",
    "n",
    type=click.IntRange(min=1),
    help=f"Posts to label; default: {_N}, or {_N_DOUBTFUL} with --doubtful.",
)
@click.option(
    "--doubtful",
    is_flag=True,
    help="Instead, the labelled posts that the model doubts most, for a second look.",
)
@click.option(
    "--audit",
    type=_SHARE,
    default=0.3,
    show_default=True,
    help="Share drawn at random, for figures that hold for all posts.",
)
@click.option(
    "--double", type=_SHARE, default=0.2, show_default=True, help="Share labelled by two."
)
@click.option(
    "--blind",
    type=_SHARE,
    default=0.1,
    show_default=True,
    help="Share whose pre-annotations are held back.",
)
@click.option(
    "--model",
    default="",
    metavar="URI",
    help="models:/NAME@champion or the like, or none; default: the champion, if there is one.",
)
@click.option(
    "--themes",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="From: themes; default: data/themes of the workspace, if it is there.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**31 - 1),
    default=0,
    show_default=True,
    help="Of the shares labelled by two and held back.",
)
@options.reading
@options.workspace_option
@options.force
@click.pass_context
def queue(
    context: click.Context,
    inputs: tuple[str, ...],
    output: Path,
    n: int | None,
    doubtful: bool,
    audit: float,
    double: float,
    blind: float,
    model: str,
    themes: Path | None,
    seed: int,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Choose what to label next, from all posts.

    A share is drawn at random from every channel and month: the audit, which grows with each queue
    and by which models are measured and shares estimated. The rest is chosen to teach the model:
    posts it is unsure of, for each label in turn, posts of themes that are little labelled, posts
    like nothing labelled. Without a model, posts near the definitions of the codebook. Of copies
    and near-copies one is asked.

    With --force a queue is made anew: audit posts that nobody has labelled yet stay in it, the rest
    is chosen by what is known now. The audit is kept in labels/.

    With --doubtful the queue is of labelled posts: those whose answers a model, asked when it was
    not trained on them, finds hardest to believe. Each is sent once more, with nothing ticked, and
    is best answered by somebody else.

    \b
    Example:
      narraframe queue data/posts.parquet -o data/queue.csv
      narraframe queue data/posts.parquet -o data/doubtful.csv --doubtful -n 40
    """
    if doubtful:
        _check_doubtful(context)
        _queue_doubtful(
            inputs,
            output=output,
            n=n or _N_DOUBTFUL,
            model=model,
            read=read,
            workspace=workspace,
            force=force,
        )
        return
    from narraframe.workflows.queueing import QueueOptions
    from narraframe.workflows.queueing import queue as run

    done = run(
        inputs,
        output=output,
        wanted=QueueOptions(
            n=n or _N,
            audit=audit,
            double=double,
            blind=blind,
            model=model,
            themes=themes,
            seed=seed,
        ),
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    _show(done, output)


def _show(done: QueueSummary, output: Path) -> None:
    by = f"chosen with {done.model}" if done.model else "chosen without a model"
    say(f"{output}: {len(done.items):,} posts to label, {by}; {done.n_labelled:,} are labelled")
    n_audit = sum(item.design == "audit" for item in done.items)
    rows = [("drawn at random for the audit", n_audit)]
    rows += [(f"chosen: {kind}", number) for kind, number in done.reasons.items()]
    rows += [
        ("to be labelled by two", sum(item.n_annotators == 2 for item in done.items)),
        ("pre-annotations held back", sum(item.blind for item in done.items)),
    ]
    show_rows(rows)
    sample = done.audit.sample
    if not sample.post_ids:
        say("no audit: nothing will say how well a model does on all posts")
        return
    say(
        f"the audit: {len(sample.post_ids):,} posts in {sample.strata:,} strata of channel and "
        f"month, {done.audit.n_known:,} of them labelled, or copies of labelled posts"
    )
    low, high = max(0.0, 0.1 - done.precision), 0.1 + done.precision
    say(
        "once all of it is labelled, a label on 10% of the audit will be known to be on "
        f"{low:.0%} to {high:.0%} of all posts"
    )


def _check_doubtful(context: click.Context) -> None:
    typed = click.core.ParameterSource.COMMANDLINE
    given = [name for name in _NOT_OF_DOUBTFUL if context.get_parameter_source(name) is typed]
    if given:
        raise click.UsageError(
            f"--{given[0]} does not go with --doubtful: a second look is chosen by the model alone."
        )
    if context.params["model"] == "none":
        raise click.UsageError("--model none does not go with --doubtful: a model has to doubt.")


def _queue_doubtful(
    inputs: tuple[str, ...],
    *,
    output: Path,
    n: int,
    model: str,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    from narraframe.workflows.doubting import queue_doubtful as run

    done = run(
        inputs,
        output=output,
        n=n,
        model=model,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    _show_doubtful(done, output)


def _show_doubtful(done: DoubtSummary, output: Path) -> None:
    from narraframe.workflows.doubting import why

    say(
        f"{output}: {len(done.items):,} posts for a second look; {done.model} doubts "
        f"{done.n_doubtful:,} of {done.n_judged:,} that it can judge"
    )
    for doubted in done.posts[:_SHOWN]:
        post = doubted.post
        say(f"  {post.post_id}, by {', '.join(doubted.said_by)}")
        say(f"    {cut(flat(doubted.text), width() - 6)}")
        for cell in post.cells:
            say(f"    {why(cell, done.names)}")
    if len(done.posts) > _SHOWN:
        say(f"  and {len(done.posts) - _SHOWN:,} more: see the column reason")
    say(f"send them with: narraframe push POSTS --queue {output}")
