"""The command agreement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, columns, cut, say, width, wrapped

if TYPE_CHECKING:
    from narraframe.workflows.agreement_text import Section

_FIGURE = re.compile(r"-|[+-]?\d+(?![^ ,.\[])")


@click.command(short_help="Measure how far the annotators agree.")
@options.output(required=False, what="Also write it, *.md, *.csv or *.json.")
@options.workspace_option
@options.force
def agreement(output: Path | None, workspace: Path | None, force: bool) -> None:
    """Measure how far the annotators agree, and what pre-annotations did to their answers.

    Per facet and label Krippendorff's alpha, per pair of annotators Cohen's kappa, each with its
    interval; the labels whose definition needs work; who disagrees with whom, and on which posts;
    how many pre-annotations were accepted, and whether they moved the answers.

    \b
    Example:
      narraframe agreement -o reports/agreement.md
    """
    from narraframe.workflows.agreement import agreement as run
    from narraframe.workflows.agreement_text import sections

    found = run(
        output=output, workspace=options.find(workspace), force=force, watch=TerminalWatch()
    )
    for section in sections(found.agreement, found.disputes, found.preannotation):
        _show(section)
    if output is not None:
        say(f"{output}: written")


def _show(section: Section) -> None:
    say(section.title)
    if section.rows:
        for line in _lines(section.header, section.rows):
            say(cut(f"  {line}", width()))
    for note in section.notes:
        say(f"  {wrapped(note, indent=4)}")
    say()


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines: figures to the right, words to the left."""
    by_column = list(zip(header, *rows, strict=True))
    widths = [max(map(columns, cells)) for cells in by_column]
    right = [all(_FIGURE.match(cell) for cell in cells[1:]) for cells in by_column]
    for line in (header, *rows):
        cells = (
            " " * (wide - columns(cell)) + cell
            if of_figures
            else cell + " " * (wide - columns(cell))
            for cell, wide, of_figures in zip(line, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()
