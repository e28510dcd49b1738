"""Where scores go: a file, a DuckDB file, the table of a database, or a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa

from narraframe.errors import UsageError
from narraframe.io.duckdb_scores import open_duckdb
from narraframe.io.files import check_output
from narraframe.io.journal import is_own, open_journal
from narraframe.io.rows import SUFFIXES, JsonLines
from narraframe.io.sql_scores import open_sql, shown_url

DUCKDB = ".duckdb"
TABLE = "scores"
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+_.-]*://")


class ScoreSink(Protocol):
    """Takes windows of scores, and knows which of them it has from a run that was stopped.

    `n_dropped` counts the finished windows that could not be taken up, as the model was another.
    """

    n_dropped: int

    def note_of(self, window: int, digest: str) -> str | None:
        """Return what was noted of a finished window; None if it is not, or of another input."""
        ...

    def put(self, window: int, digest: str, rows: pa.Table, note: str) -> None:
        """Keep a finished window: when this returns, it outlives the process."""
        ...

    def finish(self, n_windows: int) -> None:
        """Complete the output of `n_windows` windows."""
        ...


def is_url(output: str) -> bool:
    """Tell whether `output` is the address of a database."""
    return _URL.match(output) is not None


def shown(output: str) -> str:
    """Return `output` as it may be shown and logged."""
    return shown_url(output) if is_url(output) else output


def check_sink(output: str, *, inputs: Sequence[str], force: bool, table: str | None) -> None:
    """Refuse an output that must not or cannot be written, before any work is done.

    Raises
    ------
    UsageError
        If `output` ends in none of the known endings and is no address, or `table` does not fit.
    OutputError
        If a file `output` exists and `force` is False, or is one of `inputs`.
    """
    in_database = is_url(output) or output.endswith(DUCKDB)
    if table is not None and not in_database:
        raise UsageError(
            "a file has no tables",
            where="--table",
            got=table,
            remedy="Leave it out, or name a database by -o.",
        )
    if table is not None and not table.strip():
        raise UsageError("is empty", where="--table", remedy="Name a table.")
    if in_database:
        return
    if not output.endswith(SUFFIXES):
        raise UsageError(
            "the ending names no format",
            where=output,
            remedy=f"End it in {', '.join(SUFFIXES)} or {DUCKDB}, name a database such as "
            "sqlite:///scores.db, or pass - for JSON lines on the output.",
        )
    path = Path(output)
    check_output(path, endings=SUFFIXES, inputs=inputs, force=force or is_own(path))


@contextmanager
def open_sink(
    output: str | None,
    *,
    stdout: IO[str],
    table: str | None,
    schema: pa.Schema,
    model: str,
    identity: Mapping[str, str],
    force: bool,
) -> Iterator[ScoreSink]:
    """Yield the sink that `output` names; None is JSON lines to `stdout`.

    Parameters
    ----------
    output : str, default=None
        A file by its ending, or the address of a database.
    stdout : text file
    table : str, default=None
        The table of a database; None is "scores".
    schema : Schema
        Of every window.
    model : str
        The model's name, a part of the key in a database.
    identity : mapping of str to str
        What decides the rows beside the input: unfinished work of another identity is not taken up.
    force : bool
        Replace a file that exists.

    Raises
    ------
    UsageError, OutputError
        As the sinks have it.
    """
    if output is None:
        yield _Stream(stdout)
    elif is_url(output):
        with open_sql(
            output, table=table or TABLE, schema=schema, model=model, identity=identity
        ) as rows:
            yield rows
    elif output.endswith(DUCKDB):
        with open_duckdb(
            Path(output), table=table or TABLE, schema=schema, model=model, identity=identity
        ) as rows:
            yield rows
    else:
        with open_journal(Path(output), schema=schema, identity=identity, force=force) as journal:
            yield journal


class _Stream:
    """JSON lines to whoever reads them now: nothing can be taken up later."""

    n_dropped = 0

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._lines = JsonLines(text)

    def note_of(self, window: int, digest: str) -> str | None:  # noqa: ARG002
        return None

    def put(self, window: int, digest: str, rows: pa.Table, note: str) -> None:  # noqa: ARG002
        self._lines.write(rows)
        self._text.flush()

    def finish(self, n_windows: int) -> None:
        pass
