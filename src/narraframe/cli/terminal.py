"""What the user sees: progress on a terminal, warnings, tables of figures, one line an error."""

from __future__ import annotations

import shutil
import sys
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate

import click


class TerminalWatch:
    """Progress bars with rate and time left on a terminal, and none where output is a file."""

    @contextmanager
    def stage(
        self, name: str, *, total: int | None = None, unit: str = "posts"
    ) -> Iterator[Callable[[int], None]]:
        """Open a stage; see `workflows.watch.Watch`."""
        from tqdm import tqdm

        with tqdm(
            desc=name, total=total, unit=f" {unit}", disable=None, file=sys.stderr, leave=False
        ) as bar:
            yield lambda n: bar.update(n) and None

    @contextmanager
    def reading(self, name: str, *, total: int | None) -> Iterator[Callable[[int, int], None]]:
        """Open a stage that is measured in bytes and shown in posts; see `workflows.watch.Watch`.

        Where the end is known, the time that is left is shown, too.
        """
        if total is None:
            with self.stage(name) as step:
                yield lambda posts, _read: step(posts)
            return
        from tqdm import tqdm

        form = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"
        with tqdm(
            desc=name, total=total, bar_format=form, disable=None, file=sys.stderr, leave=False
        ) as bar:
            n_posts = 0

            def step_on(posts: int, read: int) -> None:
                nonlocal n_posts
                n_posts += posts
                seconds = bar.format_dict["elapsed"] if not bar.disable else 0
                rate = f", {n_posts / seconds:,.0f} posts/s" if seconds else ""
                bar.set_postfix_str(f"{n_posts:,} posts{rate}", refresh=False)
                bar.update(read)

            yield step_on

    def warn(self, line: str) -> None:
        """Show one warning."""
        click.echo(f"warning: {line}", err=True)


def show_rows(rows: Iterable[tuple[str, object]]) -> None:
    """Print names and values in two columns, numbers with thousands separators."""
    kept = [(name, f"{v:,}" if isinstance(v, int) else str(v)) for name, v in rows]
    width = max((len(name) for name, _ in kept), default=0)
    right = max((len(value) for _, value in kept), default=0) if kept else 0
    numeric = all(value.replace(",", "").isdigit() for _, value in kept)
    for name, value in kept:
        click.echo(
            f"  {name:<{width}}  {value:>{right}}" if numeric else f"  {name:<{width}}  {value}"
        )


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(columns(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [line[0] + " " * (widths[0] - columns(line[0]))]
        cells += [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
        click.echo("  " + "  ".join(cells).rstrip())


def say(line: str = "") -> None:
    """Print one line of the result."""
    click.echo(line)


def width() -> int:
    """Return the columns of the terminal; 80 where output is none."""
    return shutil.get_terminal_size().columns


def flat(text: str) -> str:
    """Return `text` on one line, without characters that would move the cursor."""
    shown = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join(shown.split())


def columns(text: str) -> int:
    """Return how many columns `text` takes: Han, Kana, Hangul and most emoji take two a letter."""
    return sum(_columns(c) for c in text)


def cut(line: str, most: int) -> str:
    """Return `line`, or as much of it as `most` columns hold."""
    if columns(line) <= most:
        return line
    ends = accumulate(_columns(c) for c in line)
    return f"{line[: sum(end < most for end in ends)].rstrip()}…"


def told_apart(names: Mapping[str, str], most: int) -> dict[str, str]:
    """Return `names` by key, cut to `most` columns; those that would look alike, whole.

    Names that are the same have their key behind them.
    """
    whole = {key: flat(name) for key, name in names.items()}
    same = Counter(whole.values())
    whole = {k: name if same[name] == 1 else f"{name} ({k})" for k, name in whole.items()}
    short = {key: cut(name, most) for key, name in whole.items()}
    alike = Counter(short.values())
    return {key: name if alike[name] == 1 else whole[key] for key, name in short.items()}


def _columns(c: str) -> int:
    if unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def wrapped(text: str, *, indent: int, lines: int | None = None) -> str:
    """Return `text` in lines that fit, `lines` at most; all but the first are indented."""
    return textwrap.fill(
        flat(text),
        max(width() - indent, 20),
        max_lines=lines,
        placeholder=" …",
    ).replace("\n", "\n" + " " * indent)
