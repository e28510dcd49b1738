"""Runs written into the workspace's MLflow store: training with its candidates, themes, scores."""

from __future__ import annotations

import hashlib
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narraframe.io.held_out import write_held_out
from narraframe.io.registry import (
    CHALLENGER,
    Registered,
    bundle_folder,
)
from narraframe.io.store import (
    EXPERIMENT,
    SCORES_EXPERIMENT,
    THEMES_EXPERIMENT,
    explained,
    open_store,
)
from narraframe.records import HeldOut

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient


_METRICS_AT_ONCE = 1_000
_LONGEST_PARAMETER, _LONGEST_METRIC = 6_000, 250


@dataclass(frozen=True, kw_only=True)
class ChildRun:
    """One candidate of an experiment's grid: what it was given, and what came of it.

    `tables` are held-out predictions by the name of their file.
    """

    name: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tables: Mapping[str, HeldOut] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What one training run leaves in MLflow; `bundle` is the model's folder.

    `label_ids` are the columns of its answers; `tables` held-out predictions by the name of their
    file; `children` the candidates that its parameters were chosen from.
    """

    name: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    figures: Mapping[str, Figure]
    files: Mapping[str, str]
    data_rows: Any
    label_ids: Sequence[str]
    bundle: Path
    model_code: Path
    requirements: tuple[str, ...]
    tables: Mapping[str, HeldOut] = field(default_factory=dict)
    children: Sequence[ChildRun] = ()


@explained
def log_training(store: Path, run: TrainingRun) -> Registered:
    """Write one run, its candidates as nested runs, register its model as the "challenger".

    Figures that are nan are left out.

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
        _log(run)
        source = mlflow.data.from_pandas(run.data_rows, name="train", source=run.tags["data"])
        mlflow.log_input(source, context="training")
        for file_name, figure in run.figures.items():
            mlflow.log_figure(figure, file_name)
        for file_name, text in run.files.items():
            mlflow.log_text(text, file_name)
        for child in run.children:
            tags = dict(run.tags) | {"kind": "candidate"}
            with mlflow.start_run(nested=True, run_name=child.name, tags=tags):
                _log(child)
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(run.model_code),
            artifacts={"bundle": str(run.bundle)},
            signature=_signature(run.label_ids),
            input_example=_example(),
            pip_requirements=list(run.requirements),
            metadata={"codebook": run.tags["codebook"]},
        )
        run_id = active.info.run_id
    _ensure_registered(client, run.name)
    made = client.create_model_version(
        run.name, logged.model_uri, run_id=run_id, model_id=logged.model_id
    )
    client.set_registered_model_alias(run.name, CHALLENGER, made.version)
    return Registered(
        name=run.name,
        version=int(made.version),
        run_id=run_id,
        folder=bundle_folder(store, logged.model_id),
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


@explained
def log_scores(
    store: Path,
    *,
    name: str,
    parameters: Mapping[str, str],
    metrics: Mapping[str, float],
    extra: Mapping[str, float] | None = None,
) -> str:
    """Write one run of the kind "score" and return its id.

    Parameters
    ----------
    store : Path
        The workspace's store.
    name : str
        Of the run.
    parameters, metrics : mapping
        What was scored by what, and what came of it; metrics that are nan are left out.
    extra : mapping of str to float, default=None
        Further figures of the same posts, such as those of drift.

    Raises
    ------
    OutputError
        If the store cannot be written.
    """
    client = open_store(store)
    from mlflow.entities import Metric, Param, RunTag

    experiment = client.get_experiment_by_name(SCORES_EXPERIMENT)
    tags = {"kind": "score", "model": name}
    run = client.create_run(experiment.experiment_id, run_name=name, tags=tags)
    run_id, now = run.info.run_id, run.info.start_time
    known = {key: value for key, value in {**metrics, **(extra or {})}.items() if value == value}
    logged = [Metric(_metric_name(key), value, now, 0) for key, value in known.items()]
    given = [Param(key, value[:_LONGEST_PARAMETER]) for key, value in parameters.items()]
    client.log_batch(run_id, params=given, tags=[RunTag(*tag) for tag in tags.items()])
    for start in range(0, len(logged), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=logged[start : start + _METRICS_AT_ONCE])
    client.set_terminated(run_id)
    return str(run_id)


def _metric_name(key: str) -> str:
    """Return `key` as MLflow takes it: of letters, digits and a few signs, and not too long.

    What is cut off stands as a digest, so that keys that begin alike stay apart.
    """
    plain = re.sub(r"[^/\w.\- :]+", "_", key)
    if len(plain) <= _LONGEST_METRIC:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:16]
    return f"{plain[: _LONGEST_METRIC - 17]}-{digest}"


def _log(run: TrainingRun | ChildRun) -> None:
    """Log to the active run what every run has: each kind at once, as single calls take seconds."""
    import mlflow

    mlflow.log_params(dict(run.parameters))
    known = {_metric_name(key): value for key, value in run.metrics.items() if value == value}
    mlflow.log_metrics(known)
    with tempfile.TemporaryDirectory() as folder:
        for file_name, table in run.tables.items():
            write_held_out(Path(folder) / file_name, table)
        mlflow.log_artifacts(folder)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep MLflow's advice on type hints, examples and data sources off the user's terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mlflow")
        yield


def _ensure_registered(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _signature(label_ids: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(DataType.float, label_id) for label_id in label_ids]),
        params=ParamSchema([ParamSpec("output", DataType.string, "probability")]),
    )


def _example() -> Any:
    """Return posts that show how to ask; none of the training, which may not be made public."""
    import pandas as pd

    return pd.DataFrame(
        {"text": ["The port reopened today, and the first ships with grain have left.", None]}
    )
