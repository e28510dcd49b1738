"""Blocks of posts scored apart: each becomes a part of the table, the same bytes whoever writes it.

A run's folder holds the parts, the model that every machine opens there, and nothing else.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.config import EncoderSettings
from narraframe.errors import OutputError
from narraframe.io.blocks import Block
from narraframe.io.files import refused
from narraframe.io.rows import open_rows
from narraframe.io.tables import EXPLAINED, SCORES
from narraframe.workflows.block_contents import Again, block_items
from narraframe.workflows.drift_sample import DriftSample
from narraframe.workflows.drift_watch import DriftWatch
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.score_items import windows
from narraframe.workflows.scored_window import Tally, posts_of, prepared, score_window
from narraframe.workflows.scorer import Scorer, open_folder

_MODEL, _PARTS = ".model", "part-*.parquet"


@dataclass(frozen=True)
class BlockResult:
    """What a block, or several, came to, and by which encoders; `sample` is to tell drift by."""

    tally: Tally
    encoders: frozenset[str]
    sample: DriftSample

    def __add__(self, other: BlockResult) -> BlockResult:
        return BlockResult(
            self.tally + other.tally, self.encoders | other.encoders, self.sample + other.sample
        )


@dataclass(frozen=True, kw_only=True)
class ScoringTask:
    """What is the same for all blocks of a run; `folder` is seen by all machines."""

    folder: Path
    title: str
    encoder: EncoderSettings
    options: ReadOptions
    evidence: bool
    drift: bool

    @property
    def schema(self) -> pa.Schema:
        """The table that the parts make."""
        return EXPLAINED if self.evidence else SCORES

    def open_scorer(self) -> Scorer:
        """Open the model in the run's folder, and the encoder that is installed here."""
        return open_folder(self.folder / _MODEL, title=self.title, settings=self.encoder)

    def score(self, scorer: Scorer, block: Block, *, number: int, again: Again) -> BlockResult:
        """Write part `number`: a row for whatever in `block` gets one."""
        tally, drifting = Tally(), DriftWatch(scorer)
        with _part(self.folder / part_name(number), self.schema) as writer:
            for window in windows(block_items(block, self.options, again)):
                items = prepared(window)
                vectors = scorer.embed(posts_of(items))
                scored = score_window(scorer, items, vectors=vectors, evidence=self.evidence)
                writer.write_table(scored.rows)
                tally += scored.tally
                if self.drift:
                    drifting.update(scored.posts, scored.scores, vectors)
        return BlockResult(tally, frozenset([scorer.encoder.name]), drifting.sample)


@contextmanager
def run_folder(folder: Path, *, model: Path) -> Iterator[None]:
    """Make the folder of a run with its `model`; at the end only the parts stay, if all went well.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        with _explained(folder):
            folder.mkdir()
            shutil.copytree(model, folder / _MODEL)
        yield
        with _explained(folder):
            shutil.rmtree(folder / _MODEL)
            for rest in folder.glob(".*"):
                rest.unlink(missing_ok=True)  # of machines that were lost half way
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def check_parts(folder: Path, n: int) -> None:
    """Refuse a folder that lacks one of the parts 0 to n - 1.

    Raises
    ------
    OutputError
        If one is missing.
    """
    missing = [i for i in range(n) if not (folder / part_name(i)).exists()]
    if missing:
        raise OutputError(
            f"{len(missing)} of {n} parts are not to be seen here",
            where=folder,
            remedy="The output must lie in a folder that all machines of the cluster share.",
        )


def join_parts(folder: Path, path: Path, *, schema: pa.Schema) -> None:
    """Write the parts, in their order, as one file, and remove them."""
    try:
        with open_rows(path, schema, force=True) as writer:
            for part in sorted(folder.glob(_PARTS)):
                with pq.ParquetFile(part) as table:
                    for i in range(table.num_row_groups):
                        writer.write(table.read_row_group(i))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def part_name(number: int) -> str:
    """Return the name of a part; in the order of their names, parts are in that of the posts."""
    return f"part-{number:06}.parquet"


@contextmanager
def _part(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Write a part beside its place: a machine that is lost half way leaves none."""
    temporary = path.with_name(f".{uuid.uuid4().hex}.parquet")
    try:
        with _explained(path):
            with pq.ParquetWriter(temporary, schema) as writer:
                yield writer
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error
