"""Registered models: found by address, and which of their versions is, and was, the champion."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narraframe.errors import ModelError
from narraframe.io.store import EXPERIMENT, explained, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
_HISTORY = "champions"
_PLACE = "SELECT artifact_location FROM experiments WHERE name = ?"
_BY_VERSION = """
SELECT name, version, run_id, source FROM model_versions
WHERE name = ? AND version = ? AND current_stage != 'Deleted_Internal'
"""
_BY_ALIAS = """
SELECT v.name, v.version, v.run_id, v.source FROM model_versions AS v
JOIN registered_model_aliases AS a ON a.name = v.name AND a.version = v.version
WHERE a.name = ? AND a.alias = ? AND v.current_stage != 'Deleted_Internal'
"""
_MODEL_URI = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A registered model version and the folder that holds it."""

    name: str
    version: int
    run_id: str
    folder: Path

    @property
    def title(self) -> str:
        """The name under which scores and reports quote the model."""
        return f"{self.name}/{self.version}"


@explained
def find_model(store: Path, uri: str) -> Registered:
    """Return the registered model that `uri` names.

    Parameters
    ----------
    store : Path
        The workspace's store.
    uri : str
        ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Raises
    ------
    ModelError
        If `uri` is malformed, or there is no such model, alias or version; the message lists what
        there is.
    """
    match = _MODEL_URI.fullmatch(uri)
    if not match:
        raise ModelError(
            "is not the address of a model",
            where=uri,
            remedy="Write models:/NAME@champion, models:/NAME@challenger or models:/NAME/3.",
        )
    if not (store / "mlflow.db").exists():
        raise ModelError(
            "there is no model yet in this workspace",
            where=uri,
            got=str(store),
            remedy="Train one with: narraframe train.",
        )
    found = _read_directly(store, match)
    if found is not None:
        return found
    return _ask_mlflow(store, uri, match)


def _read_directly(store: Path, match: re.Match[str]) -> Registered | None:
    """Read the database as MLflow would, without the seconds that importing it takes.

    None where anything is not as expected: a moved store, another schema, nothing found. MLflow is
    asked then, and says what is wrong.
    """
    try:
        address = f"{(store.resolve() / 'mlflow.db').as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            places = connection.execute(_PLACE, (EXPERIMENT,)).fetchall()
            if places != [(str(store.resolve() / "artifacts"),)]:
                return None
            query = _BY_ALIAS if match["alias"] else _BY_VERSION
            key = match["alias"] or int(match["version"])
            rows = connection.execute(query, (match["name"], key)).fetchall()
    except (sqlite3.Error, OverflowError):
        return None
    if len(rows) != 1:
        return None
    name, version, run_id, source = rows[0]
    try:
        folder = bundle_folder(store, _last_part(source))
        return Registered(name=name, version=int(version), run_id=run_id, folder=folder)
    except (AttributeError, TypeError, ValueError, ModelError):
        return None


def _ask_mlflow(store: Path, uri: str, match: re.Match[str]) -> Registered:
    client = open_store(store)
    from mlflow.exceptions import MlflowException

    try:
        if match["alias"]:
            found = client.get_model_version_by_alias(match["name"], match["alias"])
        else:
            found = client.get_model_version(match["name"], match["version"])
    except MlflowException as error:
        raise ModelError(
            "there is no such model, alias or version",
            where=uri,
            remedy=_what_there_is(client, match["name"]),
        ) from error
    folder = bundle_folder(store, _model_id(found))
    return Registered(
        name=found.name, version=int(found.version), run_id=found.run_id, folder=folder
    )


@explained
def set_alias(store: Path, name: str, alias: str, version: int) -> None:
    """Point `alias` of the registered model `name` at `version`."""
    open_store(store).set_registered_model_alias(name, alias, str(version))


@explained
def champions(store: Path, name: str) -> tuple[int, ...]:
    """Return the versions that were champion of `name`, in order; the last one is it now.

    What stands in the history after the present champion was left behind, or was being crowned when
    the work was interrupted: it does not count. A champion that was set by other means than
    `set_champions` comes last all the same. Empty where there is no champion.
    """
    now = aliases(store, name).get(CHAMPION)
    if now is None:
        return ()
    tags = open_store(store).get_registered_model(name).tags
    known = tuple(int(version) for version in tags.get(_HISTORY, "").split())
    return known[: len(known) - known[::-1].index(now)] if now in known else (*known, now)


@explained
def set_champions(
    store: Path, name: str, versions: Sequence[int], *, tags: Mapping[int, Mapping[str, str]]
) -> None:
    """Make the last of `versions` the champion and the one before it the "previous"; tag versions.

    Parameters
    ----------
    store : Path
        The workspace's store.
    name : str
        A registered model.
    versions : sequence of int
        Its champions, in order; at least one.
    tags : mapping of int to mapping of str to str
        By version: what is to be remembered of it.
    """
    client = open_store(store)
    # first the history: until the alias follows, `champions` reads the old champion out of it
    client.set_registered_model_tag(name, _HISTORY, " ".join(map(str, versions)))
    client.set_registered_model_alias(name, CHAMPION, str(versions[-1]))
    if len(versions) > 1:
        client.set_registered_model_alias(name, PREVIOUS, str(versions[-2]))
    else:
        client.delete_registered_model_alias(name, PREVIOUS)
    for version, notes in tags.items():
        for key, value in notes.items():
            client.set_model_version_tag(name, str(version), key, value)


@explained
def aliases(store: Path, name: str) -> Mapping[str, int]:
    """Return the version of each alias of the registered model `name`; empty without a model."""
    if not (store / "mlflow.db").exists():
        return {}
    client = open_store(store)
    found = client.search_registered_models(filter_string=f"name = '{name}'")
    return {alias: int(v) for model in found for alias, v in model.aliases.items()}


@explained
def n_measured(store: Path, name: str, metric: str) -> int:
    """Count the versions of a model whose runs logged `metric`."""
    client = open_store(store)
    versions = client.search_model_versions(f"name='{name}'")
    return sum(metric in client.get_run(version.run_id).data.metrics for version in versions)


@explained
def model_titles(store: Path) -> tuple[str, ...]:
    """Return the registered models as "name @champion=2 @challenger=3", in order of name."""
    if not (store / "mlflow.db").exists():
        return ()
    models = open_store(store).search_registered_models()
    return tuple(
        " ".join([model.name, *(f"@{a}={v}" for a, v in sorted(model.aliases.items()))])
        for model in sorted(models, key=lambda model: model.name)
    )


def _model_id(version: Any) -> str:
    return str(version.model_id or _last_part(version.source))


def _last_part(source: str) -> str:
    return source.rsplit("/", 1)[-1]


def bundle_folder(store: Path, model_id: str) -> Path:
    """Find the model's folder below this store, whatever absolute path the database holds.

    Raises
    ------
    ModelError
        If it is gone.
    """
    found = sorted(store.resolve().glob(f"artifacts/**/{model_id}/artifacts/artifacts/*"))
    if not found:
        raise ModelError(
            "the registered model's files are gone",
            where=store,
            got=model_id,
            remedy="Restore the store's artifacts folder, or train again.",
        )
    return found[0]


def _what_there_is(client: MlflowClient, name: str) -> str:
    models = client.search_registered_models()
    if name not in {model.name for model in models}:
        names = ", ".join(sorted(model.name for model in models)) or "none"
        return f"Registered models: {names}."
    versions = client.search_model_versions(f"name = '{name}'")
    have = ", ".join(sorted((str(v.version) for v in versions), key=int))
    alias = ", ".join(f"@{a}" for m in models if m.name == name for a in sorted(m.aliases))
    return f"The model {name} has versions {have} and aliases {alias or 'none'}."
