"""The documented tables that one command hands to the next, as Parquet with a checked schema.

POSTS       one row a post, in input order
EMBEDDINGS  post_id and vector; the encoder stands in the schema's metadata
THEMES      post_id, theme (negative = noise), membership in [0, 1], x and y of the map
SCORES      one row a post and label; a post without a score has one row without a label
EXPLAINED   the same with the sentences that carry each decision: `evidence` and where they stand in
            the post's text, `evidence_spans`; whoever reads SCORES reads it too
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import TableError
from narraframe.io.files import replacing
from narraframe.records import Embeddings, Post, Themes

POSTS = pa.schema(
    [
        pa.field("post_id", pa.string(), nullable=False),
        ("text", pa.string()),
        ("model_text", pa.string()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("channel", pa.string()),
        ("author", pa.string()),
        ("forwarded_from", pa.string()),
        ("lang", pa.string()),
        ("hashtags", pa.list_(pa.string())),
        ("reactions", pa.string()),
        ("media", pa.string()),
        ("url", pa.string()),
        ("duplicate_of", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("source", pa.string()),
    ]
)
THEMES = pa.schema(
    [
        pa.field("post_id", pa.string(), nullable=False),
        ("theme", pa.int32()),
        ("membership", pa.float32()),
        ("x", pa.float32()),
        ("y", pa.float32()),
    ]
)
SCORES = pa.schema(
    [
        pa.field("post_id", pa.string(), nullable=False),
        ("label_id", pa.string()),
        ("label_name", pa.string()),
        ("probability", pa.float32()),
        ("threshold", pa.float32()),
        ("decision", pa.bool_()),
        ("reason", pa.string()),
        ("model", pa.string()),
    ]
)
EXPLAINED = pa.schema([*SCORES, ("evidence", pa.string()), ("evidence_spans", pa.string())])
_ROWS_A_GROUP = 10_000


def write_posts(path: Path, posts: Iterable[Post], *, force: bool) -> None:
    """Write posts as the table POSTS, a row group at a time.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    rows = iter(posts)
    with replacing(path, force=force) as temporary, pq.ParquetWriter(temporary, POSTS) as writer:
        while block := list(islice(rows, _ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist([_row(post) for post in block], POSTS))


def write_themes(path: Path, themes: Themes) -> None:
    """Write `themes` as the table THEMES; part of a folder that is written as a whole.

    Raises
    ------
    OSError
        If `path` cannot be written.
    """
    columns = [
        pa.array(themes.post_ids, pa.string()),
        themes.theme,
        themes.membership,
        themes.xy[:, 0],
        themes.xy[:, 1],
    ]
    pq.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], schema=THEMES), path)


def read_themes(path: Path) -> Themes:
    """Read the table THEMES.

    Raises
    ------
    TableError
        If `path` is no such table.
    """
    table = _read(path, THEMES)
    with _explained(path):
        # By DLPack, which refuses nulls, and is there without importing pandas.
        columns = {name: np.from_dlpack(table[name].combine_chunks()) for name in THEMES.names[1:]}
    return Themes(
        post_ids=tuple(table["post_id"].to_pylist()),
        theme=columns["theme"].astype(np.int32),
        membership=columns["membership"].astype(np.float32),
        xy=np.column_stack([columns["x"], columns["y"]]).astype(np.float32),
    )


def write_embeddings(path: Path, embeddings: Embeddings, *, force: bool) -> None:
    """Write `embeddings` as the table EMBEDDINGS: post_id, vector (fixed-size list of float32).

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    n, d = embeddings.vectors.shape
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.vectors.reshape(n * d)), d)
    table = pa.table({"post_id": pa.array(embeddings.post_ids, pa.string()), "vector": vectors})
    with replacing(path, force=force) as temporary:
        pq.write_table(table.replace_schema_metadata({"encoder": embeddings.encoder}), temporary)


def iter_scores(
    path: Path, *, columns: tuple[str, ...] = tuple(SCORES.names)
) -> Iterator[pa.Table]:
    """Read the table SCORES, or a folder of its parts in the order of names, a row group at a time.

    Raises
    ------
    TableError
        If `path` is no such table.
    """
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else []
    for part in parts or [path]:
        with _opened(part, SCORES) as file:
            for i in range(file.num_row_groups):
                with _explained(part):
                    block = file.read_row_group(i, columns=list(columns))
                yield block


def _row(post: Post) -> dict[str, object]:
    row = {name: getattr(post, name) for name in POSTS.names}
    if post.reactions is not None:
        row["reactions"] = json.dumps(dict(post.reactions), ensure_ascii=False)
    return row


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    with _opened(path, schema) as file, _explained(path):
        return file.read(columns=schema.names)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            f"is damaged: {error}", where=path, remedy="Run the stage that writes it again."
        ) from error


def _opened(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise TableError(
            "there is no such table", where=path, remedy="Run the stage that writes it first."
        ) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(
            "is not a Parquet table", where=path, remedy="Pass a file that narraframe wrote."
        ) from error
    have = {field.name: field.type for field in file.schema_arrow}
    faults = [
        f"column {field.name!r} is missing"
        if field.name not in have
        else f"column {field.name!r} is {have[field.name]}, not {field.type}"
        for field in schema
        if have.get(field.name) != field.type
    ]
    if faults:
        file.close()
        raise TableError(
            "; ".join(faults), where=path, remedy="Run the stage that writes it again."
        )
    return file
