"""Score: a stream of posts through a registered model, a window at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_output
from narraframe.io.registry import find_model
from narraframe.io.rows import SUFFIXES, JsonLines, RowWriter, check_suffix, open_rows
from narraframe.io.tables import SCORES
from narraframe.posts.prepare import prepare
from narraframe.records import BadRecord, Post
from narraframe.workflows.reading import Account, ReadOptions, count_bad, stream, warn_of_bad
from narraframe.workflows.scored_window import Tally, score_window, warnings_of
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.watch import Watch

# Texts of like length go through the encoder together: larger windows waste less on padding.
WINDOW = 2_000


@dataclass
class ScoreSummary:
    """What a scoring run came to."""

    model: str
    account: Account
    tally: Tally = field(default_factory=Tally)
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
            scored = score_window(scorer, window, cache=cache)
            writer.write(scored.rows)
            summary.tally += scored.tally
            step(len(window))
        if not summary.tally.n_posts:
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


def _warn(summary: ScoreSummary, cache: EmbeddingCache, scorer: Scorer) -> None:
    summary.warnings += [*cache.faults, *warnings_of(summary.tally, scorer.classifier)]
