"""Score: a stream of posts through a registered model, a window at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_output
from narraframe.io.registry import find_model
from narraframe.io.rows import SUFFIXES, JsonLines, RowWriter, check_suffix, open_rows
from narraframe.io.scores import score_rows
from narraframe.io.tables import SCORES
from narraframe.posts.prepare import prepare
from narraframe.records import BadRecord, Post, Scores
from narraframe.workflows.reading import Account, ReadOptions, count_bad, stream, warn_of_bad
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.train_notes import never_note
from narraframe.workflows.watch import Watch

# Texts of like length go through the encoder together: larger windows waste less on padding.
WINDOW = 2_000


@dataclass
class ScoreSummary:
    """What a scoring run came to; `decisions` counts posts per label that applies."""

    model: str
    account: Account
    n_posts: int = 0
    n_scored: int = 0
    n_seen: int = 0
    n_strange: int = 0
    n_abstained: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def score(
    paths: Sequence[str],
    *,
    output: Path | None,
    stdout: IO[str],
    model_uri: str,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> ScoreSummary:
    """Score `paths` into `output`, or as JSON lines to `stdout`.

    Raises
    ------
    InputError
        If an input cannot be read or none holds a post.
    ModelError, EncoderError
        If the model is not to be found, damaged, or its encoder is not at hand.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    if output is not None:
        check_suffix(output)
        check_output(output, endings=SUFFIXES, inputs=paths, force=force)
    found = find_model(workspace.store, model_uri)
    scorer = open_registered(found, workspace=workspace, watch=watch)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    summary = ScoreSummary(model=scorer.title, account=Account())
    raw = stream(paths, options=options, account=summary.account)
    posts = _once(prepare(raw), options=options, account=summary.account)
    with _writer(output, stdout, force=force) as writer, watch.stage("score") as step:
        for window in _windows(posts):
            scores = scorer.score(window, cache=cache)
            writer.write(_rows(scores, scorer))
            _count(summary, window, scores, scorer)
            step(len(window))
        if not summary.n_posts:
            raise InputError("no post was found", where=", ".join(paths))
    warn_of_bad(summary.account, watch)
    _warn(summary, cache, scorer)
    return summary


def _writer(
    output: Path | None, stdout: IO[str], *, force: bool
) -> AbstractContextManager[RowWriter]:
    if output is None:
        return nullcontext(JsonLines(stdout))
    return open_rows(output, SCORES, force=force)


def _once(posts: Iterable[Post], *, options: ReadOptions, account: Account) -> Iterator[Post]:
    """Leave out a post that was read before; another post under a taken id is a bad record.

    Of each post two numbers are held, not its text.
    """
    text_of: dict[int, int] = {}
    for post in posts:
        key, text = hash(post.post_id), hash((post.text, post.channel))
        if key not in text_of:
            text_of[key] = text
            yield post
        elif text_of[key] == text:
            account.merged += 1
        else:
            what = f"post_id {post.post_id!r} is taken by an earlier post"
            count_bad(BadRecord(post.source, what), options=options, account=account)


def _windows(posts: Iterable[Post]) -> Iterator[list[Post]]:
    rest = iter(posts)
    while window := list(islice(rest, WINDOW)):
        yield window


def _rows(scores: Scores, scorer: Scorer) -> pa.Table:
    names = {label.label_id: label.name for label in scorer.bundle.codebook.labels}
    return score_rows(scores, names=names, reasons=scorer.classifier.reasons)


def _count(summary: ScoreSummary, window: Sequence[Post], scores: Scores, scorer: Scorer) -> None:
    summary.n_posts += len(window)
    scored = [i for i, reason in enumerate(scores.reasons) if not reason]
    summary.n_scored += len(scored)
    summary.reasons.update(f"no score: {reason}" for reason in scores.reasons if reason)
    learnt = np.isfinite(scores.probability).any(axis=0)
    decided = scores.decision & ~scores.abstained
    for j in np.flatnonzero(learnt):
        summary.decisions[scores.label_ids[j]] += int(decided[:, j].sum())
    summary.n_abstained += int(scores.abstained.sum())
    strange = scorer.bundle.record.strange_languages
    summary.n_strange += sum(1 for i in scored if window[i].lang in strange)
    summary.n_seen += int(scorer.has_seen(window).sum())


def _warn(summary: ScoreSummary, cache: EmbeddingCache, scorer: Scorer) -> None:
    summary.warnings += cache.faults
    silent = [i for i in scorer.classifier.label_ids if i not in summary.decisions]
    if silent and summary.n_scored:
        summary.warnings.append(f"not learnt by the model, so not counted: {', '.join(silent)}")
    summary.warnings += never_note(scorer.classifier)
    if summary.n_abstained:
        summary.warnings.append(
            f"{summary.n_abstained:,} decisions were left open, as too close to call"
        )
    if summary.n_strange:
        summary.warnings.append(
            f"{summary.n_strange:,} of {summary.n_posts:,} posts are in languages that the encoder "
            "was not made for: word counts carry the model there"
        )
    if summary.n_seen:
        summary.warnings.append(
            f"{summary.n_seen:,} of {summary.n_posts:,} posts are copies or near-copies of the "
            "model's training posts: their scores look better than those of new posts would"
        )
