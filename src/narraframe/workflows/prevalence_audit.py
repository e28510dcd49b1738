"""What the audit of a workspace says of a population: which posts were drawn, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.audit import permanent_numbers
from narraframe.annotations.audit_strata import UNCOVERED, strata_of, without_unanswered
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.targets import build_targets
from narraframe.config import Workspace
from narraframe.errors import TableError
from narraframe.io.codebook import read_codebook
from narraframe.io.queue import frame_path, read_audit, read_copies, read_frame
from narraframe.io.skips import read_skips
from narraframe.records import Codebook, Post
from narraframe.workflows.auditing import SEED
from narraframe.workflows.labelled import annotations_of

HOLES = 0.1
"""Share of audit posts that may wait for an answer; beyond it, what comes after them waits too."""


@dataclass(frozen=True)
class AuditAnswers:
    """Answers on N posts and k labels, nan where there is none, or the post is not of the audit.

    `stratum` intp (N,). Of `n_drawn` audit posts `n_answered` have an answer that counts,
    `n_copied` of them the one of a near-copy; `n_skipped` were skipped. `n_uncovered` posts of the
    N lie in strata without an answer that counts. `is_census`: there is no audit, but every post
    has an answer.
    """

    label_ids: tuple[str, ...]
    y: NDArray[np.float64]
    stratum: NDArray[np.intp]
    n_drawn: int = 0
    n_answered: int = 0
    n_copied: int = 0
    n_skipped: int = 0
    n_uncovered: int = 0
    is_census: bool = False
    notes: tuple[str, ...] = ()


def audit_answers(posts: Sequence[Post], workspace: Workspace) -> AuditAnswers | None:
    """Read the audit of `posts`; None where the workspace has no codebook.

    An audit post that is a near-copy of a labelled one has its answer. Second looks do not count,
    as a model chose them; gold answers do.

    Raises
    ------
    TableError, CodebookError
        If the audit, the annotations or the codebook cannot be read.
    """
    if not workspace.codebook.exists():
        return None
    codebook = read_codebook(workspace.codebook)
    answers = _answers(workspace, codebook)
    numbers, drawn, late, stratum = _drawn(posts, workspace)
    copies = read_copies(workspace.path(workspace.config.paths.copies))
    skips = read_skips(workspace.path(workspace.config.paths.skipped))
    skipped = {post_id for post_id, _ in skips}
    ids = [post.post_id for post in posts]
    unknown = np.full(len(codebook.label_ids), np.nan)
    own = [answers.get(post_id) for post_id in ids]
    is_census = not drawn.any() and bool(own) and all(row is not None for row in own)
    if is_census:
        y = np.array([unknown if row is None else row for row in own])
        return AuditAnswers(
            codebook.label_ids,
            y,
            np.zeros(len(ids), dtype=np.intp),
            n_drawn=len(ids),
            n_answered=len(ids),
            is_census=True,
            notes=("every post has an answer: shares are counted, where no answer is left open",),
        )
    said = [
        row if row is not None else answers.get(copies.get(post_id, "")) if draw else None
        for post_id, row, draw in zip(ids, own, drawn, strict=True)
    ]
    there = np.array([row is not None for row in said], dtype=np.bool_) & drawn
    silent = drawn & ~there
    by_annotators = np.array([post_id in skipped for post_id in ids], dtype=np.bool_) & silent
    counts, notes = _without_holes(numbers, stratum, there, silent & ~by_annotators)
    if n_late := int((late & silent).sum()):
        notes = (
            *notes,
            f"{n_late:,} of those that wait came after the audit was drawn: narraframe queue asks "
            "for them",
        )
    rows = [
        row if row is not None and count else unknown
        for row, count in zip(said, counts, strict=True)
    ]
    copied = [row is None for row in own]
    n_uncovered = int((without_unanswered(stratum, counts) == UNCOVERED).sum())
    return AuditAnswers(
        label_ids=codebook.label_ids,
        y=np.array(rows).reshape(len(ids), len(codebook.label_ids)),
        stratum=stratum,
        n_drawn=int(drawn.sum()),
        n_answered=int(counts.sum()),
        n_copied=int((counts & np.array(copied, dtype=np.bool_)).sum()),
        n_skipped=int(by_annotators.sum()),
        n_uncovered=n_uncovered if counts.any() else 0,
        notes=notes,
    )


def _answers(workspace: Workspace, codebook: Codebook) -> Mapping[str, NDArray[np.float64]]:
    """Return what the annotators say together of each post, (k,), nan where unknown."""
    rows = annotations_of(workspace, codebook)
    of_audit = [row for row in rows if row.gold or row.design != DOUBTFUL]
    targets = build_targets(of_audit, codebook).targets
    y = np.where(targets.mask, targets.y, np.nan).astype(np.float64)
    return {post_id: y[i] for i, post_id in enumerate(targets.post_ids) if not np.isnan(y[i]).all()}


def _drawn(
    posts: Sequence[Post], workspace: Workspace
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.intp]]:
    """Return each post's permanent number, whether it is of the audit, came late, and its stratum.

    A post that came after the audit was drawn, and lies below the limit, is of the audit too: it
    waits as one that was drawn does. Were it left out, the posts of the day of drawing would stand
    for all that came later.
    """
    path = workspace.path(workspace.config.paths.audit)
    ids = [post.post_id for post in posts]
    chosen = {post.post_id for post in read_audit(path)}
    limits = read_frame(frame_path(path)) if chosen else {}
    if chosen and not limits:
        raise TableError(
            "there is an audit, but not the frame that it was drawn from",
            where=frame_path(path),
            remedy=f"Restore it; or remove {path}, to draw another audit.",
        )
    cells = [
        (post.channel or "", post.created_at.isoformat()[:7] if post.created_at else "")
        for post in posts
    ]
    numbers = permanent_numbers(ids, seed=SEED)
    limit = np.array([limits.get(cell, 0.0) for cell in cells], dtype=np.float64)
    is_chosen = np.array([post_id in chosen for post_id in ids], dtype=np.bool_)
    due = numbers < limit
    return numbers, due, due & ~is_chosen, strata_of(cells, limits)


def _without_holes(
    numbers: NDArray[np.float64],
    stratum: NDArray[np.intp],
    there: NDArray[np.bool_],
    waiting: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Leave out answers that come, in the order of drawing, after a post that still waits.

    Who has an answer while others wait may have it for another reason than chance: it was chosen
    for the model to learn from, and then drawn. Those before the first that waits are a sample as
    random as a smaller audit would have been.
    """
    n_waiting, n = int(waiting.sum()), int((there | waiting).sum())
    if not n_waiting:
        return there, ()
    if n_waiting <= HOLES * n:
        return there, (
            f"{n_waiting:,} audit posts wait for an answer, taken to be like the others",
        )
    first = np.full(stratum.max() + 2, np.inf)
    np.minimum.at(first, stratum[waiting], numbers[waiting])
    kept = there & (numbers < first[stratum])
    left = int(there.sum() - kept.sum())
    return kept, (
        f"{n_waiting:,} audit posts wait for an answer; {left:,} answers on posts drawn after them "
        "do not count until they are there",
    )
