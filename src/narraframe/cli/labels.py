"""The commands of the codebook: check, config, diff, migrate, from-labels, draft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions


@click.group(cls=options.InOrder, short_help="Check the codebook, change it, or make one.")
def codebook() -> None:
    """Check the codebook, make the labelling page of it, change it without losing annotations."""


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
    if checked.stale:
        say(f"  retired labels, read as what became of them: {', '.join(sorted(checked.stale))}")
        say("  to rewrite the files: narraframe codebook migrate")


@codebook.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="XML",
    help="The page to write; default: label_studio.xml beside the codebook, which is replaced.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the page there differs.")
@options.workspace_option
@options.force
def config(output: Path | None, check: bool, workspace: Path | None, force: bool) -> int:
    """Write the labelling page for Label Studio, made of the codebook.

    \b
    Example:
      narraframe codebook config
      narraframe codebook config --check
    """
    from narraframe.workflows.codebook_page import PAGE, drift, write_page

    found = options.find(workspace)
    page = output or found.codebook.with_name(PAGE)
    if check:
        differences = drift(found.codebook, page=page)
        say(f"{page}: {'differs from' if differences else 'is the page of'} {found.codebook}")
        for line in differences:
            say(f"  {line}")
        return 1 if differences else 0
    made = write_page(found.codebook, output=page, force=force or output is None)
    say(f"{page}: the labelling page of codebook {made.version}")
    return 0


@codebook.command()
@click.argument("old", type=click.Path(path_type=Path), metavar="OLD")
@click.argument("new", type=click.Path(path_type=Path), metavar="[NEW]", required=False)
@options.workspace_option
def diff(old: Path, new: Path | None, workspace: Path | None) -> int:
    """Tell what a changed codebook means for the annotations there.

    OLD and NEW are codebooks; NEW is the workspace's by default. Exit code 1 where annotations
    would be lost, or would say what nobody said.

    \b
    Example:
      git show HEAD:labels/codebook.toml > old.toml
      narraframe codebook diff old.toml
    """
    from narraframe.workflows.codebook_change import compare

    found = options.find(workspace)
    folder = found.path(found.config.paths.annotations)
    told = compare(old, new or found.codebook, annotations=folder)
    say(f"codebook {told.old} to {told.new}: {len(told.changes)} changes")
    for change in told.changes:
        mark = "FAULT  " if change.is_fault else ""
        say(f"  {mark}{change.subject}: {change.kind}; {change.meaning}")
    return 1 if told.faults else 0


@codebook.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only tell what would be rewritten.")
@options.workspace_option
def migrate_(dry_run: bool, workspace: Path | None) -> None:
    """Rewrite the annotation files in terms of the labels that the codebook still has.

    What became of a label stands in the codebook, as into none, one or several labels:

    \b
      [[retired]]
      id = "order.hegemony"
      facet = "narrative"
      into = ["order.multipolarity"]

    Every command reads annotations by these tables, rewritten or not.

    \b
    Example:
      narraframe codebook migrate --dry-run
    """
    from narraframe.workflows.codebook_change import migrate_files

    found = options.find(workspace)
    folder = found.path(found.config.paths.annotations)
    done = migrate_files(found.codebook, annotations=folder, dry_run=dry_run, watch=TerminalWatch())
    if not done.files:
        say(f"{folder}: nothing to rewrite, all is in terms of codebook {done.codebook.version}")
    into = {row.label_id: " and ".join(row.into) or "nothing" for row in done.codebook.retired}
    for path, migrated in done.files:
        say(f"{'would rewrite' if dry_run else 'rewrote'} {path}")
        for label_id, n in migrated.changed.items():
            say(f"  {label_id}: {n:,} rows, into {into[label_id]}")
        for label_id, n in migrated.unknown.items():
            say(f"  {label_id}: {n:,} answers leave open which part applies; label them again")
        if migrated.added:
            n = migrated.added.total()
            say(f"  {n:,} zeros written out that a row on the whole facet can no longer say")


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


@codebook.command()
@click.option("--theme", "number", required=True, metavar="T7", help="The theme to draft from.")
@options.themes_folder
@click.option(
    "--posts",
    multiple=True,
    metavar="IN",
    help="The posts, for examples; may be given several times.",
)
@click.option("--id", "label_id", metavar="ID", help="Id of the label; default: theme_ and number.")
@click.option("--facet", "facet_id", metavar="ID", help="Its facet; default: the first.")
@options.output(required=False, what="Write it to *.toml instead of showing it.")
@options.workspace_option
@options.force
def draft(
    number: str,
    folder: Path,
    posts: tuple[str, ...],
    label_id: str | None,
    facet_id: str | None,
    output: Path | None,
    workspace: Path | None,
    force: bool,
) -> None:
    """Draft an entry for the codebook from a theme that it has no label for.

    Name, keywords and examples are the theme's; the definition is yours to write. The codebook
    itself is not touched: paste the entry where you want it. Which themes have no label:
    narraframe coverage.

    \b
    Example:
      narraframe codebook draft --theme T7 --posts data/posts.parquet
    """
    from narraframe.workflows.draft import draft as run

    text = run(
        folder,
        options.theme_number(number),
        posts=posts,
        label_id=label_id,
        facet_id=facet_id,
        output=output,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    say(f"{output}: a draft; the codebook is as it was" if output else text.rstrip())
