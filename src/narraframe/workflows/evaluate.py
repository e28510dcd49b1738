"""Evaluate: a registered model on labelled posts that it has not seen."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.config import Workspace
from narraframe.errors import CodebookError, InputError, UsageError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_free, write_text
from narraframe.io.models import quality_json
from narraframe.io.tracking import find_model
from narraframe.metrics.quality import measure
from narraframe.records import Codebook, Post, Quality
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.register import results_csv
from narraframe.workflows.scorer import open_folder
from narraframe.workflows.training_data import group_numbers
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Evaluation:
    """Quality on the posts that count, and how many counted or did not, and why."""

    quality: Quality
    counts: Mapping[str, int]


def evaluate(
    model_uri: str,
    paths: Sequence[str],
    *,
    output: Path | None,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> Evaluation:
    """Measure a model on `paths`, whose records carry labels (names or ids of its codebook).

    Posts whose text was in training are left out. A post without a score (no text, an unknown
    language) counts as one on which nothing was decided.

    Raises
    ------
    InputError
        If no labelled post is left to measure on.
    CodebookError
        If the posts carry labels that the model's codebook does not have.
    ModelError, EncoderError
        If the model or its encoder is not to be found.
    """
    if output is not None:
        _check_output(output, force=force)
    found = find_model(workspace.store, model_uri)
    labelled = [
        p for p in read_ready(paths, options=options, watch=watch).posts if p.labels is not None
    ]
    with watch.stage(f"load {found.title}", unit="model"):
        device = workspace.config.encoder.device or None
        scorer = open_folder(found.folder, title=found.title, device=device)
    seen = scorer.has_seen(labelled)
    posts = [post for post, known in zip(labelled, seen, strict=True) if not known]
    if not posts:
        raise InputError(
            "no labelled post is left to measure on",
            where=", ".join(paths),
            got=f"{len(labelled)} labelled, {int(seen.sum())} of them in the training data",
            remedy="Pass posts with `labels` that the model was not trained on.",
        )
    y = label_matrix(posts, scorer.bundle.codebook)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    with watch.stage("score", total=len(posts)):
        scores = scorer.score(posts, cache=cache)
    trained = ~np.isnan(scores.thresholds)
    # a post without a score is a decision against every label, not a post to forget
    p = np.where(np.isnan(scores.probability) & trained, np.float32(0), scores.probability)
    quality = measure(
        y,
        np.ones(y.shape, dtype=np.bool_),
        p,
        scores.decision,
        group_numbers(posts),
        scores.label_ids,
        scores.thresholds,
        how=f"{found.title} on labelled posts that it was not trained on",
        seed=0,
    )
    if output is not None:
        as_csv = output.suffix == ".csv"
        write_text(output, results_csv(quality) if as_csv else quality_json(quality), force=force)
    counts = {
        "labelled posts": len(labelled),
        "left out, their text was in the training data": int(seen.sum()),
        "without a score (counted as nothing decided)": sum(map(bool, scores.reasons)),
    }
    return Evaluation(quality, counts)


def label_matrix(posts: Sequence[Post], codebook: Codebook) -> NDArray[np.int8]:
    """Return what the posts' labels say, shape (n, k); a label makes its parents apply too.

    Raises
    ------
    CodebookError
        If a label is neither a name nor an id of the codebook; all are listed.
    """
    column = {label.label_id: j for j, label in enumerate(codebook.labels)}
    by_name = {label.name: column[label.label_id] for label in codebook.labels}
    parent = {j: column[x.parent] for j, x in enumerate(codebook.labels) if x.parent}
    names = by_name | column
    unknown = {name for post in posts for name in post.labels or () if name not in names}
    if unknown:
        near = [difflib.get_close_matches(name, list(names), n=1) for name in sorted(unknown)[:5]]
        hints = [
            f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")
            for name, close in zip(sorted(unknown), near, strict=False)
        ]
        raise CodebookError(
            f"{len(unknown)} labels of the posts are not in the model's codebook "
            f"{codebook.version}: {', '.join(hints)}",
            remedy="Use the names or ids of its codebook.",
        )
    y = np.zeros((len(posts), len(column)), dtype=np.int8)
    for i, post in enumerate(posts):
        for name in post.labels or ():
            j: int | None = names[name]
            while j is not None:
                y[i, j] = 1
                j = parent.get(j)
    return y


def _check_output(output: Path, *, force: bool) -> None:
    if output.suffix not in (".csv", ".json"):
        raise UsageError(
            "the ending names no format", where=output, remedy="End it in .csv or .json."
        )
    check_free(output, force=force)
