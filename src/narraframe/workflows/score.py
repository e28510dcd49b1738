"""Score: posts of any number through a registered model, a window at a time, and on from a stop.

A window that is finished outlives the process. Run again, the same command reads its inputs again
and scores only the windows that are not there yet, or whose posts have changed since; after another
model came in between, it begins anew. Vectors are cached, so what is repeated costs little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from narraframe import __version__
from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.posts.source import STDIN
from narraframe.io.registry import Registered, find_model
from narraframe.io.sinks import check_sink, open_sink
from narraframe.io.tables import EXPLAINED, SCORES
from narraframe.records import Drift
from narraframe.workflows.drift_watch import DriftWatch
from narraframe.workflows.reading import Account, ReadOptions, stream_records, warn_of_bad
from narraframe.workflows.score_ahead import embedded_ahead
from narraframe.workflows.score_items import WINDOW, each_once
from narraframe.workflows.score_notes import score_notes
from narraframe.workflows.score_tracking import track_scores
from narraframe.workflows.scored_window import Tally, posts_of, score_window
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.watch import Watch


class StoppedError(Exception):
    """The work was asked to stop, and did so between two windows."""


@dataclass
class ScoreSummary:
    """What a scoring run came to; `n_resumed` posts were scored by an earlier run that stopped.

    `encoder` names what computed the vectors. `drift` is None where nobody asked, and where the
    model keeps no reference to tell it by.
    """

    model: str
    encoder: str
    account: Account
    tally: Tally = field(default_factory=Tally)
    n_resumed: int = 0
    seconds: float = 0.0
    drift: Drift | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is wanted beside the scores.

    `table` names the table of a database; `evidence` adds the sentences that carry each decision;
    `drift` compares the posts with those of the training; `track` writes the run into MLflow once
    the scores are there.
    """

    table: str | None = None
    evidence: bool = False
    drift: bool = False
    track: bool = False


PLAIN = Extras()


def score(
    paths: Sequence[str],
    *,
    output: str | Path | None,
    stdout: IO[str],
    model_uri: str,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    extras: Extras = PLAIN,
) -> ScoreSummary:
    """Score `paths` into `output` (see `io.sinks`), or as JSON lines to `stdout`.

    Raises
    ------
    InputError
        If an input cannot be read or none holds a post.
    ModelError, EncoderError
        If the model is not to be found, damaged, or its encoder is not at hand.
    OutputError
        If `output` exists and `force` is False, cannot be written, or is being written.
    UsageError
        If `output` or the table's name is malformed, or what it needs is not installed.
    """
    target = None if output is None else str(output)
    if target is not None:
        check_sink(target, inputs=paths, force=force, table=extras.table)
    found = find_model(workspace.store, model_uri)
    return score_by(
        (found, open_registered(found, workspace=workspace, watch=watch)),
        paths,
        output=target,
        stdout=stdout,
        options=options,
        workspace=workspace,
        force=force,
        watch=watch,
        extras=extras,
    )


def score_by(
    model: tuple[Registered, Scorer],
    paths: Sequence[str],
    *,
    output: str | None,
    stdout: IO[str],
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    extras: Extras = PLAIN,
    stopped: Callable[[], bool] = lambda: False,
) -> ScoreSummary:
    """Score by a model that is open already; for the rest, and the errors, see `score`.

    Raises
    ------
    StoppedError
        If `stopped` says so, between two windows.
    """
    found, scorer = model
    started = time.monotonic()
    summary = ScoreSummary(scorer.title, scorer.encoder.name, Account())
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    identity = {
        "format": "1",
        "narraframe": __version__,
        "model": scorer.title,
        "encoder": scorer.encoder.name,
        "window": str(WINDOW),
        "evidence": str(extras.evidence),
    }
    sink_of = open_sink(
        output,
        stdout=stdout,
        table=extras.table,
        schema=EXPLAINED if extras.evidence else SCORES,
        model=found.name,
        identity=identity,
        force=force,
    )
    drifting = DriftWatch(scorer, cache) if extras.drift and scorer.bundle.reference else None
    n_read = 0

    def take(n_bytes: int) -> None:
        nonlocal n_read
        n_read += n_bytes

    records = stream_records(paths, options=options, account=summary.account, progress=take)
    rows = each_once(records, options=options, account=summary.account)
    with (
        sink_of as sink,
        watch.reading("score", total=_total_bytes(paths)) as step,
        embedded_ahead(
            rows,
            scorer,
            note_of=sink.note_of,
            n_bytes=lambda: n_read,
            live=STDIN in paths,
            cache=cache,
        ) as windows,
    ):
        if sink.n_dropped:
            watch.warn(
                f"{output}: {sink.n_dropped:,} finished windows of an earlier run are not taken "
                f"up: they were scored by another model or version than {scorer.title}"
            )
        n_windows = 0
        for n_windows, window in enumerate(windows, start=1):
            items = window.read.items
            if window.note is None:
                scored = score_window(
                    scorer, items, cache=cache, vectors=window.vectors, evidence=extras.evidence
                )
                tally, note = scored.tally, json.dumps(scored.tally.as_record())
                sink.put(n_windows - 1, window.read.digest, scored.rows, note)
                if drifting:
                    drifting.update(scored.posts, scored.scores, window.vectors)
            else:
                tally = Tally.from_record(json.loads(window.note))
                summary.n_resumed += tally.n_posts
                if drifting:
                    drifting.update(posts_of(items))
            summary.tally += tally
            step(len(items), window.read.n_bytes)
            if stopped():
                raise StoppedError
        if not summary.tally.n_posts:
            raise InputError("no post was found", where=", ".join(paths))
        sink.finish(n_windows)
    warn_of_bad(summary.account, watch)
    summary.warnings += [*cache.faults, *score_notes(summary.tally, scorer.classifier)]
    summary.drift = drifting.result() if drifting else None
    summary.seconds = time.monotonic() - started
    if extras.track:
        summary.warnings += track_scores(workspace.store, found, paths, output, summary)
    return summary


def _total_bytes(paths: Sequence[str]) -> int | None:
    """Return the size of all inputs; None where one is a stream."""
    files = [Path(path) for path in paths]
    if not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)
