"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from narraframe.errors import OutputError


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, move what is there to `path`.

    The block may write a file or make a folder. When it fails, `path` stays as it was and the
    temporary is removed. The temporary keeps the suffix, by which writers choose their format.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or the file system refuses to write.
    """
    check_free(path, force=force)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        _remove(temporary)


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or the file system refuses to write.
    """
    with replacing(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_free(path: Path, *, force: bool) -> None:
    """Refuse to write over what exists, before any work is done.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False.
    """
    if path.exists() and not force:
        raise OutputError(
            "exists already", where=path, remedy="Pass --force to replace it, or choose another -o."
        )


def refused(path: Path, error: OSError) -> OutputError:
    """Return the error for a file system that refuses to write `path`."""
    return OutputError(
        f"cannot be written: {error.strerror or error}",
        where=path,
        remedy="Free some space, or choose a folder that you may write to.",
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
