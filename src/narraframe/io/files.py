"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from narraframe.errors import OutputError, UsageError


@contextmanager
def replacing(
    path: Path, *, force: bool, then: Callable[[], object] | None = None
) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well, move what is there to `path`.

    The block may write a file or make a folder. When it fails, `path` stays as it was and the
    temporary is removed. The temporary keeps the suffix, by which writers choose their format. A
    folder gives way to a folder only, and a file to a file. `then` is done once a folder is in its
    place; if it fails, the old folder comes back.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or the file system refuses to write.
    """
    check_free(path, force=force)
    absolute = path.absolute()
    temporary = absolute.with_name(f".{absolute.stem}.{os.getpid()}{absolute.suffix}")
    made = [folder for folder in absolute.parents if not folder.exists()]
    try:
        absolute.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with _put_aside(absolute, temporary) if temporary.is_dir() else nullcontext():
            temporary.replace(absolute)
            if then:
                then()
    except OSError as error:
        raise refused(path, error) from error
    finally:
        _remove(temporary)
        for folder in made:
            # succeeds on what stayed empty, that is when nothing was written
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _put_aside(folder: Path, temporary: Path) -> Iterator[None]:
    """Keep the old folder until the block ends well: one removed before could not come back."""
    old, is_there = temporary.with_name(f"{temporary.name}.old"), folder.is_dir()
    if is_there:
        folder.replace(old)
    try:
        yield
    except BaseException:
        if folder.is_dir():
            _remove(folder)
        if is_there:
            old.replace(folder)
        raise
    _remove(old)


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or the file system refuses to write.
    """
    with replacing(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_output(
    path: Path, *, endings: tuple[str, ...], inputs: Sequence[str] = (), force: bool
) -> None:
    """Refuse an output file that must not or cannot be written, before any work is done.

    Raises
    ------
    UsageError
        If `path` ends in none of `endings`.
    OutputError
        If `path` is a folder or one of `inputs`, or exists and `force` is False, or lies below a
        file.
    """
    if not path.name.endswith(endings):
        raise UsageError(
            "the ending names no format", where=path, remedy=f"End it in {' or '.join(endings)}."
        )
    if _exists(path) and path.is_dir():
        raise OutputError("is a folder", where=path, remedy="Name a file, for example in it.")
    check_free(path, force=force)
    if path.exists() and any(Path(p).exists() and path.samefile(p) for p in inputs):
        raise OutputError("is read and written at once", where=path, remedy="Choose another -o.")


def check_free(path: Path, *, force: bool) -> None:
    """Refuse to write over what exists, or below what is no folder, before any work is done.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, is neither file nor folder, or lies below a file.
    """
    exists = _exists(path)
    if exists and not force:
        raise OutputError(
            "exists already", where=path, remedy="Pass --force to replace it, or choose another -o."
        )
    if exists and not path.is_file() and not path.is_dir():
        raise OutputError("is no ordinary file", where=path, remedy="Choose another -o.")
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir():
        raise OutputError(
            f"cannot be written: {above} is a file, not a folder",
            where=path,
            remedy="Choose a place in a folder.",
        )


def refused(path: Path, error: OSError) -> OutputError:
    """Return the error for a file system that refuses to write `path`."""
    # pyarrow puts a path into strerror, which is that of the temporary
    reason = os.strerror(error.errno) if error.errno else error
    return OutputError(
        f"cannot be written: {reason}",
        where=path,
        remedy="Free some space, or choose a folder that you may write to.",
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name too long, a folder that may not be entered
        raise refused(path, error) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
