"""A lock that only one process has, and that dies with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from narraframe.errors import OutputError
from narraframe.io.files import refused


@contextmanager
def alone(lock: Path, *, what: object) -> Iterator[None]:
    """Hold the lock file `lock`, which is made for it and removed behind it.

    Parameters
    ----------
    lock : Path
        In a folder that exists.
    what : object
        What is locked, as the error shows it.

    Raises
    ------
    OutputError
        If another process holds it, or the file system refuses.
    """
    handle = _taken(lock, what)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(handle)


def _taken(lock: Path, what: object) -> int:
    import fcntl

    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise refused(lock, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise OutputError(
                "is being written by another process",
                where=what,
                remedy="Wait until it has ended, or choose another -o.",
            ) from error
        # who had it before may have removed the file between our two steps
        with suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == lock.stat().st_ino:
                return handle
        os.close(handle)
