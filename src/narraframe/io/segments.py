"""Segments: files of embeddings that are written once and never changed.

Layout: a JSON line padded to 64 bytes (format, encoder, rows, dimension); the keys, 32 bytes each,
sorted; the vectors, float32 little-endian, in the order of the keys; the sha256 of header and keys;
the sha256 of the vectors.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SUFFIX, TEMPORARY = ".vectors", ".tmp"
KEY_BYTES = 32
_FORMAT = "narraframe vectors 1"
_DIGEST_BYTES = 32
_ALIGNMENT = 64
_MAX_HEADER = 4_096

Keys: TypeAlias = NDArray[np.bytes_]


class DamagedError(Exception):
    """A segment is not what was written."""


@dataclass(frozen=True, eq=False)
class Segment:
    """An open segment: `keys` (n,) sorted, `vectors` (n, d), both mapped from the file."""

    path: Path
    encoder: str
    keys: Keys
    vectors: NDArray[np.float32]
    digest: bytes
    data: mmap.mmap

    def release(self) -> None:
        """Give back the memory of what was read; it is read from the file again when needed."""
        if hasattr(self.data, "madvise"):
            self.data.madvise(mmap.MADV_DONTNEED)

    def is_sound(self) -> bool:
        """Read all vectors and compare their sha256 with the stored one."""
        return hashlib.sha256(self.vectors.data.cast("B")).digest() == self.digest


def write_segment(
    folder: Path, encoder: str, keys: Keys, dimension: int, blocks: Iterable[NDArray[np.float32]]
) -> Path:
    """Write a segment so that it is there whole or not at all.

    Parameters
    ----------
    folder : Path
        Must exist.
    encoder : str
        "name@revision".
    keys : bytes array of shape (n,)
        Sorted, each once.
    dimension : int
    blocks : iterable of float arrays of shape (any, d)
        The vectors in the order of `keys`, n rows in all.

    Returns
    -------
    Path
        The new file; when this returns it is safely on disk.
    """
    path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    temporary = path.with_name(path.name + TEMPORARY)
    fields = {"format": _FORMAT, "encoder": encoder, "rows": len(keys), "dimension": dimension}
    header = json.dumps(fields).encode()
    padding = b" " * (-(len(header) + 1) % _ALIGNMENT)
    head = header + padding + b"\n" + keys.tobytes()
    digest = hashlib.sha256()
    try:
        with temporary.open("xb") as stream:
            stream.write(head)
            for block in blocks:
                data = np.ascontiguousarray(block, dtype="<f4").data.cast("B")
                digest.update(data)
                stream.write(data)
            stream.write(hashlib.sha256(head).digest() + digest.digest())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def open_segment(path: Path) -> Segment:
    """Map a segment into memory and verify its size, header and keys (not its vectors).

    Raises
    ------
    DamagedError
        If the file is not, in whole, what `write_segment` wrote.
    """
    with path.open("rb") as stream:
        header = stream.readline(_MAX_HEADER)
        encoder, rows, dimension = _parsed(header)
        keys_end = len(header) + rows * KEY_BYTES
        vectors_end = keys_end + rows * dimension * 4
        if os.fstat(stream.fileno()).st_size != vectors_end + 2 * _DIGEST_BYTES:
            raise DamagedError("it is cut short or too long")
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if hashlib.sha256(memoryview(data)[:keys_end]).digest() != data[vectors_end:-_DIGEST_BYTES]:
        raise DamagedError("its keys do not match their checksum")
    vectors = np.frombuffer(data, "<f4", count=rows * dimension, offset=keys_end)
    return Segment(
        path=path,
        encoder=encoder,
        keys=np.frombuffer(data, f"S{KEY_BYTES}", count=rows, offset=len(header)),
        vectors=vectors.reshape(rows, dimension),
        digest=data[-_DIGEST_BYTES:],
        data=data,
    )


def _parsed(header: bytes) -> tuple[str, int, int]:
    try:
        fields = json.loads(header)
        known = fields["format"] == _FORMAT
        encoder, rows, dimension = fields["encoder"], int(fields["rows"]), int(fields["dimension"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError("its header cannot be read") from error
    if not known or rows < 1 or dimension < 1:
        raise DamagedError("its header cannot be read")
    return encoder, rows, dimension
