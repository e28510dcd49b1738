"""Register: one MLflow run, one model version, and the small files that git keeps of them."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from narraframe.config import Workspace
from narraframe.errors import ConfigError
from narraframe.io.codebook import codebook_toml
from narraframe.io.files import check_free, write_text
from narraframe.io.models import Bundle, quality_json
from narraframe.io.tracking import Registered, TrainingRun, log_training
from narraframe.records import Estimate, Quality
from narraframe.report.plots import label_quality
from narraframe.workflows.card import model_card
from narraframe.workflows.training_data import TrainingData

_REQUIREMENTS = ("torch", "sentence-transformers", "scikit-learn", "skops", "mlflow")
FIGURES = ("precision", "recall", "f1", "average_precision")


def register(
    bundle: Bundle, folder: Path, *, data: TrainingData, workspace: Workspace
) -> tuple[Registered, Path]:
    """Log the run, register the model, and write results, registry entry and model card.

    Returns
    -------
    The registered model, and the path of its card.
    """
    record, quality = bundle.record, bundle.quality
    results = results_csv(quality)
    run = TrainingRun(
        name=record.name,
        parameters=_flat(record.experiment) | {"encoder": record.encoder},
        metrics=dict(_metrics(quality)),
        tags={
            "kind": "train",
            "data": record.experiment["data"]["posts"],
            "data_sha256": _data_sha256(data),
            "codebook": record.codebook_version,
            "codebook_sha256": record.codebook_sha256,
            "purpose": record.experiment["purpose"],
        },
        figures={"f1_by_label.png": label_quality(quality)},
        files={
            "results.csv": results,
            "quality.json": quality_json(quality),
            "codebook.toml": codebook_toml(bundle.codebook),
        },
        data_rows=pd.DataFrame(data.targets.y, columns=list(data.targets.label_ids)).assign(
            post_id=data.targets.post_ids
        ),
        bundle=folder,
        model_code=Path(__file__).with_name("pyfunc_model.py"),
        requirements=tuple(f"{name}=={_release(name)}" for name in _REQUIREMENTS),
    )
    model = log_training(workspace.store, run)
    places = _places(workspace, record.name)
    write_text(places.results, results, force=True)
    write_text(places.card, model_card(bundle, title=model.title), force=True)
    _write_registry(places.registry, bundle, model)
    return model, places.card


def check_places(workspace: Workspace, *, name: str) -> None:
    """Look, before the work of training, at the places where `register` will write.

    Raises
    ------
    OutputError
        If one of them lies below a file.
    ConfigError
        If the registry that is there cannot be read.
    """
    places = _places(workspace, name)
    for path in (places.results, places.card, places.registry, workspace.store):
        check_free(path, force=True)
    _read_registry(places.registry)


def results_csv(quality: Quality) -> str:
    """Return the figures as CSV: one row a label, then micro and macro; undefined cells empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")]
    writer.writerow(["label_id", "n_known", "n_positive", "threshold", *columns])
    for row in quality.labels:
        cells = [_cells(getattr(row, name)) for name in FIGURES]
        known = [row.label_id, row.n_known, row.n_positive, _cell(row.threshold)]
        writer.writerow([*known, *(cell for group in cells for cell in group)])
    for name, f1 in (("(micro)", quality.micro_f1), ("(macro)", quality.macro_f1)):
        writer.writerow([name, f1.n, "", "", *[""] * 6, *_cells(f1), *[""] * 3])
    return text.getvalue()


@dataclass(frozen=True)
class _Places:
    results: Path
    card: Path
    registry: Path


def _places(workspace: Workspace, name: str) -> _Places:
    paths = workspace.config.paths
    return _Places(
        results=workspace.path(f"{paths.results}/{name}.csv"),
        card=workspace.path(f"{paths.cards}/{name}.md"),
        registry=workspace.path(paths.registry),
    )


def _cells(estimate: Estimate) -> list[str]:
    return [_cell(estimate.value), _cell(estimate.low), _cell(estimate.high)]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _metrics(quality: Quality) -> Iterator[tuple[str, float]]:
    for name in ("micro_f1", "macro_f1", "calibration_error"):
        yield from _named(name, getattr(quality, name))
    for row in quality.labels:
        for name in FIGURES:
            yield from _named(f"{name}/{row.label_id}", getattr(row, name))


def _named(name: str, estimate: Estimate) -> Iterator[tuple[str, float]]:
    yield name, estimate.value
    yield f"{name}.low", estimate.low
    yield f"{name}.high", estimate.high


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _data_sha256(data: TrainingData) -> str:
    """Fingerprint the posts' texts and their targets, whatever their order."""
    rows = zip(data.posts, data.targets.y, data.targets.mask, strict=True)
    lines = sorted(
        f"{post.post_id}\t{post.model_text}\t{y.tolist()}\t{mask.tolist()}"
        for post, y, mask in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _release(name: str) -> str:
    """Return the installed version without its local part, which indexes do not serve."""
    return metadata.version(name).split("+")[0]


def _read_registry(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the registry of models cannot be read: {error}",
            where=path,
            remedy="Restore it, for example from git, or remove it.",
        ) from error


def _write_registry(path: Path, bundle: Bundle, model: Registered) -> None:
    registry = _read_registry(path)
    registry[model.name] = {
        "version": model.version,
        "run": model.run_id,
        "encoder": bundle.record.encoder,
        "codebook_version": bundle.record.codebook_version,
        "codebook_sha256": bundle.record.codebook_sha256,
    }
    write_text(path, tomli_w.dumps(dict(sorted(registry.items()))), force=True)
