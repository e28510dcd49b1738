"""The MLflow store of a workspace: a SQLite database and artefacts, in a folder that may be moved.

MLflow writes absolute artefact paths into its database, so a store that was moved or copied could
no longer load its models (mlflow#3144). `open_store` notices that and rewrites them.
"""

from __future__ import annotations

import functools
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from narraframe.errors import ModelError, NarraframeError, OutputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

P = ParamSpec("P")
R = TypeVar("R")

EXPERIMENT = "narraframe"
THEMES_EXPERIMENT = "narraframe-themes"
SCORES_EXPERIMENT = "narraframe-scores"
_REFUSALS = tuple(
    f"SQLITE_{kind}" for kind in ("FULL", "IOERR", "READONLY", "CANTOPEN", "BUSY", "LOCKED", "PERM")
)
_PATH_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def open_store(store: Path) -> MlflowClient:
    """Return a client of the workspace's store, made on first use.

    Raises
    ------
    OutputError
        If the folder cannot be written, or has a name that the store's address cannot hold.
    ModelError
        If the database is damaged.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    for name in ("alembic", "mlflow"):
        # what they would log as an error comes to the user as an exception
        logging.getLogger(name).setLevel(logging.CRITICAL)
    store = store.resolve()
    if "?" in str(store):
        # SQLAlchemy would take the rest for options, and put the database somewhere else
        raise OutputError(
            "the model store cannot lie below a folder with ? in its name",
            where=store,
            remedy="Rename that folder.",
        )
    try:
        (store / "artifacts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the model store cannot be made: {error.strerror}",
            where=store,
            remedy="Choose a workspace that you may write to.",
        ) from error
    database = store / "mlflow.db"
    if database.exists():
        _relocate(store)
    else:
        _make_database(store)
    uri = f"sqlite:///{database}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return _client(database, store)


def explained(function: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """Let `function`, whose first argument is the store, say when its database is at fault."""

    @functools.wraps(function)
    def wrapped(store: Path, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(store, *args, **kwargs)
        except NarraframeError:
            raise
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, sqlite3.DatabaseError):
                cause = cause.__cause__
            if cause is None:
                raise
            raise _fault(store / "mlflow.db", cause) from error

    return wrapped


def _client(database: Path, store: Path) -> MlflowClient:
    """Return a client of `database` in which the experiments stand."""
    import mlflow

    uri = f"sqlite:///{database}"
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    for name in (EXPERIMENT, THEMES_EXPERIMENT, SCORES_EXPERIMENT):
        if client.get_experiment_by_name(name) is None:
            client.create_experiment(name, artifact_location=str(store / "artifacts"))
    return client


def _make_database(store: Path) -> None:
    """Make the database beside its place, then put it there whole.

    MLflow makes its tables in seconds of many steps: an interruption, or a second process in the
    midst of them, would leave a database that works for nobody.
    """
    temporary = store / f".mlflow.{os.getpid()}.db"
    try:
        _client(temporary, store)
        _put(temporary, store / "mlflow.db")
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, database: Path) -> None:
    # unlike a rename, a link never replaces the database of a process that was faster
    try:
        database.hardlink_to(temporary)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        temporary.replace(database)


def _relocate(store: Path) -> None:
    """Let the database's paths begin with this store, if it was made in another place."""
    database = store / "mlflow.db"
    new = str(store / "artifacts")
    try:
        with closing(sqlite3.connect(database)) as connection, connection:
            query = "SELECT artifact_location FROM experiments WHERE name = ?"
            row = connection.execute(query, (EXPERIMENT,)).fetchone()
            if row is None or row[0] == new:
                return
            for table, column in _PATH_COLUMNS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                    f"WHERE substr({column}, 1, ?) = ?",
                    (new, len(row[0]) + 1, len(row[0]), row[0]),
                )
    except sqlite3.DatabaseError as error:
        raise _fault(database, error) from error


def _fault(database: Path, error: sqlite3.DatabaseError) -> NarraframeError:
    if getattr(error, "sqlite_errorname", "").startswith(_REFUSALS):
        return OutputError(
            f"the model store cannot be read or written: {error}",
            where=database,
            remedy="Free some space, look at its rights, or wait for another command to end.",
        )
    return ModelError(
        f"the model store is damaged: {error}",
        where=database,
        remedy="Restore it from a copy, or move it away and train again.",
    )
