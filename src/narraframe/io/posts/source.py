"""Opening an input: a path or standard input, unpacked if it is gzip, with a look at its head."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from narraframe.errors import InputError

STDIN = "-"

_CHUNK_BYTES = 128 * 1024
_HEAD_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """An opened input.

    `chunks` is all of it, unpacked; `head` is how it begins and `whole` whether that is all.
    `file` is the input itself where it can be read at any place. `faults` fills up while `chunks`
    is read: what broke off the unpacking.
    """

    head: bytes
    whole: bool
    chunks: Iterator[bytes]
    file: BinaryIO | None = None
    faults: list[str] = field(default_factory=list)


@contextmanager
def opened(
    path: str, stdin: BinaryIO | None, *, progress: Callable[[int], None] | None = None
) -> Iterator[Source]:
    """Open `path` for reading; ``-`` is `stdin`, which is left open.

    `progress` is called with the bytes just read, packed as they are.

    Raises
    ------
    InputError
        If there is no such file, or it may not or cannot be read.
    """
    if path == STDIN:
        if stdin is None:
            raise InputError("there is no standard input", where=path, remedy="Name a file.")
        yield _source(stdin, where="standard input", progress=progress)
        return
    with _open(path) as file:
        yield _source(file, where=path, progress=progress)


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        raise _not_opened(path, error) from error


def _source(file: BinaryIO, *, where: str, progress: Callable[[int], None] | None) -> Source:
    faults: list[str] = []
    chunks = _read(file, where=where, progress=progress)
    head, chunks = _behead(chunks)
    packed = head.startswith(_GZIP)
    if packed:
        head, chunks = _behead(_gunzip(chunks, faults))
    return Source(
        head=head,
        whole=len(head) < _HEAD_BYTES,
        chunks=chunks,
        file=file if not packed and file.seekable() else None,
        faults=faults,
    )


def _read(file: BinaryIO, *, where: str, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    try:
        while chunk := file.read(_CHUNK_BYTES):
            if progress is not None:
                progress(len(chunk))
            yield chunk
    except OSError as error:
        raise InputError(
            f"cannot be read on: {error.strerror or error}", where=where, remedy="Copy it again."
        ) from error


def _behead(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head, chain([head], chunks)


def _gunzip(chunks: Iterable[bytes], faults: list[str]) -> Iterator[bytes]:
    """Unpack gzip members; what breaks off is told in `faults` after all that could be read."""
    unpacker = zlib.decompressobj(wbits=31)
    started = False
    for chunk in chunks:
        while chunk:
            if unpacker.eof:
                chunk = chunk.lstrip(b"\x00")  # padding
                unpacker, started = zlib.decompressobj(wbits=31), False
                continue
            started = True
            try:
                piece = unpacker.decompress(chunk, _CHUNK_BYTES)
            except zlib.error as error:
                faults.append(f"the gzip file is damaged, the rest was not read: {error}")
                return
            if piece:
                yield piece
            chunk = unpacker.unconsumed_tail or unpacker.unused_data
    if rest := unpacker.flush():
        yield rest
    if started and not unpacker.eof:
        faults.append("the gzip file is cut off, the rest is missing")


def _not_opened(path: str, error: OSError | ValueError) -> InputError:
    if isinstance(error, FileNotFoundError):
        what, remedy = "there is no such file", "Check the path."
    elif isinstance(error, IsADirectoryError):
        what, remedy = "is a folder", "Name the files in it, such as result.json."
    elif isinstance(error, PermissionError):
        what, remedy = "may not be read", "Ask its owner for the right to read it."
    else:
        reason = error.strerror if isinstance(error, OSError) else error
        what, remedy = f"cannot be opened: {reason}", "Check the path."
    return InputError(what, where=path, remedy=remedy)
