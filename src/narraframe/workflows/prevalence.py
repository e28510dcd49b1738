"""Prevalence: how much of the posts carries each label, over time and by channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from narraframe.annotations.audit_holes import HOLES
from narraframe.annotations.audit_strata import without_unanswered
from narraframe.config import Workspace
from narraframe.errors import CodebookError, InputError, UsageError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output
from narraframe.io.prevalence import ENDINGS, WHOLE_ENDINGS, write_prevalence
from narraframe.io.scores import read_scores
from narraframe.metrics.prevalence_changes import share_change
from narraframe.metrics.prevalence_planning import plan_share
from narraframe.metrics.prevalence_slices import Evidence, label_share, shares_by
from narraframe.records import LabelPlan, LabelShare, Post, Prevalence, Scores, ShareChange
from narraframe.records.prevalence import ALL, CHANNEL, MONTH
from narraframe.workflows.prevalence_audit import AuditAnswers, audit_answers
from narraframe.workflows.prevalence_scores import (
    ModelOfScores,
    ModelSays,
    model_of,
    model_says,
    nothing_said,
)
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.scorer import NO_TEXT
from narraframe.workflows.watch import Watch


@dataclass(frozen=True, kw_only=True)
class PrevalenceOptions:
    """What is asked for; `labels` () are all, `compare` two months or channels, `width` of a plan,
    None = no plan; `consensus` None is that of the model.
    """

    by: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    compare: tuple[str, str] | None = None
    width: float | None = None
    consensus: str | None = None


@dataclass(frozen=True, kw_only=True)
class PrevalenceFound:
    """Shares, with names of their labels; `changes` and `plans` as far as they were asked for."""

    prevalence: Prevalence
    names: dict[str, str]
    changes: tuple[ShareChange, ...] = ()
    plans: tuple[LabelPlan, ...] = ()


def prevalence(
    paths: Sequence[str],
    *,
    scores_path: Path | None,
    wanted: PrevalenceOptions,
    output: Path | None,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> PrevalenceFound:
    """Estimate shares of the posts at `paths`, and write them to `output`.

    Raises
    ------
    InputError
        If an input cannot be read, no post has text, or neither scores nor annotations are there.
    UsageError, CodebookError
        If what is compared, or a label, is not there.
    TableError
        If the scores, the audit or the annotations cannot be read.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    if output is not None:
        more = wanted.compare is not None or wanted.width is not None
        endings = WHOLE_ENDINGS if more else ENDINGS
        check_output(output, endings=endings, inputs=paths, force=force)
    posts = read_ready(paths, options=options, watch=watch).posts
    scores = read_scores(scores_path) if scores_path else None
    slice_by = _compared(wanted.compare, posts)
    by = tuple(dict.fromkeys([*wanted.by, *([slice_by] if slice_by else [])]))
    found = prevalence_of(
        posts,
        scores,
        workspace=workspace,
        by=by,
        labels=wanted.labels,
        consensus=wanted.consensus,
    )
    changes = _changes(found, slice_by, wanted.compare)
    shown = replace(found, shares=tuple(s for s in found.shares if s.by in (ALL, *wanted.by)))
    plans = (
        ()
        if wanted.width is None
        else tuple(plan_share(share, width=wanted.width) for share in shown.shares)
    )
    if output is not None:
        write_prevalence(output, shown, changes=changes, plans=plans, force=force)
    book = read_codebook(workspace.codebook) if workspace.codebook.exists() else None
    names = {label_id: label_id for label_id in found.label_ids}
    names |= {x.label_id: x.name for x in book.labels} if book else {}
    return PrevalenceFound(prevalence=shown, names=names, changes=changes, plans=plans)


def prevalence_of(
    posts: Sequence[Post],
    scores: Scores | None,
    *,
    workspace: Workspace,
    by: Sequence[str] = (MONTH, CHANNEL),
    labels: Sequence[str] = (),
    consensus: str | None = None,
    channels: Mapping[str, str] | None = None,
) -> Prevalence:
    """Estimate the share of each label in `posts`, by the audit of `workspace` and by `scores`.

    The population are the posts with text, scored or not. Without an audit there is no figure by
    design: what is left is what the model says, and the notes say so.

    Parameters
    ----------
    posts : sequence of Post
        Prepared, near-duplicates marked.
    scores : Scores or None
    by : sequence of {"month", "channel"}
        The slices besides all posts.
    labels : sequence of str
        Label ids; () are all of the codebook, or of the scores where there is no codebook.
    consensus : {"majority", "any", "dawid-skene"}, default=None
        Joins several annotators of a post. None: as for the training of the model that made the
        scores, so that both answer one question; the majority where there is none.
    channels : mapping of str to str, default=None
        What channels are called in the slices, so that small ones can be one slice together; those
        that it lacks, and all by default, are called as they are.

    Raises
    ------
    InputError
        If no post has text, or there are neither scores nor a codebook.
    CodebookError
        If a label is unknown.
    TableError
        If the audit or the annotations cannot be read.
    """
    here = [post for post in posts if post.model_text]
    if not here:
        raise InputError("no post has text", remedy="Shares are of posts with text.")
    model = model_of(scores, workspace) if scores else None
    used = consensus or (model.consensus if model else "") or "majority"
    audit = audit_answers(here, workspace, consensus=used)
    if audit is None and scores is None:
        raise InputError(
            "there are neither scores nor annotations to estimate shares from",
            where=workspace.root,
            remedy="Pass --scores scores.parquet, or work in a workspace: narraframe init DIR.",
        )
    known = audit.label_ids if audit else scores.label_ids if scores else ()
    label_ids = _chosen(labels, known)
    audit = audit or _no_audit(len(here), known)
    says = model_says(here, scores, known, model) if scores else nothing_said(len(here), len(known))
    shares: list[LabelShare] = []
    called = channels or {}
    slices = {
        MONTH: [_month(p) for p in here],
        CHANNEL: [called.get(p.channel, p.channel) if p.channel else None for p in here],
    }
    for label_id in label_ids:
        evidence = _evidence(audit, says, known.index(label_id))
        shares.append(label_share(label_id, evidence, by=ALL, value=""))
        for kind in by:
            shares += shares_by(label_id, evidence, by=kind, values=slices[kind])
    left_out = {NO_TEXT: len(posts) - len(here)} if len(posts) > len(here) else {}
    return Prevalence(
        model=scores.model if scores else "",
        label_ids=label_ids,
        by=tuple(by),
        shares=tuple(shares),
        n_posts=len(here),
        n_unscored=sum(says.unscored.values()),
        n_drawn=audit.n_drawn,
        n_answered=audit.n_answered,
        n_copied=audit.n_copied,
        n_skipped=audit.n_skipped,
        n_uncovered=audit.n_uncovered,
        unscored=says.unscored,
        left_out=left_out,
        consensus=used,
        notes=(
            *_notes(audit, says, scores, label_ids),
            *_joined(audit, used, model),
            *_outside(slices, by),
        ),
    )


def _evidence(audit: AuditAnswers, says: ModelSays, j: int) -> Evidence:
    y = audit.y[:, j]
    return Evidence(
        stratum=without_unanswered(audit.stratum, ~np.isnan(y)),
        chance=audit.chance,
        y=y,
        honest=says.honest[:, j],
        probability=says.probability[:, j],
        decision=says.decision[:, j],
    )


def _no_audit(n_posts: int, label_ids: tuple[str, ...]) -> AuditAnswers:
    nothing = np.full((n_posts, len(label_ids)), np.nan)
    return AuditAnswers(label_ids, nothing, np.zeros(n_posts, dtype=np.intp), np.ones(n_posts))


def _left_open(audit: AuditAnswers, label_ids: Sequence[str]) -> list[str]:
    """Name the labels that more than `HOLES` of the answered posts leave open."""
    known = ~np.isnan(audit.y)
    n = int(known.any(axis=1).sum())
    columns = [audit.label_ids.index(label_id) for label_id in label_ids]
    n_open = n - known[:, columns].sum(axis=0)
    return [
        f"{label_id} ({m:,} of {n:,})"
        for label_id, m in zip(label_ids, n_open.tolist(), strict=True)
        if m > HOLES * n
    ]


def _notes(
    audit: AuditAnswers, says: ModelSays, scores: Scores | None, label_ids: Sequence[str]
) -> tuple[str, ...]:
    notes = list(audit.notes)
    if not audit.n_answered:
        todo = (
            "Label the audit posts, which narraframe queue and push send, and narraframe pull"
            if audit.n_drawn
            else "Draw an audit with narraframe queue, and label it"
        )
        notes.append(f"no audit post has an answer: nothing bears out any figure. {todo}")
    if open_ := _left_open(audit, label_ids):
        notes.append(
            "answered posts leave a label open (nobody was asked, or annotators disagree), and are "
            f"taken to be like the others: {', '.join(open_)}"
        )
    if audit.n_skipped:
        notes.append(
            f"{audit.n_skipped:,} of {audit.n_drawn:,} audit posts were skipped by annotators: "
            "shares hold if they are like the others"
        )
    if audit.n_disputed:
        notes.append(
            f"{audit.n_disputed:,} audit posts have answers that agree in nothing, and count as "
            "skipped: narraframe adjudicate has them settled"
        )
    if audit.n_uncovered:
        notes.append(
            f"{audit.n_uncovered:,} posts are of channels and months that the audit has no answer "
            f"from: {_reached(audit)}"
        )
    if scores is None and not audit.is_census:
        notes.append("without scores: shares are those of the audit alone")
    return (*notes, *(says.notes if audit.n_answered and not audit.is_census else ()))


def _joined(audit: AuditAnswers, used: str, model: ModelOfScores | None) -> Iterator[str]:
    """Say how the answers of several annotators became one."""
    if not audit.n_several:
        return
    line = f"several annotators answered {audit.n_several:,} audit posts: joined by {used}"
    if model is not None and model.consensus:
        other = "as" if model.consensus == used else f"not by {model.consensus} as"
        line += f", {other} for the training of {model.title}"
    yield line
    if audit.by_majority:
        yield (
            "too few posts have three answers to weigh annotators: joined by majority are "
            + ", ".join(audit.by_majority)
        )


def _reached(audit: AuditAnswers) -> str:
    if audit.n_waiting:
        return "label the audit posts that wait; narraframe queue draws more where there is none"
    return "narraframe queue draws and asks for them"


def _outside(slices: Mapping[str, Sequence[str | None]], by: Sequence[str]) -> Iterator[str]:
    for kind in by:
        if n := sum(not value for value in slices[kind]):
            yield f"{n:,} posts have no {kind}: they are in the shares of all posts only"


def _chosen(labels: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [label for label in labels if label not in known]:
        raise CodebookError(
            f"there is no label {', '.join(map(repr, unknown))}",
            remedy=f"Choose among: {', '.join(known)}.",
        )
    return tuple(label for label in known if not labels or label in labels)


def _month(post: Post) -> str | None:
    return post.created_at.isoformat()[:7] if post.created_at else None


def _compared(compare: tuple[str, str] | None, posts: Sequence[Post]) -> str:
    """Return whether the two are months or channels; "" if nothing is compared."""
    if compare is None:
        return ""
    if compare[0] == compare[1]:
        raise UsageError("a slice cannot be compared with itself", where="--compare")
    here = [post for post in posts if post.model_text]
    slices = {MONTH: {_month(p) for p in here}, CHANNEL: {p.channel for p in here}}
    for by, values in slices.items():
        if set(compare) <= values:
            return by
    raise UsageError(
        "must be two months (2024-05) or two channels that have posts",
        where="--compare",
        got=" ".join(compare),
        remedy="There are: "
        + "; ".join(", ".join(sorted(v for v in of if v)[-8:]) for of in slices.values()),
    )


def _changes(
    found: Prevalence, by: str, compare: tuple[str, str] | None
) -> tuple[ShareChange, ...]:
    if compare is None:
        return ()
    pairs = (
        [found.of(label_id, by=by, value=value) for value in compare]
        for label_id in found.label_ids
    )
    return tuple(share_change(a, b) for a, b in pairs if a is not None and b is not None)
