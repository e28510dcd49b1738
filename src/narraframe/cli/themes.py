"""The commands on themes: find, show, assign, search, over, map, and those of `cli.curation`."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.curation import hide, merge, name, restore, split
from narraframe.cli.terminal import TerminalWatch, say, wrapped
from narraframe.cli.theme_text import (
    show_assigned,
    show_near,
    show_overview,
    show_posts,
    show_slices,
    show_summaries,
    show_theme,
)
from narraframe.themes.settings import ENGINES

if TYPE_CHECKING:
    from narraframe.workflows.reading import ReadOptions

_THEME = re.compile(r"T[0-9]+")


class _FindByDefault(options.InOrder):
    """A group whose bare use, with inputs, means its command `find`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take options that come first for those of `find`."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["find", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take arguments that name no command for those of `find`."""
        if args[0] not in self.commands:
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            if _THEME.fullmatch(args[0]):
                near = [f"show {args[0]}"]
            if near and not Path(args[0]).exists():
                ctx.fail(f"No such file or command {args[0]!r}. Did you mean {near[0]!r}?")
            args = ["find", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_FindByDefault, short_help="Find the themes that recur; name, merge, assign.")
def themes() -> None:
    """Find the themes that recur in the posts, and work with them.

    Without a command, themes are found: see narraframe themes find --help.

    \b
    Example:
      narraframe themes data/posts.parquet -o data/themes
      narraframe themes show
      narraframe themes name T3 "Sanctions hurt Europe"
      narraframe themes merge T5 T9 --into T3
    """


@themes.command(short_help="Find the themes of posts.")
@options.inputs
@options.output(what="The folder to write; see the README for its files.")
@click.option("--engine", type=click.Choice(ENGINES), help="Default: that of the workspace.")
@click.option(
    "--granularity",
    type=click.FloatRange(0, 100, min_open=True),
    help="More gives more and smaller themes; default: 1, less above 1,000 posts.",
)
@click.option("--assign-all", is_flag=True, help="Leave no post without a theme.")
@click.option("--guided", is_flag=True, help="Draw posts towards the definitions of the codebook.")
@click.option(
    "--previous",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Take up the numbers of these themes; default: those in OUT, if there are any.",
)
@click.option("--fresh", is_flag=True, help="Take up no numbers: all themes are new.")
@options.reading
@options.workspace_option
@options.force
def find(
    inputs: tuple[str, ...],
    output: Path,
    engine: str | None,
    granularity: float | None,
    assign_all: bool,
    guided: bool,
    previous: Path | None,
    fresh: bool,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Find the themes that recur in the posts.

    Engine hdbscan: a UMAP-style layout and HDBSCAN's hierarchy, cut where modularity is largest;
    posts between themes stay without one. Engine graph: communities of the neighbour graph that
    many partitions agree on; every post has a theme. Near-copies count as one. Themes keep their
    numbers, and what the analyst did to them, from one call to the next.

    \b
    Example:
      narraframe themes find data/posts.parquet -o data/themes
      narraframe themes find data/posts.parquet -o finer --engine graph --granularity 2
    """
    from narraframe.workflows.themes import ThemeOptions, find_themes

    if fresh and previous:
        raise click.UsageError("--fresh takes up no numbers, and --previous does: choose one.")
    watch = TerminalWatch()
    found = find_themes(
        inputs,
        output=output,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=watch,
        wanted=ThemeOptions(
            engine=engine,
            granularity=granularity,
            assign_all=assign_all,
            guided=guided,
            previous=previous,
            fresh=fresh,
        ),
    )
    for warning in found.warnings:
        watch.warn(warning)
    say(f"{output}: {len(found.summaries)} themes in {len(found.themes.post_ids):,} posts")
    show_summaries(found.summaries)
    say(f"{int((found.themes.theme < 0).sum()):8,} posts in no theme")
    changes = [change for change in found.changes if " stayed " not in change]
    if changes:
        say("since they were found before:")
    for change in changes:
        say(f"  {change}")


@themes.command(short_help="Show all themes, or one.")
@click.argument("theme", type=options.theme_number, required=False)
@options.themes_folder
@click.option("--posts", metavar="IN", help="The posts, to show those that stand for the theme.")
@options.workspace_option
def show(theme: int | None, folder: Path, posts: str | None, workspace: Path | None) -> None:
    """Show all themes, alike ones together, or one theme closely.

    \b
    Example:
      narraframe themes show
      narraframe themes show T3 --posts data/posts.parquet
    """
    from narraframe.workflows.themes_read import one_theme, overview, posts_of

    found, watch = options.find(workspace), TerminalWatch()
    if theme is None:
        show_overview(overview(folder, workspace=found), watch)
        return
    summary = one_theme(folder, theme, workspace=found)
    wanted = summary.representative_post_ids
    examples = posts_of([posts], wanted, watch=watch) if posts else ()
    show_theme(summary)
    show_posts(examples)
    if missing := [i for i in wanted if i not in {post.post_id for post in examples}]:
        line = ", ".join(missing) + (f" are not in {posts}" if posts else " stand for it")
        say(f"  {wrapped(line, indent=4)}")


for _command in (name, merge, split, hide, restore):
    themes.add_command(_command)


@themes.command(short_help="Find the themes of new posts.")
@options.inputs
@options.output(what="The table to write: .parquet, .csv, .jsonl or .jsonl.gz.")
@options.themes_folder
@click.option("--assign-all", is_flag=True, help="Give every post its most probable theme.")
@options.reading
@options.workspace_option
@options.force
def assign(
    inputs: tuple[str, ...],
    output: Path,
    folder: Path,
    assign_all: bool,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Find the theme of each new post, and what among them may be a new theme.

    A post's answer depends on nothing but the post and the themes. Posts between themes, and posts
    unlike all that the themes were found in, get none, and the table says why.

    \b
    Example:
      narraframe themes assign new.jsonl -o data/new-themes.csv
    """
    from narraframe.workflows.assigning import assign_posts

    found = assign_posts(
        inputs,
        themes=folder,
        output=output,
        options=read,
        workspace=options.find(workspace),
        force=force,
        assign_all=assign_all,
        watch=TerminalWatch(),
    )
    say(f"{output}: {found.n_posts:,} posts")
    show_assigned(found)


@themes.command(short_help="Find the themes near a sentence.")
@click.argument("sentence")
@options.themes_folder
@click.option(
    "-n", "most", type=click.IntRange(1), default=5, show_default=True, help="Show so many at most."
)
@options.workspace_option
def search(sentence: str, folder: Path, most: int, workspace: Path | None) -> None:
    """Find the themes that are nearest to a sentence.

    \b
    Example:
      narraframe themes search "the sanctions harm those who imposed them"
    """
    from narraframe.workflows.themes_read import search as run

    found = run(folder, sentence, workspace=options.find(workspace), watch=TerminalWatch())
    show_near(found[:most])


@themes.command(short_help="Count themes by month or channel.")
@options.themes_folder
@click.option("--by", type=click.Choice(("month", "channel")), default="month", show_default=True)
@options.output(required=False, what="Also write a long table, with keywords (*.csv).")
@options.workspace_option
@options.force
def over(folder: Path, by: str, output: Path | None, workspace: Path | None, force: bool) -> None:
    """Count the posts of each theme by month or by channel; with -o, say what it is about there.

    \b
    Example:
      narraframe themes over --by channel -o data/themes-by-channel.csv
    """
    from narraframe.workflows.themes_read import over as run

    options.find(workspace)
    show_slices(run(folder, by, output=output, force=force), by)
    if output is not None:
        say(f"{output} written")


@themes.command("map", short_help="Draw the map of the themes.")
@options.themes_folder
@options.output(what="The picture to write, *.png or *.svg.")
@click.option("--title", default="", help="Stands above the map.")
@options.workspace_option
@options.force
def draw(folder: Path, output: Path, title: str, workspace: Path | None, force: bool) -> None:
    """Draw the map of the themes as PNG or SVG.

    \b
    Example:
      narraframe themes map -o reports/map.svg
    """
    from narraframe.workflows.themes_read import draw_map

    options.find(workspace)
    draw_map(folder, output, title=title, force=force)
    say(f"{output} written")
