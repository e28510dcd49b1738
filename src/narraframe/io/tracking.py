"""Runs and registered models in the workspace's MLflow store."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narraframe.errors import ModelError
from narraframe.io.store import EXPERIMENT, THEMES_EXPERIMENT, explained, open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

_MODEL_URI = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What one training run leaves in MLflow; `bundle` is the model's folder."""

    name: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    figures: Mapping[str, Figure]
    files: Mapping[str, str]
    data_rows: Any
    bundle: Path
    model_code: Path
    requirements: tuple[str, ...]


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
def log_training(store: Path, run: TrainingRun) -> Registered:
    """Write one run, register its model, and point the alias "challenger" at it.

    Raises
    ------
    OutputError
        If the store cannot be written.
    """
    client = open_store(store)
    import mlflow

    mlflow.set_experiment(EXPERIMENT)
    with (
        _without_advice(),
        mlflow.start_run(run_name=run.name, tags=dict(run.tags)) as active,
    ):
        mlflow.log_params(dict(run.parameters))
        mlflow.log_metrics({key: value for key, value in run.metrics.items() if value == value})
        source = mlflow.data.from_pandas(run.data_rows, name="train", source=run.tags["data"])
        mlflow.log_input(source, context="training")
        for file_name, figure in run.figures.items():
            mlflow.log_figure(figure, file_name)
        for file_name, text in run.files.items():
            mlflow.log_text(text, file_name)
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(run.model_code),
            artifacts={"bundle": str(run.bundle)},
            signature=_signature(),
            pip_requirements=list(run.requirements),
            metadata={"codebook": run.tags["codebook"]},
        )
        run_id = active.info.run_id
    _ensure_registered(client, run.name)
    made = client.create_model_version(
        run.name, logged.model_uri, run_id=run_id, model_id=logged.model_id
    )
    client.set_registered_model_alias(run.name, "challenger", made.version)
    return Registered(
        name=run.name,
        version=int(made.version),
        run_id=run_id,
        folder=_bundle_folder(store, logged.model_id),
    )


@explained
def log_themes(
    store: Path,
    *,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    files: Mapping[str, str],
) -> str:
    """Write one run of theme discovery and return its id; metrics that are nan are left out.

    Raises
    ------
    OutputError
        If the store cannot be written.
    """
    open_store(store)
    import mlflow

    mlflow.set_experiment(THEMES_EXPERIMENT)
    with _without_advice(), mlflow.start_run(run_name="themes", tags=dict(tags)) as active:
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics({key: value for key, value in metrics.items() if value == value})
        for file_name, text in files.items():
            mlflow.log_text(text, file_name)
        return str(active.info.run_id)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep MLflow's advice on type hints, examples and data sources off the user's terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mlflow")
        yield


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
    folder = _bundle_folder(store, _model_id(found))
    return Registered(
        name=found.name, version=int(found.version), run_id=found.run_id, folder=folder
    )


@explained
def set_alias(store: Path, name: str, alias: str, version: int) -> None:
    """Point `alias` of the registered model `name` at `version`."""
    open_store(store).set_registered_model_alias(name, alias, str(version))


@explained
def aliases(store: Path, name: str) -> Mapping[str, int]:
    """Return the version of each alias of the registered model `name`; empty without a model."""
    if not (store / "mlflow.db").exists():
        return {}
    client = open_store(store)
    found = client.search_registered_models(filter_string=f"name = '{name}'")
    return {alias: int(v) for model in found for alias, v in model.aliases.items()}


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


def _ensure_registered(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    text = ColSpec(DataType.string, "text")
    return ModelSignature(inputs=Schema([text]))


def _model_id(version: Any) -> str:
    return str(version.model_id or version.source.rsplit("/", 1)[-1])


def _bundle_folder(store: Path, model_id: str) -> Path:
    """Find the folder below this store, whatever absolute path the database holds."""
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
