"""Scores in a table of a DuckDB file; scoring again updates it, as in `io.sql_scores`.

The table has no index, since DuckDB holds those in memory: the key is kept unique by replacing the
rows of a window's posts in one transaction. DuckDB itself refuses a second process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from narraframe.errors import OutputError
from narraframe.io.sql_scores import KEY, keyed, missing_extra

_MEMORY = "256MB"
_TYPES = {pa.string(): "VARCHAR", pa.float32(): "FLOAT", pa.bool_(): "BOOLEAN"}
_GO_ON = "Free some space, or look at the file; the same command then goes on from there."


class DuckScores:
    """One model's scores in one table; made by `open_duckdb`. `n_dropped` as in `io.journal`."""

    def __init__(self, database: Any, table: str, schema: pa.Schema, name: str, run: str) -> None:
        self._database, self._name, self._run = database, name, run
        self._table, self._progress = _quoted(table), _quoted(f"{table}_progress")
        others = [field for field in schema if field.name not in KEY]
        self._schema = pa.schema([*((key, pa.string()) for key in KEY), *map(_plain, others)])
        self._make()
        with self._transaction() as run_sql:
            mine = f"FROM {self._progress} WHERE model_name = ? AND run <> ?"
            (n,) = run_sql(f"SELECT count(*) {mine}", [name, run]).fetchone()
            run_sql(f"DELETE {mine}", [name, run])
        self.n_dropped = int(n)

    def note_of(self, window: int, digest: str) -> str | None:
        """Return what was noted of a finished window; None if it is not, or of another input."""
        found = self._database.execute(
            f"SELECT note FROM {self._progress} "  # noqa: S608
            "WHERE model_name = ? AND part = ? AND digest = ?",
            [self._name, window, digest],
        ).fetchone()
        return None if found is None else str(found[0])

    def put(self, window: int, digest: str, rows: pa.Table, note: str) -> None:
        """Let the rows of a window replace those that its posts had, all or none."""
        records = [keyed(row, self._name) for row in rows.to_pylist()]
        names = ", ".join(map(_quoted, self._schema.names))
        block = pa.Table.from_pylist(records, schema=self._schema)
        self._database.register("narraframe_window", block)
        try:
            with self._transaction() as run:
                run(
                    f"DELETE FROM {self._table} WHERE model_name = ? "  # noqa: S608
                    "AND post_id IN (SELECT post_id FROM narraframe_window)",
                    [self._name],
                )
                run(
                    f"INSERT INTO {self._table} ({names}) "  # noqa: S608
                    f"SELECT {names} FROM narraframe_window"
                )
                # what is noted behind it may be of an input whose rows these just replaced
                run(
                    f"DELETE FROM {self._progress} WHERE model_name = ? AND part >= ?",  # noqa: S608
                    [self._name, window],
                )
                run(
                    f"INSERT INTO {self._progress} VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                    [self._name, window, self._run, digest, note],
                )
        finally:
            self._database.unregister("narraframe_window")

    def finish(self, n_windows: int) -> None:  # noqa: ARG002 - as all sinks have it
        """Forget the progress: the next run begins anew."""
        with self._transaction() as run:
            run(f"DELETE FROM {self._progress} WHERE model_name = ?", [self._name])  # noqa: S608

    def _make(self) -> None:
        columns = ", ".join(
            f"{_quoted(field.name)} {_TYPES[field.type]}{' NOT NULL' * (field.name in KEY)}"
            for field in self._schema
        )
        run = self._database.execute
        run(f"SET memory_limit = '{_MEMORY}'")
        run(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns})")
        run(
            f"CREATE TABLE IF NOT EXISTS {self._progress} "
            "(model_name VARCHAR, part INTEGER, run VARCHAR, digest VARCHAR, note VARCHAR)"
        )
        there = [column[0] for column in run(f"SELECT * FROM {self._table} LIMIT 0").description]  # noqa: S608
        if missing := [name for name in self._schema.names if name not in there]:
            raise OutputError(
                f"the table {self._table} is another one: it lacks {', '.join(missing)}",
                remedy="Choose another --table.",
            )

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        self._database.execute("BEGIN")
        try:
            yield self._database.execute
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@contextmanager
def open_duckdb(
    path: Path, *, table: str, schema: pa.Schema, model: str, identity: Mapping[str, str]
) -> Iterator[DuckScores]:
    """Yield the sink of scores of `model` in `table` of the DuckDB file `path`.

    Raises
    ------
    UsageError
        If duckdb is not installed.
    OutputError
        If the file is no such database, is held by another process, or cannot be written.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise missing_extra("duckdb", str(path)) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(duckdb.connect(str(path))) as database:
            run = json.dumps(dict(identity), sort_keys=True)
            yield DuckScores(database, table, schema, model, run)
    except (duckdb.Error, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "lock" in reason.lower():
            reason = "is being written by another process"
        raise OutputError(f"DuckDB refuses: {reason}", where=path, remedy=_GO_ON) from error


def _plain(field: pa.Field) -> pa.Field:
    """Return the column as it is kept: what is neither text, number nor yes or no is JSON."""
    return field if field.type in _TYPES else pa.field(field.name, pa.string())


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
