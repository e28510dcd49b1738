"""What the audit of a workspace says of a population: which posts were drawn, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.audit import permanent_numbers
from narraframe.annotations.audit_holes import HOLES, Counted, counted
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


@dataclass(frozen=True)
class AuditAnswers:
    """Answers on N posts and k labels, nan where there is none, or the post is not of the audit.

    `stratum` intp (N,), and `chance` float64 (N,) as of `Counted`. Of `n_drawn` audit posts
    `n_answered` have an answer that counts, `n_copied` of them the one of a near-copy; `n_waiting`
    have none yet, `n_skipped` were skipped, and on `n_disputed` annotators agree in nothing.
    Several answered `n_several`; of these, labels `by_majority` were left to it though another
    consensus was asked for. `n_uncovered` posts of the N lie in strata without an answer that
    counts. `is_census`: there is no audit, but every post has an answer.
    """

    label_ids: tuple[str, ...]
    y: NDArray[np.float64]
    stratum: NDArray[np.intp]
    chance: NDArray[np.float64]
    n_drawn: int = 0
    n_answered: int = 0
    n_copied: int = 0
    n_waiting: int = 0
    n_skipped: int = 0
    n_disputed: int = 0
    n_several: int = 0
    by_majority: tuple[str, ...] = ()
    n_uncovered: int = 0
    is_census: bool = False
    notes: tuple[str, ...] = ()


def audit_answers(
    posts: Sequence[Post], workspace: Workspace, *, consensus: str = "majority"
) -> AuditAnswers | None:
    """Read the audit of `posts`; None where the workspace has no codebook.

    An audit post that is a near-copy of a labelled one has its answer. Second looks do not count,
    as a model chose them; gold answers do. `consensus` joins several annotators, as of
    `build_targets`.

    Raises
    ------
    TableError, CodebookError
        If the audit, the annotations or the codebook cannot be read.
    """
    if not workspace.codebook.exists():
        return None
    codebook = read_codebook(workspace.codebook)
    together = _together(workspace, codebook, consensus=consensus)
    drawn = _drawn(posts, workspace)
    copies = read_copies(workspace.path(workspace.config.paths.copies))
    skipped = {i for i, _ in read_skips(workspace.path(workspace.config.paths.skipped))}
    ids = [post.post_id for post in posts]
    own = [together.of(post_id) for post_id in ids]
    by_several = np.array([post_id in together.by_several for post_id in ids], dtype=np.bool_)
    if not drawn.due.any() and bool(own) and all(row is not None for row in own):
        return _census(codebook, own, together, n_several=int(by_several.sum()))
    said = [
        row if row is not None else together.of(copies.get(post_id, "")) if due else None
        for post_id, row, due in zip(ids, own, drawn.due.tolist(), strict=True)
    ]
    rows = np.array([np.full(len(codebook.label_ids), np.nan) if r is None else r for r in said])
    asked = drawn.due & np.array([row is not None for row in said], dtype=np.bool_)
    there = asked & ~np.isnan(rows.reshape(len(ids), -1)).all(axis=1)
    by_annotators = drawn.due & ~asked & np.array([i in skipped for i in ids], dtype=np.bool_)
    waiting = drawn.due & ~asked & ~by_annotators
    found = counted(drawn.number, drawn.due, drawn.stratum, there, waiting)
    n_left = int(there.sum() - found.counts.sum())
    copied = found.counts & np.array([row is None for row in own], dtype=np.bool_)
    uncovered = without_unanswered(found.stratum, found.counts) == UNCOVERED
    return AuditAnswers(
        label_ids=codebook.label_ids,
        y=np.where(found.counts[:, None], rows, np.nan),
        stratum=found.stratum,
        chance=found.chance,
        n_drawn=int(drawn.due.sum()),
        n_answered=int(found.counts.sum()),
        n_copied=int(copied.sum()),
        n_waiting=int(waiting.sum()),
        n_skipped=int(by_annotators.sum()),
        n_disputed=int((asked & ~there).sum()),
        n_several=int((drawn.due & by_several).sum()),
        by_majority=together.left,
        n_uncovered=int(uncovered.sum()) if found.counts.any() else 0,
        notes=_waits(found, waiting, n_late=int((drawn.late & waiting).sum()), n_left=n_left),
    )


def _census(
    codebook: Codebook,
    answers: Sequence[NDArray[np.float64] | None],
    together: _Said,
    *,
    n_several: int,
) -> AuditAnswers:
    n = len(answers)
    return AuditAnswers(
        codebook.label_ids,
        np.array(answers, dtype=np.float64),
        np.zeros(n, dtype=np.intp),
        np.ones(n),
        n_drawn=n,
        n_answered=n,
        n_several=n_several,
        by_majority=together.left,
        is_census=True,
        notes=("every post has an answer: shares are counted, where no answer is left open",),
    )


@dataclass(frozen=True)
class _Said:
    """What the annotators say together: of each labelled post (k,), nan where unknown.

    `by_several`: posts that two or more answered. `left`: labels left to the majority, as too few
    posts have three answers.
    """

    answers: Mapping[str, NDArray[np.float64]]
    by_several: frozenset[str]
    left: tuple[str, ...]

    def of(self, post_id: str) -> NDArray[np.float64] | None:
        return self.answers.get(post_id)


def _together(workspace: Workspace, codebook: Codebook, *, consensus: str) -> _Said:
    rows = annotations_of(workspace, codebook)
    of_audit = [row for row in rows if row.gold or row.design != DOUBTFUL]
    report = build_targets(of_audit, codebook, consensus=consensus)
    ids, mask = report.targets.post_ids, report.targets.mask
    y = np.where(mask, report.targets.y, np.nan).astype(np.float64)
    several = np.flatnonzero((report.n_annotators > 1).any(axis=1))
    return _Said(
        answers=dict(zip(ids, y, strict=True)),
        by_several=frozenset(ids[i] for i in several),
        left=report.by_majority,
    )


@dataclass(frozen=True)
class _Drawn:
    """Of N posts: permanent `number`, and `stratum`.

    `due` bool (N,): of the audit; `late`: of those, the ones that came after it was drawn.
    """

    number: NDArray[np.float64]
    stratum: NDArray[np.intp]
    due: NDArray[np.bool_]
    late: NDArray[np.bool_]


def _drawn(posts: Sequence[Post], workspace: Workspace) -> _Drawn:
    """Tell which posts are of the audit.

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
    number = permanent_numbers(ids, seed=SEED)
    limit = np.array([limits.get(cell, 0.0) for cell in cells], dtype=np.float64)
    due = number < limit
    is_chosen = np.array([post_id in chosen for post_id in ids], dtype=np.bool_)
    return _Drawn(number, strata_of(cells, limits), due, due & ~is_chosen)


def _waits(
    found: Counted, waiting: NDArray[np.bool_], *, n_late: int, n_left: int
) -> tuple[str, ...]:
    """Say what waiting posts do to the answers that are there."""
    n = int(waiting.sum())
    if not n:
        return ()
    line = f"{n:,} audit posts wait for an answer"
    if not (n_left or found.is_smaller) and found.counts.any():
        line += ", taken to be like the others" if n <= HOLES * (n + found.counts.sum()) else ""
    elif found.is_smaller:
        line += f": the {int(found.counts.sum()):,} answers before them count as a smaller audit"
    if n_left:
        line += f"; {n_left:,} answers on posts drawn after them do not count until they are there"
    late = (
        f"{n_late:,} of those that wait came after the audit was drawn: narraframe queue asks "
        "for them"
    )
    return (line, late) if n_late else (line,)
