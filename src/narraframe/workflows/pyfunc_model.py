"""The registered model as MLflow serves it (models-from-code): text in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class NarraframeModel(PythonModel):  # type: ignore[misc]
    """Scores posts; a row without text, or in a language the model does not know, is all null."""

    def load_context(self, context: Any) -> None:
        """Open the model folder and its encoder."""
        from narraframe.workflows.scorer import open_folder

        self._scorer = open_folder(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Return one column a label: the calibrated probability that it applies."""
        from narraframe.records import Post

        posts = [
            Post(post_id=str(i), text="" if pd.isna(text) else str(text))
            for i, text in enumerate(model_input["text"])
        ]
        scores = self._scorer.score(posts)
        return pd.DataFrame(scores.probability, columns=list(scores.label_ids))


mlflow.models.set_model(NarraframeModel())
