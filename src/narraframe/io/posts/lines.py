"""Lines of an input that arrives in pieces, none of them held beyond a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end; `data` is None where `size` (bytes) is over the limit."""

    number: int
    data: bytes | None
    size: int

    @property
    def too_long(self) -> str:
        """The fault of a line that was not held."""
        return f"the line is {self.size:,} bytes long; the limit is {MAX_LINE_BYTES:,}"


def read_lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of `chunks`, numbered from 1; memory stays below one line and one chunk."""
    held: list[bytes] = []
    size = 0
    number = 1
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        held, size = _hold(held, size, first)
        for piece in others:
            yield _line(number, held, size)
            number += 1
            held, size = _hold([], 0, piece)
    if size:
        yield _line(number, held, size)


def _hold(held: list[bytes], size: int, piece: bytes) -> tuple[list[bytes], int]:
    size += len(piece)
    if size > MAX_LINE_BYTES:
        return [], size
    held.append(piece)
    return held, size


def _line(number: int, held: list[bytes], size: int) -> Line:
    if size > MAX_LINE_BYTES:
        return Line(number, None, size)
    return Line(number, b"".join(held).removesuffix(b"\r"), size)
