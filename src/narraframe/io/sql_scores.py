"""Scores in a table of any database that SQLAlchemy speaks to; scoring again updates it.

The key is the model's name, the post and the label ("" in the one row of a post without a score).
A window's old rows give way to its new ones in one transaction, which also notes that the window is
done: a run that is killed goes on behind the last window whose rows are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from narraframe.errors import OutputError, UsageError
from narraframe.io.locks import alone

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

KEY = ("model_name", "post_id", "label_id")
_LONGEST_KEY = 1_000  # bytes: PostgreSQL's index takes 2,704 a row
_EXTRAS = {"psycopg": "postgresql", "duckdb": "duckdb"}
_GO_ON = "Look at the database; the same command then goes on from the last window that is there."


class SqlScores:
    """One model's scores in one table; made by `open_sql`. `n_dropped` as in `io.journal`."""

    def __init__(
        self, connection: Connection, table: Table, progress: Table, name: str, run: str
    ) -> None:
        self._connection, self._table, self._progress = connection, table, progress
        self._name, self._run = name, run
        self.n_dropped = self._begin()

    def note_of(self, window: int, digest: str) -> str | None:
        """Return what was noted of a finished window; None if it is not, or of another input."""
        from sqlalchemy import select

        own = self._progress.c
        where = (own.model_name == self._name, own.part == window, own.digest == digest)
        with self._connection.begin():
            found = self._connection.execute(select(own.note).where(*where)).scalar()
        return None if found is None else str(found)

    def put(self, window: int, digest: str, rows: pa.Table, note: str) -> None:
        """Let the rows of a window replace those that its posts had, all or none."""
        from sqlalchemy import bindparam, delete, insert

        records = [keyed(row, self._name) for row in rows.to_pylist()]
        posts = [{"of_post": post_id} for post_id in {row["post_id"]: None for row in records}]
        done = {
            "model_name": self._name, "part": window, "run": self._run,
            "digest": digest, "note": note,
        }  # fmt: skip
        own, run = self._table.c, self._connection.execute
        old = delete(self._table).where(
            own.model_name == self._name, own.post_id == bindparam("of_post")
        )
        with self._connection.begin():
            if posts:
                run(old, posts)
                run(insert(self._table), records)
            # what is noted behind it may be of an input whose rows these just replaced
            run(self._of_model().where(self._progress.c.part >= window))
            run(insert(self._progress), [done])

    def finish(self, n_windows: int) -> None:  # noqa: ARG002 - as all sinks have it
        """Forget the progress: the next run begins anew."""
        with self._connection.begin():
            self._connection.execute(self._of_model())

    def _begin(self) -> int:
        """Keep what was noted of the same model and version; forget any other, and return it."""
        with self._connection.begin():
            others = self._of_model().where(self._progress.c.run != self._run)
            return int(self._connection.execute(others).rowcount)

    def _of_model(self) -> Any:
        from sqlalchemy import delete

        return delete(self._progress).where(self._progress.c.model_name == self._name)


@contextmanager
def open_sql(
    url: str, *, table: str, schema: pa.Schema, model: str, identity: Mapping[str, str]
) -> Iterator[SqlScores]:
    """Yield the sink of scores of `model` in `table` of the database at `url`.

    Raises
    ------
    UsageError
        If `url` or `table` is malformed, or what the database needs is not installed.
    OutputError
        If the database refuses, or another process writes these scores.
    """
    shown = shown_url(url)
    engine = _engine(url)
    run = json.dumps(dict(identity), sort_keys=True)
    if engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:"):
        raise UsageError(
            "a database in memory keeps no scores",
            where=shown,
            remedy="Name a file: sqlite:///scores.db.",
        )
    with _explained(shown), ExitStack() as stack:
        stack.callback(engine.dispose)
        if engine.dialect.name == "sqlite":
            file = Path(engine.url.database).absolute()
            stack.enter_context(alone(file.with_name(f".{file.name}.lock"), what=shown))
        connection = stack.enter_context(engine.connect())
        if engine.dialect.name == "postgresql":
            _lock(connection, f"{table}\0{model}", shown)
        scores, progress = _tables(connection, table, schema, shown)
        yield SqlScores(connection, scores, progress, model, run)


def shown_url(url: str) -> str:
    """Return `url` without what may be secret: its password and its options."""
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = _parsed(url)
    except (ArgumentError, ValueError):
        return url.partition("://")[0] + "://..."
    password = "***" if parsed.password is not None else None
    return str(parsed.set(query={}, password=password).render_as_string(hide_password=True))


def keyed(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a row of the table SCORES as the databases have it: its key is never null."""
    plain = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()}
    key = {"model_name": name, "label_id": row["label_id"] or ""}
    return plain | key | {"post_id": _short(row["post_id"])}


def _short(post_id: str) -> str:
    """Return an id as an index can hold it: one of thousands of letters is cut, with a digest."""
    if len(post_id.encode()) <= _LONGEST_KEY:
        return post_id
    return f"{post_id[:100]}… sha256:{sha256(post_id.encode()).hexdigest()}"


def missing_extra(package: str, where: str) -> UsageError:
    """Return the error for a database whose Python package is not installed."""
    extra = _EXTRAS.get(package)
    wanted = f'"narraframe[{extra}]"' if extra else package
    return UsageError(
        f"the package {package} is not installed",
        where=where,
        remedy=f"Install it: pip install {wanted}",
    )


def _parsed(url: str) -> Any:
    from sqlalchemy import make_url

    parsed = make_url(url)
    # the driver that SQLAlchemy would take by itself is the old one
    new = parsed.drivername in ("postgresql", "postgres")
    return parsed.set(drivername="postgresql+psycopg") if new else parsed


def _engine(url: str) -> Any:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    shown = shown_url(url)
    try:
        return create_engine(_parsed(url), poolclass=NullPool, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "of the database's driver", shown) from error
    except NoSuchModuleError as error:
        raise UsageError(
            "SQLAlchemy knows no such database",
            where=shown,
            remedy="Write sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME, or FILE.duckdb.",
        ) from error
    except (ArgumentError, ValueError):
        # without its cause: that may show the password
        raise UsageError(
            "is no address of a database",
            where=shown,
            remedy="Write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME, signs "
            "such as @ and / in the password as %40 and %2F.",
        ) from None


def _tables(connection: Connection, name: str, schema: pa.Schema, shown: str) -> tuple[Any, Any]:
    """Return the table of scores and that of the progress, made where they are not there yet."""
    import sqlalchemy as sa

    key_type = sa.Text().with_variant(sa.String(512), "mysql", "mariadb")
    types: list[tuple[Callable[[Any], bool], Any]] = [
        (pa.types.is_boolean, sa.Boolean()),
        (pa.types.is_floating, sa.REAL()),
        (pa.types.is_integer, sa.BigInteger()),
    ]
    columns = [sa.Column(key, key_type, primary_key=True, quote=True) for key in KEY]
    for field in schema:
        if field.name not in KEY:
            kind = next((kind for fits, kind in types if fits(field.type)), sa.Text())
            columns.append(sa.Column(field.name, kind, quote=True))
    book = sa.MetaData()
    scores = sa.Table(name, book, *columns, quote=True)
    progress = sa.Table(
        f"{name}_progress",
        book,
        sa.Column("model_name", key_type, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(text, sa.Text, nullable=False) for text in ("run", "digest", "note")),
        quote=True,
    )
    try:
        with connection.begin():
            for table in (scores, progress):
                table.create(connection, checkfirst=True)
            inspector = sa.inspect(connection)
            for table in (scores, progress):
                _check_columns(inspector.get_columns(table.name), table, shown)
    except sa.exc.IdentifierError as error:
        raise UsageError(
            "the name is too long for this database",
            where="--table",
            got=name,
            remedy="Choose a shorter one.",
        ) from error
    return scores, progress


def _check_columns(there: list[Any], table: Table, shown: str) -> None:
    missing = [c.name for c in table.columns if c.name not in {have["name"] for have in there}]
    if missing:
        raise OutputError(
            f"the table {table.name!r} is another one: it lacks {', '.join(missing)}",
            where=shown,
            remedy="Choose another --table.",
        )


def _lock(connection: Connection, what: str, shown: str) -> None:
    """Take a lock that the server lets go when the connection ends."""
    from sqlalchemy import text

    key = int.from_bytes(blake2b(what.encode(), digest_size=8).digest(), signed=True)
    with connection.begin():
        free = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar()
    if not free:
        raise OutputError(
            "these scores are being written by another process",
            where=shown,
            remedy="Wait until it has ended, or choose another --table.",
        )


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    """Say what the database says, without the statement, its values and the address."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise OutputError(f"the database refuses: {reason}", where=shown, remedy=_GO_ON) from None
