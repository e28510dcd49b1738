"""What a training leaves in MLflow: settings, figures, predictions, candidates, pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from narraframe.io.codebook import codebook_toml
from narraframe.io.models import Bundle, quality_json
from narraframe.io.runs import OUT_OF_FOLD, TEST
from narraframe.io.tracking import ChildRun, TrainingRun
from narraframe.report.plots import label_quality
from narraframe.report.reliability_plot import reliability_curves
from narraframe.workflows.fitting import Candidate, Fitted
from narraframe.workflows.measuring import Measured
from narraframe.workflows.results import leak_csv, overall_metrics, results_csv, run_metrics
from narraframe.workflows.training_data import TrainingData

_REQUIREMENTS = ("torch", "sentence-transformers", "scikit-learn", "skops", "mlflow")


def training_run(
    bundle: Bundle, folder: Path, *, fitted: Fitted, data: TrainingData
) -> TrainingRun:
    """Gather the run of a model that was saved in `folder`; `data` without the frozen test set.

    The settings chosen from a grid are the parameters "chosen.*"; figures by other splits and on
    the frozen test set have the split's name before theirs, as in "test/macro_f1".
    """
    record, targets = bundle.record, data.targets
    tables = {OUT_OF_FOLD: fitted.measured.held_out}
    if fitted.test:
        tables[TEST] = fitted.test.held_out
    return TrainingRun(
        name=record.name,
        parameters=_flat(record.experiment) | _chosen(fitted) | {"encoder": record.encoder},
        metrics=_metrics(fitted),
        tags={
            "kind": "train",
            "data": record.experiment["data"]["posts"],
            "data_sha256": _data_sha256(data),
            "codebook": record.codebook_version,
            "codebook_sha256": record.codebook_sha256,
            "purpose": record.experiment["purpose"],
        },
        figures={
            "f1_by_label.png": label_quality(bundle.quality),
            "reliability.png": reliability_curves(
                fitted.reliability.pooled, fitted.reliability.labels
            ),
        },
        files=dict(_files(bundle, fitted)),
        data_rows=pd.DataFrame(targets.y, columns=list(targets.label_ids)).assign(
            post_id=targets.post_ids
        ),
        label_ids=bundle.codebook.label_ids,
        bundle=folder,
        model_code=Path(__file__).with_name("pyfunc_model.py"),
        requirements=tuple(f"{name}=={_release(name)}" for name in _REQUIREMENTS),
        tables=tables,
        children=[_child(candidate) for candidate in fitted.candidates],
    )


def _chosen(fitted: Fitted) -> dict[str, Any]:
    if not fitted.candidates:
        return {}
    best = max(fitted.candidates, key=lambda candidate: candidate.evidence)
    return _flat(asdict(best.settings), "chosen.")


def _child(candidate: Candidate) -> ChildRun:
    settings = candidate.settings
    return ChildRun(
        name=f"{settings.head}: {' + '.join(settings.features)}",
        parameters=_flat(asdict(settings)),
        metrics=run_metrics(candidate.measured.quality) | {"evidence": candidate.evidence},
        tables={OUT_OF_FOLD: candidate.measured.held_out},
    )


def _metrics(fitted: Fitted) -> dict[str, float]:
    """Return all figures by the experiment's own split, and those of all labels by the others."""
    metrics = run_metrics(fitted.measured.quality)
    for measured in _beside(fitted):
        for name, value in overall_metrics(measured.quality).items():
            metrics[f"{measured.split}/{name}"] = value
    return metrics


def _files(bundle: Bundle, fitted: Fitted) -> Iterator[tuple[str, str]]:
    yield "results.csv", results_csv(bundle.quality)
    yield "quality.json", quality_json(bundle.quality)
    yield "codebook.toml", codebook_toml(bundle.codebook)
    for measured in _beside(fitted):
        yield f"{measured.split}_quality.json", quality_json(measured.quality)
    if fitted.leak:
        yield "leak.csv", leak_csv(fitted.leak)


def _beside(fitted: Fitted) -> tuple[Measured, ...]:
    return (*fitted.others, *([fitted.test] if fitted.test else []))


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[prefix + key] = "; ".join(_listed(item) for item in value)
        else:
            flat[prefix + key] = value
    return flat


def _listed(item: Any) -> str:
    return " + ".join(item) if isinstance(item, list | tuple) else str(item)


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
