"""Runs read back from the workspace's MLflow store, wherever the store lies now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from narraframe.errors import ModelError
from narraframe.io.held_out import read_held_out
from narraframe.io.registry import find_model
from narraframe.io.store import EXPERIMENT, explained, open_store
from narraframe.records import HeldOut

if TYPE_CHECKING:
    from mlflow import MlflowClient

OUT_OF_FOLD, TEST = "held_out.parquet", "test.parquet"
_RUN_ID = re.compile(r"[0-9a-f]{6,32}")
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run: `title` is that of its registered model, or "run 1a2b3c4d"; `folder` holds
    its files; `parameters` are its experiment's settings, such as "data.consensus", and others.
    """

    run_id: str
    title: str
    tags: Mapping[str, str]
    folder: Path
    parameters: Mapping[str, str] = field(default_factory=dict)

    def table(self, file_name: str) -> HeldOut | None:
        """Read the held-out predictions in `file_name`; None where the run left no such file.

        Raises
        ------
        TableError
            If it is damaged.
        """
        path = self.folder / file_name
        return read_held_out(path) if path.exists() else None


@explained
def find_run(store: Path, address: str) -> Run:
    """Return the training run that `address` names.

    Parameters
    ----------
    store : Path
        The workspace's store.
    address : str
        The run's id or its first six or more digits, or the address of a registered model.

    Raises
    ------
    ModelError
        If `address` is malformed, or names no run, or more than one; the message lists them.
    """
    if address.startswith("models:"):
        found = find_model(store, address)
        return _read(open_store(store), found.run_id, title=found.title)
    if not _RUN_ID.fullmatch(address):
        raise ModelError(
            "is neither a run nor the address of a model",
            where=address,
            remedy="Write a run's id (six digits of it are enough) or models:/NAME@champion.",
        )
    if not (store / "mlflow.db").exists():
        raise ModelError(
            "there is no run yet in this workspace",
            where=address,
            got=str(store),
            remedy="Train a model with: narraframe train.",
        )
    client = open_store(store)
    run_id = _only(client, address)
    return _read(client, run_id, title=f"run {run_id[:8]}")


def _only(client: MlflowClient, prefix: str) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs(
        [experiment.experiment_id],
        filter_string=f"attributes.run_id LIKE '{prefix}%'",
        max_results=_SHOWN,
    )
    if len(runs) == 1:
        return str(runs[0].info.run_id)
    if runs:
        raise ModelError(
            "more than one run begins so",
            where=prefix,
            got=", ".join(sorted(run.info.run_id for run in runs)),
            remedy="Write more digits of the one that you mean.",
        )
    newest = client.search_runs([experiment.experiment_id], max_results=_SHOWN)
    names = ", ".join(f"{run.info.run_id[:8]} ({run.info.run_name})" for run in newest)
    raise ModelError("there is no such run", where=prefix, remedy=f"The newest: {names or 'none'}.")


def _read(client: MlflowClient, run_id: str, *, title: str) -> Run:
    run = client.get_run(run_id)
    return Run(
        run_id=run_id,
        title=title,
        tags=dict(run.data.tags),
        parameters=dict(run.data.params),
        folder=Path(run.info.artifact_uri),
    )
