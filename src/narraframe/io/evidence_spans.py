"""Where a post carries its labels, read from a table of scores that was made with evidence."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import TableError

COLUMN = "evidence_spans"
_SPANS = re.compile(r"\d+[-:]\d+(;\d+[-:]\d+)*")


def read_evidence_spans(path: Path) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """Return the code points [start, end) of evidence by post and label id.

    Empty where the scores were made without evidence. A row group is read at a time.

    Raises
    ------
    TableError
        If `path` cannot be read, or a cell is not of the form "12:40;55:80".
    """
    found = {}
    try:
        with pq.ParquetFile(path) as file:
            if COLUMN not in file.schema_arrow.names:
                return {}
            for group in range(file.num_row_groups):
                block = file.read_row_group(group, columns=["post_id", "label_id", COLUMN])
                rows = block.filter(pa.compute.is_valid(block[COLUMN]))
                columns = (rows[name].to_pylist() for name in ("post_id", "label_id", COLUMN))
                for post_id, label_id, cell in zip(*columns, strict=True):
                    if cell:
                        found[post_id, label_id] = _spans(cell, path)
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            "is damaged, or no Parquet table",
            where=path,
            remedy="Score the posts again with: narraframe score.",
        ) from error
    return found


def _spans(cell: object, path: Path) -> tuple[tuple[int, int], ...]:
    if not isinstance(cell, str) or not _SPANS.fullmatch(cell):
        raise TableError(
            f"the column {COLUMN} does not say where evidence stands",
            where=path,
            got=repr(cell),
            remedy='It must look like "12:40;55:80": code points of the text.',
        )
    pairs = (re.split("[-:]", span) for span in cell.split(";"))
    return tuple((int(start), int(end)) for start, end in pairs)
