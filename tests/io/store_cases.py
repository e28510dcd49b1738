"""Runs in a small store, for the tests of tracking, runs and registry."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from narraframe.io.tracking import ChildRun, TrainingRun, log_training
from narraframe.records import HeldOut

MODEL_CODE = """
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class Echo(PythonModel):
    def load_context(self, context):
        self._weight = float(Path(context.artifacts["bundle"], "weight.txt").read_text())

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return pd.DataFrame({"p": [self._weight for _ in model_input["text"]]})


mlflow.models.set_model(Echo())
"""
HELD_OUT = HeldOut(
    post_ids=("a", "b"),
    label_ids=("frame",),
    y=np.array([[1], [0]], np.int8),
    mask=np.array([[True], [False]]),
    probability=np.array([[0.75], [np.nan]], np.float32),
    decision=np.array([[True], [False]]),
    groups=np.array([0, 1], np.intp),
    fold=np.array([1, 0], np.intp),
)
CANDIDATES = tuple(
    ChildRun(
        name=f"candidate {i}",
        parameters={"heads.features": features},
        metrics={"macro_f1": i / 4, "f1/frame": float("nan")},
        tables={"held_out.parquet": HELD_OUT},
    )
    for i, features in enumerate(("both", "tfidf"))
)


def log(
    store: Path, folder: Path, *, name: str = "topics", weight: float = 0.25, metrics=None, **more
):
    bundle = folder / "bundle"
    bundle.mkdir(parents=True)
    (bundle / "weight.txt").write_text(str(weight))
    code = folder / "echo_model.py"
    code.write_text(MODEL_CODE)
    figure = Figure()
    figure.subplots().plot([0, 1])
    run = TrainingRun(
        name=name,
        parameters={"heads.features": "both", "seed": 0},
        metrics=metrics or {"micro_f1": 0.5, "f1/frame.other": float("nan")},
        tags={"data": "posts.parquet", "codebook": "1.0.0", "kind": "train"},
        figures={"f1_by_label.png": figure},
        files={"results.csv": "label_id,f1\n"},
        data_rows=pd.DataFrame({"post_id": ["a", "b"], "frame": [1, 0]}),
        label_ids=("p",),
        bundle=bundle,
        model_code=code,
        requirements=("numpy",),
        **more,
    )
    return log_training(store, run)
