"""The report as one Markdown file."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from narraframe.report.rows import Cell, Table
from narraframe.report.shown import inert

MOST_ROWS = 60
_MEANT = re.compile(r"([\\`*_\[\]|#~])")


def markdown(title: str, tables: Sequence[Table]) -> str:
    """Write `tables` one after the other; long ones end with how many rows were left out.

    Nothing in a cell acts: markup is escaped, controls are made visible, lines are joined.
    """
    parts = [f"# {_cell(title)}"]
    for table in tables:
        parts.append(f"## {table.title}")
        lines = [_line(table.header), _line(["---"] * len(table.header), meant=True)]
        lines += [_line(row) for row in table.rows[:MOST_ROWS]]
        parts.append("\n".join(lines))
        if len(table.rows) > MOST_ROWS:
            parts.append(f"{len(table.rows) - MOST_ROWS:,} more rows are left out.")
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[Cell], *, meant: bool = False) -> str:
    return f"| {' | '.join(str(c) if meant else _cell(c) for c in cells)} |"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    text = " ".join(inert(str(value)).split())
    return _MEANT.sub(r"\\\1", html.escape(text, quote=False))
