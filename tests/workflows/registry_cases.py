"""Versions of a model, with held-out predictions of known skill, in a small store."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from narraframe.config import Workspace
from narraframe.io.registry import Registered
from narraframe.io.tracking import TrainingRun, log_training
from narraframe.records import HeldOut

MODEL_CODE = """
import mlflow
from mlflow.pyfunc import PythonModel


class Nothing(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


mlflow.models.set_model(Nothing())
"""
LABELS = ("war", "peace")


def said(
    n: int = 90, *, wrong_every: int, start: int = 0, labels: tuple[str, ...] = LABELS
) -> HeldOut:
    """Predictions of posts p<start> onward; those of every `wrong_every`-th post are all wrong."""
    number = np.arange(start, start + n)
    y = ((number[:, None] + np.arange(len(labels))) % 3 == 0).astype(np.int8)
    right = (number % wrong_every > 0)[:, None]
    decision = (y == 1) == right
    return HeldOut(
        post_ids=tuple(f"p{i}" for i in number),
        label_ids=labels,
        y=y,
        mask=np.ones_like(y, dtype=np.bool_),
        probability=np.where(decision, 0.9, 0.1).astype(np.float32),
        decision=decision,
        groups=np.arange(n),
        fold=np.arange(n) % 5,
    )


def register_version(
    workspace: Workspace,
    folder: Path,
    *,
    codebook: str = "1.0.0",
    parameters: Mapping[str, object] | None = None,
    **tables: HeldOut,
) -> Registered:
    """Register the next version of "topics"; `tables` by file name without its ending."""
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "empty.txt").write_text("")
    (folder / "code.py").write_text(MODEL_CODE)
    return log_training(
        workspace.store,
        TrainingRun(
            name="topics",
            parameters=dict(parameters or {}),
            metrics={"test/macro_f1": 0.5} if "test" in tables else {},
            tags={"data": "posts", "codebook": codebook, "codebook_sha256": codebook},
            figures={},
            files={},
            data_rows=pd.DataFrame({"post_id": ["a"]}),
            label_ids=LABELS,
            bundle=folder / "bundle",
            model_code=folder / "code.py",
            requirements=("numpy",),
            tables={f"{name}.parquet": table for name, table in tables.items()},
        ),
    )
