"""Columns of many posts in few bytes: typed arrays behind a header, compressed, as base64.

The packed bytes are: the header's length (uint32), the header (JSON: every column's `name`, `type`,
`start` and `length`), then the columns, each from a multiple of eight bytes on. Numbers are
little-endian in the narrowest type that holds them. A column of texts is their UTF-8 in one piece,
beside a column ``NAME.size`` of their lengths in UTF-16 units, as JavaScript counts, -1 = not held.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.report.shown import inert

Column = NDArray[np.integer] | Sequence[str | None]

_ALIGNED = 8
_TYPES = (np.int8, np.int16, np.int32)


def pack(columns: Mapping[str, Column]) -> str:
    """Return `columns` as base64 of zlib, the same bytes for the same columns.

    Parameters
    ----------
    columns : mapping of str to integer array or sequence of str or None
        Texts are made inert, as everywhere on the page; None stays known from "".

    Raises
    ------
    OverflowError
        If a number needs more than 32 bits.
    """
    header, body, size = [], [], 0
    for name, kind, data in _pieces(columns):
        padding = -size % _ALIGNED
        size += padding
        header.append({"name": name, "type": kind, "start": size, "length": len(data)})
        body += [b"\0" * padding, data]
        size += len(data)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-(len(head) + 4) % _ALIGNED)
    return base64.b64encode(squeeze(b"".join([struct.pack("<I", len(head)), head, *body]))).decode()


def squeeze(data: bytes) -> bytes:
    """Compress `data` as a pack is compressed."""
    return zlib.compress(data, 9)


def _pieces(columns: Mapping[str, Column]) -> list[tuple[str, str, bytes]]:
    pieces = []
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            pieces.append((name, *_numbers(column)))
            continue
        texts = [None if text is None else inert(text) for text in column]
        sizes = [-1 if text is None else len(text.encode("utf-16-le")) // 2 for text in texts]
        pieces.append((f"{name}.size", *_numbers(np.array(sizes, dtype=np.int64))))
        pieces.append((name, "text", "".join(text or "" for text in texts).encode()))
    return pieces


def _numbers(column: NDArray[np.integer]) -> tuple[str, bytes]:
    low, high = (int(column.min()), int(column.max())) if column.size else (0, 0)
    for one in _TYPES:
        if np.iinfo(one).min <= low and high <= np.iinfo(one).max:
            return np.dtype(one).name, column.astype(np.dtype(one).newbyteorder("<")).tobytes()
    raise OverflowError(f"{low} to {high} does not fit into 32 bits")
