"""Themes as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from narraframe.cli.terminal import (
    TerminalWatch,
    columns,
    cut,
    flat,
    say,
    show_rows,
    show_table,
    width,
    wrapped,
)

if TYPE_CHECKING:
    from narraframe.records import Post, ThemeSummary
    from narraframe.themes.hierarchy import Branch
    from narraframe.workflows.assigning import Assigned
    from narraframe.workflows.themes_read import NearTheme, ThemesOver, ThemesOverview

_HEADER = ("theme", "posts", "distinct", "confidence", "stability")
_FIGURES = ("stability", "stability_resampled", "npmi", "diversity", "outlier_share")
_BARS = "▁▂▃▄▅▆▇█"
_MOST_SLICES = 24
_LINES_OF_A_POST = 3


def numbers(themes: Iterable[int]) -> str:
    """Write theme numbers as "T1, T2 and T3"."""
    written = [f"T{theme}" for theme in themes]
    return " and ".join(filter(None, [", ".join(written[:-1]), *written[-1:]]))


def show_summaries(summaries: Iterable[ThemeSummary]) -> None:
    """Print one line a theme: posts, number, name."""
    for s in summaries:
        say(cut(f"{s.n_posts:8,} posts  {_title(s.theme, s.name)}", width()))


def show_overview(seen: ThemesOverview, watch: TerminalWatch) -> None:
    """Print all themes, alike ones together, what the analyst did, and how good they are."""
    content = seen.folder
    for warning in content.warnings:
        watch.warn(warning)
    by_number = {summary.theme: summary for summary in content.summaries}
    say(f"{len(by_number)} themes in {len(content.themes.post_ids):,} posts")
    if by_number:
        _table(_HEADER, [_branch(branch, by_number) for branch in seen.tree])
    rows: list[tuple[str, object]] = [
        ("posts in no theme", f"{(content.themes.theme < 0).sum():,}")
    ]
    rows += [(key.replace("_", " "), _figure(content.figures.get(key))) for key in _FIGURES]
    show_rows(rows)
    for line in seen.curated:
        say(f"  {wrapped(line, indent=4)}")


def show_theme(s: ThemeSummary) -> None:
    """Print what is known of one theme."""
    say(f"{f'T{s.theme}':<4} {wrapped(s.name, indent=5)}")
    rows: list[tuple[str, object]] = [
        ("posts", f"{s.n_posts:,} ({s.n_groups:,} distinct)"),
        ("confidence", _figure(s.confidence)),
        ("stability", _figure(s.stability)),
        ("keywords", ", ".join(term for term, _ in s.keywords)),
    ]
    if s.months:
        rows.append(("months", f"{s.months[0][0]} {_bars(dict(s.months))} {s.months[-1][0]}"))
    if s.channels:
        rows.append(("channels", ", ".join(f"{channel} {n:,}" for channel, n in s.channels[:6])))
    show_rows((name, wrapped(str(value), indent=14)) for name, value in rows)


def show_posts(posts: Iterable[Post]) -> None:
    """Print the beginnings of posts, and where and when they were published."""
    for post in posts:
        day = f"{post.created_at:%Y-%m-%d}" if post.created_at else None
        where = ", ".join(part for part in (post.channel, day) if part)
        say(cut(f"  {flat(post.post_id)}  {flat(where)}".rstrip(), width()))
        say(f"    {wrapped(post.text, indent=4, lines=_LINES_OF_A_POST)}")


def show_near(found: Sequence[NearTheme]) -> None:
    """Print the themes near a sentence."""
    if not found:
        say("there are no themes")
        return
    rows = [
        [
            _title(near.summary.theme, near.summary.name),
            f"{near.similarity:.2f}",
            f"{near.nearest_post:.2f}",
        ]
        for near in found
    ]
    _table(("theme", "similarity", "nearest post"), rows)


def show_slices(found: ThemesOver, by: str) -> None:
    """Print the posts of the largest themes by month or channel, as many as there is room for."""
    slices = found.slices
    rows, which = list(range(len(slices.slices))), "last"
    if by == "channel":
        rows, which = sorted(rows, key=lambda j: -int(slices.n_all[j])), "largest"
    kept = rows[-_MOST_SLICES:] if which == "last" else rows[:_MOST_SLICES]
    names = [cut(flat(slices.slices[j]), width() // 2) for j in kept]
    cell = 2 + max(5, len(f"{slices.n_all.max():,}"))
    room = width() - 2 - max(map(columns, [by, *names])) - cell
    shown = found.summaries[: max(room // cell, 1)]
    show_summaries(shown)
    place = {theme: i for i, theme in enumerate(slices.themes)}
    lines = []
    for name, j in zip(names, kept, strict=True):
        counts = (int(slices.n_posts[place[s.theme], j]) for s in shown)
        cells = [f"{n:,}" if n else "." for n in counts]
        lines.append([name, *(f"{text:>5}" for text in (f"{slices.n_all[j]:,}", *cells))])
    show_table([by, "posts", *(f"T{s.theme}" for s in shown)], lines)
    left_out = []
    if len(kept) < len(rows):
        left_out.append(f"the {which} {len(kept)} of {len(rows)} {by}s")
    if len(shown) < len(found.summaries):
        left_out.append(f"the {len(shown)} largest of {len(found.summaries)} themes")
    if left_out:
        say(f"  {' and '.join(left_out)}; all of them with -o")


def show_assigned(found: Assigned) -> None:
    """Print how many posts went where, and what may be new themes."""
    for theme, name, n in found.by_theme:
        say(cut(f"{n:8,} posts  {_title(theme, name)}", width()))
    for reason, n in found.by_reason:
        say(f"{n:8,} posts  no theme: {reason}")
    for candidate in found.candidates:
        say(
            f"may be a new theme: {candidate.name} ({candidate.n_groups} distinct posts, "
            f"cohesion {candidate.cohesion:.2f})"
        )
        show_posts(candidate.examples)


def _title(theme: int, name: str) -> str:
    return f"{f'T{theme}':<4} {flat(name)}"


def _branch(branch: Branch, by_number: Mapping[int, ThemeSummary]) -> list[str]:
    indent = "  " * branch.depth
    if len(branch.themes) > 1:
        return [f"{indent}{branch.name}", f"{branch.n_posts:,}", "", "", ""]
    s = by_number[branch.themes[0]]
    figures = [_figure(s.confidence), _figure(s.stability)]
    return [f"{indent}{_title(s.theme, s.name)}", f"{s.n_posts:,}", f"{s.n_groups:,}", *figures]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column is cut to the room that the others leave."""
    others = [
        max(map(len, column)) + 2
        for column in zip(header[1:], *(row[1:] for row in rows), strict=True)
    ]
    room = max(width() - 2 - sum(others), 20)
    show_table(header, [[cut(row[0], room), *row[1:]] for row in rows])


def _figure(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.2f}"


def _bars(counts: Mapping[str, int]) -> str:
    """Draw the months from first to last as bars, several in one where there is no room."""
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (min(counts), max(counts)))
    names = [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(first, last + 1)]
    several = -(-len(names) // max(width() - 32, 20))
    sums = [
        sum(counts.get(name, 0) for name in names[i : i + several])
        for i in range(0, len(names), several)
    ]
    return "".join(_BARS[(8 * n - 1) // max(sums)] if n else " " for n in sums)
