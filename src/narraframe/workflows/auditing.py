"""The audit of a workspace: drawn further, and what of it has to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from narraframe.annotations.audit import AuditSample, draw_audit
from narraframe.config import Workspace
from narraframe.errors import TableError
from narraframe.io.queue import (
    AuditPost,
    frame_path,
    read_audit,
    read_frame,
    write_audit,
    write_copies,
    write_frame,
)
from narraframe.records import Post
from narraframe.workflows.watch import Watch

# The random numbers of posts are permanent: no option may change them.
SEED = 0


@dataclass(frozen=True)
class Audit:
    """The sample; the posts of it to be `asked`, in order; and `copies`, whose answer is known.

    `copies` maps an audit post that nobody is asked to the near-copy that is labelled, or asked.
    `n_known`: posts of the sample whose answer is there, their own or that of a copy.
    """

    sample: AuditSample
    asked: tuple[str, ...]
    copies: Mapping[str, str]
    n_known: int


def draw(
    posts: Sequence[Post],
    labelled: AbstractSet[str],
    *,
    skipped: AbstractSet[str],
    n: int,
    workspace: Workspace,
    watch: Watch,
) -> Audit:
    """Draw the audit of `posts` further, until `n` of its posts wait for an answer.

    Parameters
    ----------
    posts : sequence of Post
        All that have text, near-duplicates marked.
    labelled : set of str
        The posts that have an annotation.
    skipped : set of str
        Those that have none, as annotators skipped them: they wait no more, and stay without an
        answer.
    n : int
        Those that wait since the last time count. A post drawn now that turns out to be a copy is
        not replaced by another: who is drawn must not depend on what it says.

    Raises
    ------
    TableError
        If the audit so far cannot be read.
    """
    path = workspace.path(workspace.config.paths.audit)
    here = {post.post_id for post in posts}
    drawn = [post.post_id for post in read_audit(path) if post.post_id in here]
    limits = read_frame(frame_path(path))
    if drawn and not limits:
        raise TableError(
            "there is an audit, but not the frame that it was drawn from",
            where=frame_path(path),
            remedy=f"Restore it; or remove {path}, to draw another audit.",
        )
    waiting, _ = _to_ask(drawn, posts, labelled, skipped)
    sample = draw_audit(
        [post.post_id for post in posts],
        [post.channel for post in posts],
        [post.created_at.isoformat()[:7] if post.created_at else None for post in posts],
        n=max(0, n - len(waiting)),
        seed=SEED,
        drawn=drawn,
        limits=limits,
    )
    if lost := set(drawn) - set(sample.post_ids):
        watch.warn(
            f"{len(lost):,} audit posts have another channel or month than when they were drawn, "
            "and do not count any more"
        )
    asked, copies = _to_ask(sample.post_ids, posts, labelled, skipped)
    if silent := set(sample.post_ids) & skipped:
        watch.warn(
            f"{len(silent):,} of {len(sample.post_ids):,} audit posts were skipped and have no "
            "answer: what is estimated from the audit holds if they are like the others"
        )
    n_known = sum(copies.get(post_id, post_id) in labelled for post_id in sample.post_ids)
    return Audit(sample, tuple(asked), copies, n_known)


def write(audit: Audit, *, workspace: Workspace) -> None:
    """Write the audit into the workspace, over what is there.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    path: Path = workspace.path(workspace.config.paths.audit)
    sample = audit.sample
    rows = zip(
        sample.post_ids,
        sample.stratum,
        sample.inclusion_probability.tolist(),
        sample.population.tolist(),
        sample.sample.tolist(),
        strict=True,
    )
    if not sample.post_ids:
        return
    # The frame first: were this cut off here, its posts would count as drawn the next time.
    write_frame(frame_path(path), sample.limits)
    write_audit(path, [AuditPost(*row) for row in rows])
    write_copies(workspace.path(workspace.config.paths.copies), audit.copies)


def _to_ask(
    drawn: Sequence[str],
    posts: Sequence[Post],
    labelled: AbstractSet[str],
    skipped: AbstractSet[str],
) -> tuple[list[str], dict[str, str]]:
    """Return the drawn posts that need asking, and the known answer of those that do not."""
    group_of = {post.post_id: post.duplicate_of or post.post_id for post in posts}
    answer_of: dict[str, str] = {}
    for post in posts:
        if post.post_id in labelled:
            answer_of.setdefault(group_of[post.post_id], post.post_id)
    asked: list[str] = []
    copies: dict[str, str] = {}
    for post_id in drawn:
        group = group_of[post_id]
        if post_id in labelled or post_id in skipped:
            continue
        if group in answer_of:
            copies[post_id] = answer_of[group]
        else:
            answer_of[group] = post_id
            asked.append(post_id)
    return asked, copies
