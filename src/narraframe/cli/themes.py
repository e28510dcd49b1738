"""The commands on themes: find, show, curate, assign, search, slice, draw."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows, show_table

if TYPE_CHECKING:
    from narraframe.records import Post, ThemeSummary
    from narraframe.workflows.reading import ReadOptions

_ENGINES = ("hdbscan", "graph")


class _FindByDefault(click.Group):
    """A group whose bare use, with inputs, means its command `find`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take arguments that name no command for those of `find`."""
        if args[0] not in self.commands:
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            if near and not Path(args[0]).exists():
                ctx.fail(f"No such file or command {args[0]!r}. Did you mean {near[0]!r}?")
            args = ["find", *args]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List in the order of the work."""
        return list(self.commands)


class _ThemeNumber(click.ParamType[int]):
    """A theme's number, as T12 or 12."""

    name = "theme"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        digits = str(value).removeprefix("T").removeprefix("t")
        if not digits.isascii() or not digits.isdigit():
            self.fail(f"{value!r} is no theme: write T12 or 12.", param, ctx)
        return int(digits)


THEME = _ThemeNumber()
_folder = click.option(
    "--themes",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("data/themes"),
    show_default=True,
    metavar="DIR",
    help="The folder that narraframe themes wrote.",
)


@click.group(
    cls=_FindByDefault,
    short_help="Find the themes that recur; name, merge, assign.",
    # options before the inputs are those of find
    context_settings={"ignore_unknown_options": True},
)
def themes() -> None:
    """Find the themes that recur in the posts, and work with them.

    Without a command: find.

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
@click.option("--engine", type=click.Choice(_ENGINES), help="Default: that of the workspace.")
@click.option(
    "--granularity",
    type=click.FloatRange(0, 100, min_open=True),
    help="More gives more and smaller themes; default: 0.7 for hdbscan, 0.5 for graph.",
)
@click.option("--assign-all", is_flag=True, help="Leave no post without a theme.")
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
            previous=previous,
            fresh=fresh,
        ),
    )
    for warning in found.warnings:
        watch.warn(warning)
    say(f"{output}: {len(found.summaries)} themes in {len(found.themes.post_ids):,} posts")
    _list(found.summaries)
    say(f"{int((found.themes.theme < 0).sum()):8,} posts in no theme")
    for change in found.changes:
        if " stayed " not in change:
            say(f"  {change}")


@themes.command(short_help="Show all themes, or one.")
@click.argument("theme", type=THEME, required=False)
@_folder
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

    options.find(workspace)
    if theme is not None:
        summary = one_theme(folder, theme)
        watch = TerminalWatch()
        examples = posts_of([posts], summary.representative_post_ids, watch=watch) if posts else ()
        _show_theme(summary, examples)
        return
    seen = overview(folder)
    for warning in seen.folder.warnings:
        TerminalWatch().warn(warning)
    by_number = {summary.theme: summary for summary in seen.folder.summaries}
    say(f"{len(by_number)} themes in {len(seen.folder.themes.post_ids):,} posts")
    show_table(_HEADER, [_tree_row(branch, by_number) for branch in seen.tree])
    say(f"{int((seen.folder.themes.theme < 0).sum()):8,} posts in no theme")
    figures = seen.folder.figures
    wanted = ("stability", "stability_resampled", "npmi", "diversity", "outlier_share")
    show_rows([(name.replace("_", " "), f"{figures[name]:.2f}") for name in wanted])


@themes.command(short_help="Name a theme.")
@click.argument("theme", type=THEME)
@click.argument("name")
@_folder
@options.workspace_option
def name(theme: int, name: str, folder: Path, workspace: Path | None) -> None:
    """Give a theme a name, which it keeps when the themes are found again.

    \b
    Example:
      narraframe themes name T3 "Sanctions hurt Europe"
    """
    _curate(folder, "name", [theme], workspace, name=name)


@themes.command(short_help="Make several themes one.")
@click.argument("theme", type=THEME, nargs=-1, required=True)
@click.option("--into", type=THEME, required=True, help="The theme that they become part of.")
@click.option("--name", default="", help="A new name for it.")
@_folder
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


@themes.command(short_help="Part a theme.")
@click.argument("theme", type=THEME)
@click.option("--parts", type=click.IntRange(2, 20), default=2, show_default=True)
@_folder
@options.workspace_option
def split(theme: int, parts: int, folder: Path, workspace: Path | None) -> None:
    """Part a theme by what its posts say; the parts get new numbers.

    \b
    Example:
      narraframe themes split T3 --parts 2
    """
    _curate(folder, "split", [theme], workspace, n_parts=parts)


@themes.command(short_help="Show themes no more.")
@click.argument("theme", type=THEME, nargs=-1, required=True)
@_folder
@options.workspace_option
def hide(theme: tuple[int, ...], folder: Path, workspace: Path | None) -> None:
    """Show themes no more: their posts count as posts in no theme.

    \b
    Example:
      narraframe themes hide T7
    """
    _curate(folder, "hide", theme, workspace)


@themes.command(short_help="Undo a hide, merge, split or name.")
@click.argument("theme", type=THEME, nargs=-1, required=True)
@_folder
@options.workspace_option
def restore(theme: tuple[int, ...], folder: Path, workspace: Path | None) -> None:
    """Undo what hid, merged or split themes, or else their names.

    \b
    Example:
      narraframe themes restore T7
    """
    _curate(folder, "restore", theme, workspace)


@themes.command(short_help="Find the themes of new posts.")
@options.inputs
@options.output(what="The table to write: .parquet, .csv, .jsonl or .jsonl.gz.")
@_folder
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
    say(f"{output}:")
    show_rows([(theme, n) for theme, n in found.by_theme])
    show_rows([(f"no theme: {reason}", n) for reason, n in found.by_reason])
    for candidate in found.candidates:
        n = f"{candidate.n_groups} distinct posts" if candidate.n_groups > 1 else "1 post"
        say(f"may be a new theme: {candidate.name} ({n}, cohesion {candidate.cohesion:.2f})")
        for post in candidate.examples:
            say(f"    {_line(post.text, 100)}")


@themes.command(short_help="Find the themes near a sentence.")
@click.argument("sentence")
@_folder
@click.option("-n", "most", type=click.IntRange(1), default=5, show_default=True)
@options.workspace_option
def search(sentence: str, folder: Path, most: int, workspace: Path | None) -> None:
    """Find the themes that are nearest to a sentence.

    \b
    Example:
      narraframe themes search "the sanctions harm those who imposed them"
    """
    from narraframe.workflows.themes_read import search as run

    found = run(folder, sentence, workspace=options.find(workspace), watch=TerminalWatch())
    rows = [
        [f"T{n.summary.theme}  {n.summary.name}", f"{n.similarity:.2f}", f"{n.nearest_post:.2f}"]
        for n in found[:most]
    ]
    show_table(["theme", "similarity", "nearest post"], rows)


@themes.command(short_help="Count themes by month or channel.")
@_folder
@click.option("--by", type=click.Choice(("month", "channel")), default="month", show_default=True)
@options.output(required=False, what="Also write a long table, with keywords (*.csv).")
@options.workspace_option
@options.force
def over(folder: Path, by: str, output: Path | None, workspace: Path | None, force: bool) -> None:
    """Count the posts of each theme by month or by channel, and say what it was about there.

    \b
    Example:
      narraframe themes over --by channel -o data/themes-by-channel.csv
    """
    from narraframe.workflows.themes_read import one_theme
    from narraframe.workflows.themes_read import over as run

    options.find(workspace)
    slices = run(folder, by, output=output, force=force)
    kept = slices.slices[-_MOST_SLICES:]
    rows = []
    for i, theme in enumerate(slices.themes):
        counts = slices.n_posts[i, len(slices.slices) - len(kept) :]
        name = _line(one_theme(folder, theme).name, 36)
        rows.append([f"T{theme}  {name}", *(f"{int(n):,}" if n else "." for n in counts)])
    show_table(["theme", *(_line(name, 12) for name in kept)], rows)
    if len(kept) < len(slices.slices):
        say(f"  the last {len(kept)} of {len(slices.slices)}; all of them with -o")


@themes.command("map", short_help="Draw the map of the themes.")
@_folder
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


_HEADER = ("theme", "posts", "distinct", "confidence", "stability")
_MOST_SLICES = 12
_SPARKS = "▁▂▃▄▅▆▇█"


def _curate(
    folder: Path,
    action: str,
    numbers: tuple[int, ...] | list[int],
    workspace: Path | None,
    **rest: Any,
) -> None:
    from narraframe.workflows.curation import curate

    found = options.find(workspace)
    result = curate(folder, action, numbers, workspace=found, **rest)
    done = result.done
    into = f" into {', '.join(f'T{n}' for n in done.into)}" if done.into else ""
    named = f" {done.name!r}" if done.name else ""
    say(f"{action} {', '.join(f'T{n}' for n in done.themes)}{into}{named}: in {found.curation}")
    touched = {*done.themes, *done.into}
    _list([summary for summary in result.themes.summaries if summary.theme in touched])


def _list(summaries: list[ThemeSummary] | tuple[ThemeSummary, ...]) -> None:
    for s in summaries:
        say(f"{s.n_posts:8,} posts  {f'T{s.theme}':<5}{s.name}")


def _tree_row(branch: Any, by_number: dict[int, ThemeSummary]) -> list[str]:
    indent = "  " * branch.depth
    if len(branch.themes) > 1:
        return [f"{indent}{branch.name}", f"{branch.n_posts:,}", "", "", ""]
    s = by_number[branch.themes[0]]
    figures = ["-" if x != x else f"{x:.2f}" for x in (s.confidence, s.stability)]
    return [f"{indent}T{s.theme}  {s.name}", f"{s.n_posts:,}", f"{s.n_groups:,}", *figures]


def _show_theme(s: ThemeSummary, examples: tuple[Post, ...]) -> None:
    say(f"T{s.theme}  {s.name}")
    rows: list[tuple[str, object]] = [
        ("posts", f"{s.n_posts:,} ({s.n_groups:,} distinct)"),
        ("confidence", "-" if s.confidence != s.confidence else f"{s.confidence:.2f}"),
        ("stability", "-" if s.stability != s.stability else f"{s.stability:.2f}"),
        ("keywords", ", ".join(term for term, _ in s.keywords)),
    ]
    if s.months:
        rows.append(("months", f"{s.months[0][0]} {_sparks(dict(s.months))} {s.months[-1][0]}"))
    if s.channels:
        rows.append(("channels", ", ".join(f"{name} {n:,}" for name, n in s.channels[:6])))
    show_rows(rows)
    width = shutil.get_terminal_size().columns - 4
    for post in examples:
        where = ", ".join(
            x for x in (post.channel, f"{post.created_at:%Y-%m-%d}" if post.created_at else "") if x
        )
        say(f"  {where or post.post_id}")
        say(f"    {_line(post.text, max(width, 40))}")
    if not examples:
        say(f"  stands for it: {', '.join(s.representative_post_ids)}")


def _sparks(counts: dict[str, int]) -> str:
    """Draw the months from first to last as bars; a month without posts is a blank."""
    first, last = ((int(m[:4]) * 12 + int(m[5:]) - 1) for m in (min(counts), max(counts)))
    names = [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(first, last + 1)]
    most = max(counts.values())
    return "".join(_SPARKS[8 * counts[n] // (most + 1)] if n in counts else " " for n in names)


def _line(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
