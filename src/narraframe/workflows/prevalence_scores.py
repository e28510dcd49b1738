"""What a model says of a population, and what of it may stand beside the audit's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.config import Workspace
from narraframe.errors import NarraframeError
from narraframe.io.models import load_bundle
from narraframe.io.registry import find_model
from narraframe.io.runs import OUT_OF_FOLD, find_run
from narraframe.records import HeldOut, Post, Scores
from narraframe.workflows.seen import is_seen

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ModelSays:
    """Of N posts and k labels, nan where the model says nothing; all float64 (N, k).

    `probability` and `decision` (1 or 0; nan where it was left open) are the scores; `honest` the
    probabilities that may stand beside an annotator's answer: of posts that the model was trained
    on, what it said while they were held out. `unscored` counts posts without a score by reason.
    """

    probability: Floats
    decision: Floats
    honest: Floats
    unscored: Mapping[str, int]
    notes: tuple[str, ...] = ()


def nothing_said(n_posts: int, n_labels: int) -> ModelSays:
    """Return that no model says anything."""
    nothing = np.full((n_posts, n_labels), np.nan)
    return ModelSays(nothing, nothing, nothing, {})


@dataclass(frozen=True)
class ModelOfScores:
    """The model that made scores: what it was trained on, and what it said of it while held out.

    `consensus` joined the annotators for its training.
    """

    title: str
    seen: NDArray[np.uint64]
    held: HeldOut | None
    consensus: str


def model_of(scores: Scores, workspace: Workspace) -> ModelOfScores | None:
    """Find the model of `scores` in the workspace; None where it is not, or not the same one."""
    name, _, digest = scores.model.partition("@")
    try:
        bundle = load_bundle(find_model(workspace.store, f"models:/{name}").folder)
        run = find_run(workspace.store, f"models:/{name}")
        held = run.table(OUT_OF_FOLD)
    except NarraframeError:
        return None
    if bundle.digest != digest:
        return None
    # a model of labels that came with the posts has no annotators to be joined
    consensus = run.parameters.get("data.consensus", "")
    return ModelOfScores(name, bundle.seen, held, consensus)


def model_says(
    posts: Sequence[Post],
    scores: Scores,
    label_ids: Sequence[str],
    model: ModelOfScores | None,
) -> ModelSays:
    """Join `scores` to `posts` by post_id, and put held-out predictions where they are needed.

    A prediction of a post that the model was trained on is too good, and an estimate that leans on
    it too sure: on such posts, and copies of them, the run's held-out predictions take its place.
    Where there is none, or the model is not to be found here, so that nobody knows which posts it
    saw, the post counts as one of which the model says nothing.
    """
    row_of = {post_id: i for i, post_id in enumerate(scores.post_ids)}
    column_of = {label_id: j for j, label_id in enumerate(scores.label_ids)}
    rows = np.array([row_of.get(post.post_id, -1) for post in posts], dtype=np.intp)
    columns = np.array([column_of.get(label_id, -1) for label_id in label_ids], dtype=np.intp)
    probability = np.full((len(posts), len(label_ids)), np.nan)
    decision = probability.copy()
    at, mine = np.ix_(rows >= 0, columns >= 0), np.ix_(rows[rows >= 0], columns[columns >= 0])
    probability[at] = scores.probability[mine]
    decision[at] = np.where(scores.abstained, np.nan, scores.decision)[mine]
    decision[np.isnan(probability)] = np.nan
    reasons = Counter("not in the scores" if i < 0 else scores.reasons[i] for i in rows.tolist())
    honest, notes = _honest(posts, scores, label_ids, probability, model)
    del reasons[""]
    return ModelSays(probability, decision, honest, dict(reasons.most_common()), notes)


def _honest(
    posts: Sequence[Post],
    scores: Scores,
    label_ids: Sequence[str],
    probability: Floats,
    model: ModelOfScores | None,
) -> tuple[Floats, tuple[str, ...]]:
    if model is None:
        return np.full_like(probability, np.nan), (
            f"the model of the scores ({scores.model or 'unnamed'}) is not in this workspace, so "
            "nobody knows what it was trained on: shares are those of the audit alone",
        )
    seen = is_seen([post.model_text or "" for post in posts], model.seen)
    honest, known = probability.copy(), _held_out(posts, model.held, label_ids)
    honest[seen] = known[seen]
    n_lost = int((seen & np.isnan(known).all(axis=1)).sum())
    notes = [
        f"{int(seen.sum()):,} posts were seen in training: held-out predictions stand for them"
    ]
    if n_lost:
        notes.append(f"{n_lost:,} of them were never held out, and count as if without a score")
    return honest, tuple(notes) if seen.any() else ()


def _held_out(posts: Sequence[Post], held: HeldOut | None, label_ids: Sequence[str]) -> Floats:
    """Return the held-out predictions of posts, or of the first held-out post they are copies of.

    No part of a training post's near-duplicate group was on the training side when it was held out.
    """
    found = np.full((len(posts), len(label_ids)), np.nan)
    if held is None:
        return found
    column_of = {label_id: j for j, label_id in enumerate(held.label_ids)}
    columns = [(j, column_of[i]) for j, i in enumerate(label_ids) if i in column_of]
    row_of = {post_id: i for i, post_id in enumerate(held.post_ids)}
    of_group: dict[str, int] = {}
    for post in posts:
        if post.post_id in row_of:
            of_group.setdefault(post.duplicate_of or post.post_id, row_of[post.post_id])
    for i, post in enumerate(posts):
        row = row_of.get(post.post_id, of_group.get(post.duplicate_of or post.post_id))
        if row is not None:
            for mine, theirs in columns:
                found[i, mine] = held.probability[row, theirs]
    return found
