"""Files that only their owner may read: passwords, tokens, and a lock beside them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from narraframe.io.files import refused


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, and that git passes over.

    Raises
    ------
    OutputError
        If the file system refuses.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    if not (folder / ".gitignore").exists():
        write_private(folder / ".gitignore", "*\n")


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all, readable by its owner only (mode 600).

    Raises
    ------
    OutputError
        If the file system refuses.
    """
    temporary = None
    try:
        # made with mode 600: the text is at no time open to others
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise refused(path, error) from error


def read_line(path: Path) -> str:
    """Return the text in `path` without the space around it; "" where there is no such file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Return the line in the private file `path`; where there is none, write what `make` returns.

    Raises
    ------
    OutputError
        If the file system refuses.
    """
    if not read_line(path):
        write_private(path, make() + "\n")
    return read_line(path)


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock between processes, waiting for who has it; it is let go even by a killed one."""
    import fcntl

    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise refused(lock, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
