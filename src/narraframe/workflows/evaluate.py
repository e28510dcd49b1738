"""Evaluate: a registered model on labelled posts that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_output, write_text
from narraframe.io.models import quality_json
from narraframe.io.registry import find_model
from narraframe.metrics.quality import measure
from narraframe.metrics.reliability import Curve, reliability
from narraframe.metrics.selective import Selective, selective
from narraframe.records import Codebook, Post, Quality, Scores
from narraframe.workflows.label_matrix import (
    KnownLabels,
    asked_cells,
    known_labels,
    label_matrix,
    strange_note,
)
from narraframe.workflows.labelled_posts import labelled_posts
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.results import results_csv
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.train_notes import codebook_notes, never_note
from narraframe.workflows.training_data import group_numbers
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Evaluation:
    """Quality on the posts that count, and how many counted or did not, and why.

    `quality` is that of the decisions the model makes if it has to, as in training; `selective`
    what abstaining does, None where it never does; `reliability` that of all labels together, with
    the calibration error that chance alone would show. `notes` are to be known beside the figures.
    """

    quality: Quality
    reliability: Curve
    selective: Selective | None
    counts: Mapping[str, int]
    notes: tuple[str, ...]


def evaluate(
    model_uri: str,
    paths: Sequence[str],
    *,
    output: Path | None,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    facets: Sequence[str] = (),
) -> Evaluation:
    """Measure a model on `paths`, whose records carry labels (names or ids of its codebook).

    Copies and near-copies of training posts are left out, and with them their whole groups. A post
    without a score (no text, an unknown language) counts as one on which nothing was decided, and
    so does a label that the model could not learn. What the model leaves open, as too close to
    call, is measured as it would decide if it had to; beside that, what abstaining does.

    Where the codebook was made from labels, it is not one that says what may be asked: labels that
    it lacks (new ones, or those too rare to be kept) are left out of the figures, with a warning.
    An analyst's codebook does say so, and a label that it lacks is a fault.

    A label that a post does not carry is a known 0 if its facet was asked of the post: one that
    `facets` names, the only one of the codebook, or one of which the post carries another label.

    Raises
    ------
    UsageError, OutputError
        If the codebook lacks one of `facets`, or `output` ends otherwise than in .csv or .json,
        exists and `force` is False, or cannot be written.
    InputError
        If no labelled post is left to measure on, or none tells of any facet.
    CodebookError
        If the posts' labels do not fit the model's codebook (see `label_matrix`), or none of them
        is in it.
    ModelError, EncoderError
        If the model or its encoder is not to be found.
    """
    if output is not None:
        check_output(output, endings=(".csv", ".json"), inputs=paths, force=force)
    found = find_model(workspace.store, model_uri)
    labelled = labelled_posts(read_ready(paths, options=options, watch=watch), watch=watch)
    scorer = open_registered(found, workspace=workspace, watch=watch)
    codebook, where = scorer.bundle.codebook, ", ".join(paths)
    known = KnownLabels(_unseen(labelled.posts, scorer, where=where))
    if scorer.bundle.record.experiment["data"].get("labelled"):
        known = known_labels(known.posts, codebook)
    if known.left_out:
        watch.warn(strange_note(known, codebook))
    posts = known.posts
    y = label_matrix(posts, codebook)
    asked = asked_cells(y, codebook, facets=facets)
    _check_any(asked, where=where)
    _warn_of_gaps(asked, codebook, watch=watch)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    with watch.stage("score", total=len(posts)):
        scores = scorer.score(posts, cache=cache)
    for fault in cache.faults:
        watch.warn(fault)
    groups = group_numbers(posts)
    quality = measure(
        y,
        asked,
        scores.probability,
        scores.decision,
        groups,
        scores.label_ids,
        scores.thresholds,
        how=f"{scores.model} on labelled posts that it was not trained on",
        seed=0,
    )
    if output is not None:
        figures = _csv if output.suffix == ".csv" else _json
        write_text(output, figures(quality, known), force=force)
    counts = {
        "labelled posts": len(labelled.posts),
        "left out: copies or near-copies of training posts": len(labelled.posts) - len(posts),
        "without a score (counted as nothing decided)": sum(map(bool, scores.reasons)),
        "labels not measured, as no post carries any of their facet": int(
            (~asked.any(axis=0)).sum()
        ),
        "decisions left open, as too close to call": int((asked & scores.abstained).sum()),
    }
    if known.left_out:
        counts["labels left out, as the model was not taught them"] = len(known.left_out)
        counts["posts that carry such labels"] = known.n_posts
    classifier = scorer.classifier
    notes = (*labelled.notes, *codebook_notes(classifier), *never_note(classifier))
    curves = reliability(y, asked, scores.probability, groups, scores.label_ids, seed=0)
    kept = _selective(y, asked, scores, groups)
    return Evaluation(quality, curves.pooled, kept, counts, notes)


def _csv(quality: Quality, known: KnownLabels) -> str:
    """Return the figures as CSV, and how many posts carry a label that is in none of them."""
    return results_csv(quality, left_out=len(known.left_out), on_posts=known.n_posts)


def _json(quality: Quality, known: KnownLabels) -> str:
    """Return the figures as JSON, and on how many posts each label is that is in none of them."""
    return quality_json(quality, labels_left_out=dict(known.left_out))


def _selective(
    y: NDArray[np.int8], asked: NDArray[np.bool_], scores: Scores, groups: NDArray[np.intp]
) -> Selective | None:
    if not (asked & scores.abstained).any():
        return None
    return selective(y, asked, scores.decision, scores.abstained, groups, seed=0)


def _unseen(labelled: Sequence[Post], scorer: Scorer, *, where: str) -> tuple[Post, ...]:
    """Leave out the groups in which a post is a copy or near-copy of a training post."""
    groups = group_numbers(labelled)
    seen = np.isin(groups, groups[scorer.has_seen(labelled)])
    posts = tuple(post for post, known in zip(labelled, seen, strict=True) if not known)
    if not posts:
        raise InputError(
            "no labelled post is left to measure on",
            where=where,
            got=f"{len(labelled)} labelled, {int(seen.sum())} of them copies of training posts",
            remedy="Pass posts with `labels` that the model was not trained on.",
        )
    return posts


def _warn_of_gaps(asked: NDArray[np.bool_], codebook: Codebook, *, watch: Watch) -> None:
    """Say of which facets some posts say nothing, and what that does to the figures."""
    for facet in codebook.facets:
        labels = [label.facet_id == facet.facet_id for label in codebook.labels]
        silent = int((~asked[:, labels]).all(axis=1).sum())
        if 0 < silent < len(asked):
            watch.warn(
                f"{silent:,} of {len(asked):,} posts carry no label of facet {facet.facet_id!r}: "
                "they are taken as not asked, so that false alarms on them do not count. "
                f"If they were asked and none applied, pass --facet {facet.facet_id}"
            )


def _check_any(asked: NDArray[np.bool_], *, where: str) -> None:
    if not asked.any():
        raise InputError(
            "the posts carry no label, so that nothing says which facets were asked",
            where=where,
            remedy="Name the facets that were asked by --facet.",
        )
