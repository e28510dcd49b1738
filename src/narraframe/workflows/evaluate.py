"""Evaluate: a registered model on labelled posts that it has not seen."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.config import Workspace
from narraframe.errors import CodebookError, InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_output, write_text
from narraframe.io.models import quality_json
from narraframe.io.tracking import find_model
from narraframe.metrics.quality import measure
from narraframe.records import Codebook, Post, Quality, Scores
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.register import results_csv
from narraframe.workflows.scorer import Scorer, open_folder
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

    Copies and near-copies of training posts are left out, and with them their whole groups. A post
    without a score (no text, an unknown language) counts as one on which nothing was decided.

    A label that a post does not carry is a known 0, unless no post carries any of its facet: then
    the facet was not asked, and says nothing of the model.

    Raises
    ------
    UsageError, OutputError
        If `output` ends otherwise than in .csv or .json, exists and `force` is False, or cannot be
        written.
    InputError
        If no labelled post is left to measure on.
    CodebookError
        If the posts carry labels that the model's codebook does not have.
    ModelError, EncoderError
        If the model or its encoder is not to be found.
    """
    if output is not None:
        check_output(output, endings=(".csv", ".json"), inputs=paths, force=force)
    found = find_model(workspace.store, model_uri)
    labelled = [
        p for p in read_ready(paths, options=options, watch=watch).posts if p.labels is not None
    ]
    with watch.stage(f"load {found.title}", unit="model"):
        device = workspace.config.encoder.device or None
        scorer = open_folder(found.folder, title=found.title, device=device)
    posts = _unseen(labelled, scorer, where=", ".join(paths))
    y = label_matrix(posts, scorer.bundle.codebook)
    asked = asked_labels(y, scorer.bundle.codebook)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    with watch.stage("score", total=len(posts)):
        scores = scorer.score(posts, cache=cache)
    for fault in cache.faults:
        watch.warn(fault)
    quality = _measure(y, asked, scores, group_numbers(posts))
    if output is not None:
        as_csv = output.suffix == ".csv"
        write_text(output, results_csv(quality) if as_csv else quality_json(quality), force=force)
    counts = {
        "labelled posts": len(labelled),
        "left out: copies or near-copies of training posts": len(labelled) - len(posts),
        "without a score (counted as nothing decided)": sum(map(bool, scores.reasons)),
        "labels not measured, as no post carries any of their facet": int((~asked).sum()),
    }
    return Evaluation(quality, counts)


def _unseen(labelled: Sequence[Post], scorer: Scorer, *, where: str) -> list[Post]:
    """Leave out the groups in which a post is a copy or near-copy of a training post."""
    groups = group_numbers(labelled)
    seen = np.isin(groups, groups[scorer.has_seen(labelled)])
    posts = [post for post, known in zip(labelled, seen, strict=True) if not known]
    if not posts:
        raise InputError(
            "no labelled post is left to measure on",
            where=where,
            got=f"{len(labelled)} labelled, {int(seen.sum())} of them copies of training posts",
            remedy="Pass posts with `labels` that the model was not trained on.",
        )
    return posts


def _measure(
    y: NDArray[np.int8], asked: NDArray[np.bool_], scores: Scores, groups: NDArray[np.intp]
) -> Quality:
    # a parent that was not trained itself follows its children: it has no threshold, but scores
    trained = ~np.isnan(scores.thresholds) | ~np.isnan(scores.probability).all(axis=0)
    # a post without a score is a decision against every label, not a post to forget
    p = np.where(np.isnan(scores.probability) & trained, np.float32(0), scores.probability)
    return measure(
        y,
        np.broadcast_to(asked, y.shape),
        p,
        scores.decision,
        groups,
        scores.label_ids,
        scores.thresholds,
        how=f"{scores.model} on labelled posts that it was not trained on",
        seed=0,
    )


def asked_labels(y: NDArray[np.int8], codebook: Codebook) -> NDArray[np.bool_]:
    """Tell of which labels the posts speak: all of the facets of which one is used; shape (k,).

    Where no label is used at all, the posts say of every label that it does not apply.
    """
    facet = np.array([label.facet_id for label in codebook.labels])
    used = np.isin(facet, facet[y.any(axis=0)])
    return used if used.any() else np.ones_like(used)


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
