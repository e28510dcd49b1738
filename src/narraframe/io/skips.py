"""Posts that annotators skipped, as labels/skipped.csv keeps them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from narraframe.errors import TableError
from narraframe.io.cells import csv_text, unguard
from narraframe.io.files import write_text

COLUMNS = ("post_id", "annotator")


def write_skips(path: Path, skips: Iterable[tuple[str, str]]) -> None:
    """Write (post_id, annotator) of each skip over what is there; none make no file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [list(skip) for skip in sorted(skips)]
    if rows or path.exists():
        write_text(path, csv_text(COLUMNS, rows), force=True)


def read_skips(path: Path) -> frozenset[tuple[str, str]]:
    """Read the skips; none if there is no file.

    Raises
    ------
    TableError
        If it is no such table.
    """
    if not path.exists():
        return frozenset()
    try:
        header, *rows = csv.reader(io.StringIO(path.read_text("utf-8-sig")), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {header}")
        return frozenset((unguard(post_id), unguard(who)) for post_id, who in rows)
    except (OSError, ValueError, csv.Error) as error:
        raise TableError(
            f"the skipped posts cannot be read: {error}",
            where=path,
            remedy="Restore it, or remove it: the next pull writes it anew.",
        ) from error
