"""A scoring run as MLflow keeps it: which model scored what, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from narraframe.io.registry import Registered
from narraframe.io.sinks import shown
from narraframe.io.tracking import log_scores
from narraframe.workflows.scored_window import Tally

if TYPE_CHECKING:
    from narraframe.workflows.score import ScoreSummary


def track_scores(
    store: Path,
    found: Registered,
    paths: Sequence[str],
    output: str | None,
    summary: ScoreSummary,
) -> list[str]:
    """Write the run into MLflow; where that fails, return a warning, for the scores are there."""
    parameters = {
        "model": found.name,
        "version": str(found.version),
        "digest": summary.model.rpartition("@")[2],
        "encoder": summary.encoder,
        "inputs": "; ".join(paths),
        "output": "standard output" if output is None else shown(output),
    }
    metrics = score_metrics(summary.tally, seconds=summary.seconds)
    metrics |= {
        "posts_resumed": summary.n_resumed,
        "read_twice": summary.account.merged,
        "bad_records": summary.account.bad,
    }
    new = summary.tally.n_posts - summary.n_resumed
    if summary.seconds and new:
        metrics["posts_per_second"] = new / summary.seconds
    extra = summary.drift.as_metrics() if summary.drift else None
    try:
        log_scores(store, name=found.name, parameters=parameters, metrics=metrics, extra=extra)
    except Exception as error:  # noqa: BLE001 - whatever MLflow raises, no score may be lost by it
        reason = " ".join(str(error).split())[:300]
        return [f"the scores are written, but the run could not be logged to MLflow: {reason}"]
    return []


def score_metrics(tally: Tally, *, seconds: float) -> dict[str, float]:
    """Return the figures of a run: counts, and shares of the posts that have a score."""
    metrics: dict[str, float] = {
        "posts": tally.n_posts,
        "scored": tally.n_scored,
        "copies_of_training_posts": tally.n_seen,
        "left_open": tally.n_abstained,
        "strange_language": tally.n_strange,
        "seconds": seconds,
    }
    metrics |= {f"no_score/{reason}": n for reason, n in tally.reasons.items()}
    for label_id, n in tally.decisions.items():
        metrics[f"decided/{label_id}"] = n
        if tally.n_scored:
            metrics[f"share/{label_id}"] = n / tally.n_scored
    return metrics
