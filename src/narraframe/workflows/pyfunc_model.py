"""The registered model as MLflow serves it (models-from-code): posts in, one float a label out.

The answer has one column a label, in the codebook's order. ``params={"output": "probability"}``,
the default, gives the calibrated probability that the label applies; ``"decision"`` gives 1.0 where
it does and 0.0 where it does not, null where the model leaves it open. A post without a score (no
text, or a language that the model does not know) has null in every column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel

_OUTPUTS = ("probability", "decision")


class NarraframeModel(PythonModel):  # type: ignore[misc]
    """Scores the column "text"; the language of each post is detected."""

    def load_context(self, context: Any) -> None:
        """Open the model folder and its encoder."""
        from narraframe.workflows.scorer import open_folder

        self._scorer = open_folder(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return one column a label; see above."""
        from narraframe.records import Post

        output = (params or {}).get("output", _OUTPUTS[0])
        if output not in _OUTPUTS:
            # shown to whoever asked, with status 400
            raise MlflowException.invalid_parameter_value(
                f"output is {output!r}: it must be one of {', '.join(_OUTPUTS)}"
            )
        posts = [
            Post(post_id=str(i), text="" if pd.isna(text) else str(text))
            for i, text in enumerate(model_input["text"])
        ]
        scores = self._scorer.score(posts)
        answer = scores.probability
        if output == "decision":
            known = np.isfinite(answer) & ~scores.abstained
            answer = np.where(known, scores.decision, np.nan).astype(np.float32)
        # JSON has no nan; a float32 as the float64 that its own digits say: 0.1, not 0.10000000149
        cells = [[None if np.isnan(p) else float(str(p)) for p in row] for row in answer]
        return pd.DataFrame(cells, columns=list(scores.label_ids), dtype=object)


mlflow.models.set_model(NarraframeModel())
