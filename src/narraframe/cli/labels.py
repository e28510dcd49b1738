"""The commands of the codebook: check, from-labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions


@click.group(short_help="Check the codebook, or make one.")
def codebook() -> None:
    """Check the codebook, or make one from posts that came with labels."""


@codebook.command()
@options.workspace_option
def check(workspace: Path | None) -> None:
    """Check the codebook, and the annotations against it; every fault is listed.

    \b
    Example:
      narraframe codebook check
    """
    from narraframe.workflows.codebook import check as run

    found = options.find(workspace)
    checked = run(found.codebook, found.path(found.config.paths.annotations), watch=TerminalWatch())
    book = checked.codebook
    say(f"{found.codebook}: codebook {book.version} is sound")
    for facet in book.facets:
        leaves = [i for i in book.facet_label_ids(facet.facet_id) if i in book.leaf_ids]
        say(f"  {facet.name}: {len(leaves)} labels to choose from ({facet.choice} choice)")
    say(f"annotations: {checked.n_posts:,} posts by {checked.n_annotators} annotators")
    unused = [label_id for label_id in book.leaf_ids if not checked.uses[label_id]]
    if checked.n_posts and unused:
        say(f"  never used: {', '.join(unused)}")


@codebook.command("from-labels")
@options.inputs
@options.output(what="The codebook to write, *.toml.")
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Also write the labels as annotations in the codebook's terms.",
)
@click.option("--title", default="Codebook made from labels", show_default=True, help="Its title.")
@click.option(
    "--minimum",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Leave out labels on fewer posts.",
)
@click.option("--most", type=click.IntRange(min=1), help="Keep so many labels, the most frequent.")
@options.reading
@options.force
def make(
    inputs: tuple[str, ...],
    output: Path,
    annotations: Path | None,
    title: str,
    minimum: int,
    most: int | None,
    read: ReadOptions,
    force: bool,
) -> None:
    """Make a codebook from posts whose records carry `labels`.

    \b
    Example:
      narraframe codebook from-labels posts.jsonl -o labels/codebook.toml \\
          --annotations labels/annotations/imported.csv
    """
    from narraframe.workflows.codebook import make_from_labels

    made = make_from_labels(
        inputs,
        output=output,
        annotations_output=annotations,
        title=title,
        minimum=minimum,
        most=most,
        options=read,
        force=force,
        watch=TerminalWatch(),
    )
    n_posts = len({a.post_id for a in made.annotations})
    say(f"{output}: {len(made.codebook.labels)} labels from {n_posts:,} labelled posts")
    show_rows([(label.label_id, made.counts[label.label_id]) for label in made.codebook.labels])
    say("Give each label a definition, and when to use it and when not.")
