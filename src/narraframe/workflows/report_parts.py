"""What a report says of the model beyond its quality: held-out posts, calibration, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from narraframe.config import Workspace
from narraframe.errors import NarraframeError
from narraframe.io.evidence_spans import read_evidence_spans
from narraframe.io.runs import OUT_OF_FOLD, TEST, find_run
from narraframe.metrics.reliability import Curve, reliability
from narraframe.records import HeldOut
from narraframe.workflows.watch import Watch

_SEED = 0


@dataclass(frozen=True)
class ModelParts:
    """`held_out` predictions of the run that made the model, and their `reliability` curves."""

    held_out: HeldOut | None = None
    reliability: tuple[Curve, ...] = ()


def model_parts(model: str, *, workspace: Workspace, watch: Watch) -> ModelParts:
    """Read what the run of `model` ("name/version") left; nothing, with a warning, where it cannot.

    A frozen test set comes before out-of-fold predictions: the model never saw it.
    """
    try:
        run = find_run(workspace.store, f"models:/{model}")
        held = run.table(TEST) or run.table(OUT_OF_FOLD)
    except NarraframeError as error:
        watch.warn(f"the page has no held-out posts: {error}")
        return ModelParts()
    if held is None:
        return ModelParts()
    found = reliability(
        held.y, held.mask, held.probability, held.groups, held.label_ids, seed=_SEED
    )
    return ModelParts(held, (found.pooled, *found.labels))


def evidence_in(scores_path: Path | None) -> Mapping[tuple[str, str], tuple[tuple[int, int], ...]]:
    """Return the evidence that the table of scores holds, none where it has none."""
    return read_evidence_spans(scores_path) if scores_path else {}
