"""Queue --doubtful: labelled posts that the model doubts most, for a second look.

A second look is a task of its own, beside the one that was answered: that one has the model's
opinion ticked and another's answer in view, either of which would anchor whoever looks again. Its
answers bear the design "doubtful" and are one voice more for training; disagreement is settled as
any other, by `adjudicate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.answer_table import read_answers
from narraframe.annotations.doubt import DOUBTFUL, DoubtfulCell, DoubtfulPost, doubtful_posts
from narraframe.annotations.pulled import pseudonym
from narraframe.config import Workspace
from narraframe.errors import InputError, ModelError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output
from narraframe.io.mirror import Mirror, live
from narraframe.io.queue import write_queue
from narraframe.io.registry import Registered, find_model
from narraframe.io.runs import OUT_OF_FOLD, find_run
from narraframe.records import Annotation, Codebook, HeldOut, Post, QueueItem
from narraframe.workflows.labelled import annotations_of
from narraframe.workflows.preannotating import find_source
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch

Cells = NDArray[np.int64]
SECOND_LOOK_VIEW = {
    "title": "Second look",
    "type": "list",
    "filters": {
        "conjunction": "and",
        "items": [
            {
                "filter": "filter:tasks:data.design",
                "operator": "equal",
                "value": DOUBTFUL,
                "type": "String",
            },
            {
                "filter": "filter:tasks:total_annotations",
                "operator": "equal",
                "value": 0,
                "type": "Number",
            },
        ],
    },
}


@dataclass(frozen=True, kw_only=True)
class Doubted:
    """A doubtful post; `said_by` the annotators who answered it, `text` as it is shown."""

    post: DoubtfulPost
    said_by: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class DoubtSummary:
    """What is asked again, the most doubtful first, of `n_doubtful` among `n_judged` posts.

    `names`: of the labels, by id.
    """

    items: tuple[QueueItem, ...]
    posts: tuple[Doubted, ...]
    names: Mapping[str, str]
    model: str
    n_doubtful: int
    n_judged: int


def queue_doubtful(
    paths: Sequence[str],
    *,
    output: Path,
    n: int,
    model: str,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> DoubtSummary:
    """Write to `output` the `n` labelled posts that `model` doubts most, for a second look.

    It is asked of what it said when it was not trained on the post. Answers that nobody gives any
    more, posts that had their second look and posts that are settled are left out; of near-copies
    doubted for the same cells one is asked.

    Parameters
    ----------
    model : str
        Address of a registered model; "" is the champion.

    Raises
    ------
    ModelError
        If there is no such model, or it left no held-out predictions.
    InputError
        If it was trained on no annotations of the workspace, or doubts none of them.
    CodebookError, TableError
        If the codebook, the annotations or the predictions cannot be read.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".csv",), inputs=paths, force=force)
    codebook = read_codebook(workspace.codebook)
    annotations = annotations_of(workspace, codebook)
    found = _model(model, workspace)
    held, voices = still_said(held_out_of(found, store=workspace.store), annotations, codebook)
    if not held.mask.any():
        raise InputError(
            f"{found.title} judges no answer that is in the workspace's annotations",
            where=workspace.path(workspace.config.paths.annotations),
            remedy="Train on them: narraframe train --experiment experiments/narratives.toml.",
        )
    posts = {post.post_id: post for post in read_ready(paths, options=options, watch=watch).posts}
    looked_at = {row.post_id for row in annotations if row.gold or row.design == DOUBTFUL}
    doubted = [p for p in doubtful_posts(held, voices=voices) if p.post_id not in looked_at]
    here = _once(doubted, posts)
    if lacking := sum(p.post_id not in posts for p in doubted):
        watch.warn(f"{lacking:,} posts that {found.title} doubts are not among the posts: left out")
    if not here:
        raise InputError(
            f"{found.title} doubts no answer that can be looked at again",
            where=", ".join(paths),
            got=f"{len(doubted):,} doubtful posts, {lacking:,} of them not among the posts",
            remedy="Label more, pull and train again.",
        )
    names = {label.label_id: label.name for label in codebook.labels}
    items = tuple(
        QueueItem(post_id=p.post_id, rank=i, design=DOUBTFUL, reason=_reason(p, names), blind=True)
        for i, p in enumerate(here[:n])
    )
    write_queue(output, items, force=force)
    said_by = _annotators(annotations)
    return DoubtSummary(
        items=items,
        posts=tuple(
            Doubted(post=p, said_by=said_by[p.post_id], text=posts[p.post_id].text)
            for p in here[:n]
        ),
        names=names,
        model=found.title,
        n_doubtful=len(here),
        n_judged=int(held.mask.any(axis=1).sum()),
    )


def held_out_of(found: Registered, *, store: Path) -> HeldOut:
    """Return what a model said of its training posts while they were held out.

    Raises
    ------
    ModelError
        If its run left no such table.
    """
    held = find_run(store, f"models:/{found.name}/{found.version}").table(OUT_OF_FOLD)
    if held is None:
        raise ModelError(
            "left no held-out predictions, by which annotations could be doubted",
            where=found.title,
            remedy="Train it again.",
        )
    return held


def still_said(
    held: HeldOut, annotations: Sequence[Annotation], codebook: Codebook
) -> tuple[HeldOut, Cells]:
    """Return what somebody says to this day of what the model judged, and how many do; (n, k).

    Labels that have others below them, or that the codebook has no more, are left out: what is
    wrong with a parent is wrong with what is below it.
    """
    table = read_answers(annotations, codebook)
    row = {post_id: i for i, post_id in enumerate(table.post_ids)}
    columns = [j for j, i in enumerate(held.label_ids) if i in codebook.leaf_ids]
    theirs = [table.sheet.column[held.label_ids[j]] for j in columns]
    rows = [i for i, post_id in enumerate(held.post_ids) if post_id in row]
    at = np.ix_([row[held.post_ids[i]] for i in rows], theirs)
    here = np.ix_(rows, columns)
    yes, no = (table.per_post(table.counting == said)[at] for said in (1, 0))
    voices = np.where(held.y[here] == 1, yes, no)
    kept = replace(
        held,
        post_ids=tuple(held.post_ids[i] for i in rows),
        label_ids=tuple(held.label_ids[j] for j in columns),
        y=held.y[here],
        mask=held.mask[here] & (voices > 0),
        probability=held.probability[here],
        decision=held.decision[here],
        groups=held.groups[rows],
        fold=held.fold[rows],
    )
    return kept, voices


def second_looks(mirror: Mirror) -> frozenset[str]:
    """Return the posts that have a task for a second look, answered or not."""
    return frozenset(
        str(task["data"].get("post_id"))
        for task in live(mirror)
        if task["data"].get("design") == DOUBTFUL
    )


def first_answers(mirror: Mirror, *, server_key: str) -> Mapping[str, str]:
    """Return who answered each post on the server, so that somebody else may look again."""
    found: dict[str, set[str]] = {}
    for task in live(mirror):
        answered = [a for a in task["annotations"] or () if not a.get("was_cancelled")]
        who = {pseudonym(annotation.get("completed_by"), server_key) for annotation in answered}
        found.setdefault(str(task["data"].get("post_id")), set()).update(who)
    return {post_id: ", ".join(sorted(who)) for post_id, who in found.items()}


def why(cell: DoubtfulCell, names: Mapping[str, str]) -> str:
    """Return in words what was said of a label, and what the model says."""
    name, said = names[cell.label_id], "yes" if cell.said else "no"
    return (
        f"{name}: said {said}, the model {cell.probability:.0%}, "
        f"of all labelled posts {cell.frequency:.0%}"
    )


def _model(uri: str, workspace: Workspace) -> Registered:
    found = find_model(workspace.store, uri) if uri else find_source(workspace, None).model
    if found is None:
        raise ModelError(
            "there is no champion that could doubt annotations",
            where=workspace.store,
            remedy="Train a model and promote it, or name one by --model models:/NAME@challenger.",
        )
    return found


def _once(doubted: Sequence[DoubtfulPost], posts: Mapping[str, Post]) -> list[DoubtfulPost]:
    """Return those that are at hand; of near-copies that were answered alike, the first."""
    kept: dict[object, DoubtfulPost] = {}
    for one in doubted:
        if one.post_id in posts:
            group = posts[one.post_id].duplicate_of or one.post_id
            said = frozenset((cell.label_id, cell.said) for cell in one.cells)
            kept.setdefault((group, said), one)
    return list(kept.values())


def _reason(post: DoubtfulPost, names: Mapping[str, str]) -> str:
    return "; ".join(why(cell, names) for cell in post.cells)


def _annotators(annotations: Sequence[Annotation]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for row in annotations:
        found.setdefault(row.post_id, set()).add(row.annotator)
    return {post_id: tuple(sorted(who)) for post_id, who in found.items()}
