"""Held-out predictions as Parquet: one row a post and label, so that any tool can read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import TableError
from narraframe.io.files import replacing
from narraframe.records import HeldOut

HELD_OUT = pa.schema(
    [
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("label_id", pa.string(), nullable=False),
        pa.field("y", pa.int8(), nullable=False),
        pa.field("known", pa.bool_(), nullable=False),
        pa.field("probability", pa.float32(), nullable=False),
        pa.field("decision", pa.bool_(), nullable=False),
        pa.field("group", pa.int64(), nullable=False),
        pa.field("fold", pa.int64(), nullable=False),
    ]
)
_LABELS = b"label_ids"


def write_held_out(path: Path, held_out: HeldOut, *, force: bool = False) -> None:
    """Write `held_out` as the table HELD_OUT: posts in their order, each with all its labels.

    A probability that there is not is nan; the columns' order stands in the schema's metadata.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    n, k = len(held_out.post_ids), len(held_out.label_ids)
    columns: dict[str, Any] = {
        "post_id": np.repeat(np.asarray(held_out.post_ids, dtype=object), k),
        "label_id": np.tile(np.asarray(held_out.label_ids, dtype=object), n),
        "y": held_out.y.ravel(),
        "known": held_out.mask.ravel(),
        "probability": held_out.probability.ravel(),
        "decision": held_out.decision.ravel(),
        "group": np.repeat(held_out.groups, k),
        "fold": np.repeat(held_out.fold, k),
    }
    arrays = [pa.array(columns[field.name], field.type, from_pandas=False) for field in HELD_OUT]
    labels = {_LABELS: json.dumps(held_out.label_ids).encode()}
    with replacing(path, force=force) as temporary:
        pq.write_table(pa.table(arrays, schema=HELD_OUT.with_metadata(labels)), temporary)


def read_held_out(path: Path) -> HeldOut:
    """Read the table HELD_OUT.

    Raises
    ------
    TableError
        If there is no such file, it is no such table, or its rows are not all labels of each post.
    """
    table = _read(path)
    label_ids = tuple(json.loads(table.schema.metadata[_LABELS]))
    k = len(label_ids)
    n, rest = divmod(len(table), k) if k else (0, len(table))
    of_posts = np.arange(n) * k
    names = np.asarray(table["post_id"].to_pylist(), dtype=object)
    post_ids = tuple(names[of_posts])
    labels = np.asarray(table["label_id"].to_pylist(), dtype=object)
    whole = (
        rest == 0
        and np.array_equal(labels, np.tile(np.asarray(label_ids, dtype=object), n))
        and np.array_equal(names, np.repeat(names[of_posts], k))
    )
    if not whole or len(set(post_ids)) != n:
        raise TableError(
            "its rows are not one for each post and label",
            where=path,
            remedy="Write it by training again.",
        )
    cells = {
        name: _values(table, name).reshape(n, k)
        for name in ("y", "known", "probability", "decision")
    }
    return HeldOut(
        post_ids=post_ids,
        label_ids=label_ids,
        y=cells["y"],
        mask=cells["known"],
        probability=cells["probability"],
        decision=cells["decision"],
        groups=_values(table, "group")[of_posts].astype(np.intp),
        fold=_values(table, "fold")[of_posts].astype(np.intp),
    )


def _values(table: pa.Table, name: str) -> Any:
    return table[name].combine_chunks().to_numpy(zero_copy_only=False)


def _read(path: Path) -> pa.Table:
    remedy = "Train again, or pass a table that training wrote."
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if not schema.equals(HELD_OUT) or _LABELS not in (schema.metadata or {}):
                raise TableError("is no table of held-out predictions", where=path, remedy=remedy)
            return file.read()
    except FileNotFoundError as error:
        raise TableError("there is no such table", where=path, remedy=remedy) from error
    except (pa.ArrowException, OSError) as error:
        raise TableError("is damaged, or no Parquet table", where=path, remedy=remedy) from error
