"""Score on a Ray cluster: the same posts and the same scores as one process, block by block.

The inputs are cut into blocks, which every machine reads for itself. First the ids of all posts
are gathered, so that a post that was read before is left out exactly as one process would. Then
actors, each with a model and an encoder of its own, write one part a block. A part is a pure
function of its block: when a machine is lost, another scores its blocks again, and whoever writes a
part twice writes the same bytes.

All machines have to see the inputs and the output under the same path: the model lies beside the
parts for as long as the run takes. The encoder is the one installed on each machine, and is checked
against that of the training. No cache of vectors is used.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from narraframe.classifiers.classifier import from_parts
from narraframe.config import Workspace
from narraframe.errors import InputError, NarraframeError, ServerError
from narraframe.io.blocks import Block, cut_into_blocks
from narraframe.io.files import check_free, check_output, replacing
from narraframe.io.models import load_bundle
from narraframe.io.posts import read_posts
from narraframe.io.ray_session import ray_session
from narraframe.io.registry import find_model
from narraframe.io.rows import SUFFIXES
from narraframe.workflows.block_contents import (
    Again,
    Contents,
    account_of,
    cut_too_far,
    look_into,
    read_before,
)
from narraframe.workflows.block_scoring import (
    BlockResult,
    ScoringTask,
    check_parts,
    join_parts,
    run_folder,
)
from narraframe.workflows.drift_sample import DriftSample, drift_of
from narraframe.workflows.reading import Account, ReadOptions, warn_of_bad
from narraframe.workflows.score import PLAIN, Extras, ScoreSummary
from narraframe.workflows.score_notes import score_notes
from narraframe.workflows.score_tracking import track_scores
from narraframe.workflows.scored_window import Tally
from narraframe.workflows.watch import Watch

_BLOCKS_A_WORKER = 8  # few enough to cost nothing, enough that all end at about the same time


@dataclass
class RaySummary(ScoreSummary):
    """What a run on a cluster came to."""

    n_blocks: int = 0
    n_workers: int = 0


def score_with_ray(
    paths: Sequence[str],
    *,
    output: Path,
    model_uri: str,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    address: str | None = None,
    extras: Extras = PLAIN,
    workers: int | None = None,
    n_blocks: int | None = None,
) -> RaySummary:
    """Score `paths` on a Ray cluster.

    Parameters
    ----------
    paths : sequence of str
        Files that all machines see.
    output : Path
        One file, by its ending, or else a folder of Parquet parts: in the order of their names they
        are the table that one process would write. Both appear whole or not at all.
    model_uri : str
        A registered model.
    options : ReadOptions
    workspace : Workspace
    force : bool
    watch : Watch
    address : str, default=None
        A running cluster, "auto" or "HOST:PORT"; None: one of its own, on this machine alone. A
        process that is connected already stays with its cluster.
    extras : Extras
        Of all but a database's table.
    workers : int, default=None
        Actors, of one core each; None: one for each core of the cluster.
    n_blocks : int, default=None
        See `cut_into_blocks`, whose bounds then do not count; None: eight for each worker.

    Raises
    ------
    UsageError
        If Ray is not installed, or an input is standard input.
    InputError, ModelError, EncoderError, OutputError
        As in scoring by one process.
    ServerError
        If the cluster cannot be reached, or is lost.
    """
    in_parts = not output.suffix
    if in_parts:
        check_free(output, force=force)
    else:
        check_output(output, endings=SUFFIXES, inputs=paths, force=force)
    started = time.monotonic()
    found = find_model(workspace.store, model_uri)
    bundle = load_bundle(found.folder)
    with ray_session(address) as ray, replacing(output, force=force) as temporary:
        workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        blocks = cut_into_blocks(
            paths,
            n_blocks=n_blocks or workers * _BLOCKS_A_WORKER,
            format=options.format,
            columns=options.columns,
            **({"fewest": 1} if n_blocks else {}),
        )
        blocks, again, account = _look_through(blocks, options=options, watch=watch)
        task = ScoringTask(
            folder=temporary if in_parts else temporary.with_name(f"{temporary.name}.parts"),
            title=found.title,
            encoder=workspace.config.encoder,
            options=options,
            evidence=extras.evidence,
            drift=extras.drift and bundle.reference is not None,
        )
        with run_folder(task.folder, model=found.folder):
            total = account.read - account.merged
            done = _score(task, blocks, again, workers=workers, total=total, watch=watch)
            check_parts(task.folder, len(blocks))
        if not in_parts:
            join_parts(task.folder, temporary, schema=task.schema)
    warn_of_bad(account, watch)
    title = f"{found.title}@{bundle.digest}"
    summary = RaySummary(
        model=title,
        encoder=", ".join(sorted(done.encoders)),
        account=account,
        tally=done.tally,
        seconds=time.monotonic() - started,
        drift=drift_of(done.sample, bundle.reference, model=title) if task.drift else None,
        warnings=[*_unlike(done.encoders), *score_notes(done.tally, from_parts(bundle.parts))],
        n_blocks=len(blocks),
        n_workers=workers,
    )
    if extras.track:
        summary.warnings += track_scores(workspace.store, found, paths, str(output), summary)
    return summary


# --- on each machine; what goes there and comes back are rows of bytes


def _contents(row: dict[str, Any], *, options: ReadOptions) -> dict[str, Any]:
    block: Block = pickle.loads(row["block"])  # noqa: S301
    return {"number": row["number"], "answer": pickle.dumps(look_into(block, options))}


class _BlockScorer:
    """An actor: opens the model once, and writes a part for each block that comes."""

    def __init__(self, task: ScoringTask) -> None:
        self._task = task
        self._fault: NarraframeError | None = None
        try:
            self._scorer = task.open_scorer()
        except NarraframeError as fault:
            self._fault = fault  # told with the first block: an actor that fails is begun again

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        answer: BlockResult | NarraframeError
        try:
            if self._fault:
                raise self._fault
            block, again = pickle.loads(row["block"])  # noqa: S301
            number = int(row["number"])
            answer = self._task.score(self._scorer, block, number=number, again=again)
        except NarraframeError as fault:
            answer = fault
        return {"number": row["number"], "answer": pickle.dumps(answer)}


# --- on this one


def _look_through(
    blocks: list[Block], *, options: ReadOptions, watch: Watch
) -> tuple[list[Block], list[Again], Account]:
    """Learn what the blocks hold, cutting less where they hold what only one reader can tell."""
    contents = _gather(blocks, options=options, watch=watch)
    wholes = cut_too_far(blocks, contents)
    if wholes:
        known = dict(zip(blocks, contents, strict=True))
        read = _gather(list(wholes.values()), options=options, watch=watch)
        known |= dict(zip(wholes.values(), read, strict=True))
        blocks = list(dict.fromkeys(wholes.get(block.name, block) for block in blocks))
        contents = [known[block] for block in blocks]
    held = {block.path: 0 for block in blocks}
    for block, content in zip(blocks, contents, strict=True):
        held[block.path] += len(content.keys)
    for path in (path for path, n in held.items() if not n):
        # the reader of the whole file has the words for it
        deque(read_posts(path, format=options.format, columns=options.columns), maxlen=0)
        raise InputError("no post was found", where=path)
    again = read_before(contents)
    return blocks, again, account_of(blocks, contents, again, options)


def _gather(blocks: Sequence[Block], *, options: ReadOptions, watch: Watch) -> list[Contents]:
    rows = [{"number": i, "block": pickle.dumps(block)} for i, block in enumerate(blocks)]
    found: dict[int, Contents] = {}
    with watch.stage("read") as step:
        for row in _rows(_dataset(rows).map(partial(_contents, options=options))):
            content: Contents = pickle.loads(row["answer"])  # noqa: S301
            if content.fault is not None:
                raise content.fault
            found[int(row["number"])] = content
            step(len(content.keys))
    return [found[i] for i in range(len(blocks))]


def _score(
    task: ScoringTask,
    blocks: Sequence[Block],
    again: Sequence[Again],
    *,
    workers: int,
    total: int,
    watch: Watch,
) -> BlockResult:
    import ray.data

    rows = [
        {"number": i, "block": pickle.dumps(block)}
        for i, block in enumerate(zip(blocks, again, strict=True))
    ]
    size = min(workers, len(blocks))
    scored = _dataset(rows).map(
        _BlockScorer,
        fn_constructor_args=(task,),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=size, initial_size=size),
        num_cpus=1,
    )
    done = BlockResult(Tally(), frozenset(), DriftSample())
    with watch.stage("score", total=total) as step:
        for row in _rows(scored):
            answer = pickle.loads(row["answer"])  # noqa: S301
            if isinstance(answer, NarraframeError):
                raise answer
            step(answer.tally.n_posts)
            done += answer
    return done


def _unlike(encoders: frozenset[str]) -> list[str]:
    """Warn where machines compute in several precisions: rows then depend on who made them."""
    if len(encoders) < 2:
        return []
    return [f"the machines computed unlike vectors, by {', '.join(sorted(encoders))}"]


def _dataset(rows: list[dict[str, Any]]) -> Any:
    import ray.data

    return ray.data.from_items(rows, override_num_blocks=len(rows))


def _rows(dataset: Any) -> Iterator[dict[str, Any]]:
    """Yield what comes back; a cluster that is lost is one error, a fault of ours a traceback."""
    import ray

    try:
        yield from dataset.iter_rows()
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise ServerError(
            f"the Ray cluster was lost: {str(error).splitlines()[0]}",
            remedy="Look at its logs, and run the command again.",
        ) from error
