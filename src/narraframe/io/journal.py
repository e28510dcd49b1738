"""A table written window by window into parts, and put together when all are there.

A run that is killed leaves its parts in a folder beside the output, ``.OUT.partial``, each written
whole or not at all. The next run takes up those whose input is still the same, and the output
comes out byte for byte as that of a run that nobody stopped.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import OutputError
from narraframe.io.files import check_free, refused
from narraframe.io.locks import alone
from narraframe.io.rows import open_rows

_MANIFEST, _LOCK, _READY, _PART = "manifest.json", "lock", "ready", ".part"
_DIGEST, _NOTE = b"narraframe.input", b"narraframe.note"


def partial_folder(output: Path) -> Path:
    """Return the folder that holds what an unfinished run of `output` has done."""
    return output.absolute().with_name(f".{output.name}.partial")


class Journal:
    """The parts of one output; made by `open_journal`. `n_dropped` windows were of another run."""

    def __init__(self, output: Path, schema: pa.Schema, identity: Mapping[str, str]) -> None:
        self._output, self._schema = output, schema
        self._folder = partial_folder(output)
        self.n_dropped = self._begin(dict(identity))

    def note_of(self, window: int, digest: str) -> str | None:
        """Return what was noted of a finished window; None if it is not, or of another input."""
        try:
            metadata = pq.read_schema(self._part(window)).metadata or {}
        except (OSError, pa.ArrowException):
            return None
        if metadata.get(_DIGEST) != digest.encode():
            return None
        return bytes(metadata[_NOTE]).decode()

    def put(self, window: int, digest: str, rows: pa.Table, note: str) -> None:
        """Write a finished window; when this returns, it is safely on disk.

        Raises
        ------
        OutputError
            If the disk is full, or the file system refuses.
        """
        described = rows.replace_schema_metadata({_DIGEST: digest.encode(), _NOTE: note.encode()})
        packed = io.BytesIO()
        pq.write_table(described, packed, compression="zstd")
        with self._explained():
            _write_safely(self._part(window), packed.getbuffer())

    def finish(self, n_windows: int) -> None:
        """Put the first `n_windows` parts together as the output, and remove them.

        Raises
        ------
        OutputError
            If the disk is full, or the file system refuses; the parts stay.
        """
        whole = self._folder / self._output.name
        with self._explained():
            with open_rows(whole, self._schema, force=True) as writer:
                for window in range(n_windows):
                    part = self._read(window)
                    writer.write(part.replace_schema_metadata(self._schema.metadata))
            _flush(whole)
            # should the process die behind the rename, the next one must know its own output
            _write_safely(self._folder / _READY, _look(whole).encode())
            whole.replace(self._output)
            _flush(self._output.absolute().parent)
            self._remove_all()

    def _begin(self, identity: dict[str, str]) -> int:
        """Keep the parts of the same model and version, remove any other; return how many."""
        manifest, dropped = self._folder / _MANIFEST, 0
        try:
            before = json.loads(manifest.read_text("utf-8"))
        except (OSError, ValueError):
            before = None
        with self._explained():
            same = before == identity
            for path in sorted(self._folder.iterdir()):
                is_part = path.suffix == _PART
                of_run = same and (is_part or path == manifest)
                if not of_run and path.name not in (_LOCK, _READY):
                    dropped += is_part
                    path.unlink()
            if not same:
                _write_safely(manifest, json.dumps(identity, indent=1).encode())
        return dropped

    def _read(self, window: int) -> pa.Table:
        """Read a part; a damaged one is removed, so that the next run makes it again."""
        try:
            return pq.ParquetFile(self._part(window)).read()
        except (pa.ArrowException, OSError) as error:
            self._part(window).unlink(missing_ok=True)
            raise OutputError(f"a finished window is damaged: {error}") from error

    def _part(self, window: int) -> Path:
        return self._folder / f"{window:08d}{_PART}"

    def _remove_all(self) -> None:
        # last what tells that the output is complete, should the process die among these steps
        for path in sorted(self._folder.iterdir(), key=lambda path: path.name == _READY):
            if path.name != _LOCK:
                path.unlink()

    def has_parts(self) -> bool:
        """Tell whether a window is finished."""
        return any(path.suffix == _PART for path in self._folder.iterdir())

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, OutputError) as error:
            fault = error if isinstance(error, OutputError) else refused(self._output, error)
            raise OutputError(fault.what, where=self._output, remedy=_GO_ON) from error


_GO_ON = "Free some space, or look at your rights there; the same command then goes on from here."


@contextmanager
def open_journal(
    output: Path, *, schema: pa.Schema, identity: Mapping[str, str], force: bool
) -> Iterator[Journal]:
    """Yield the journal of `output`; on a failure what is finished stays for the next run.

    Parameters
    ----------
    output : Path
        Its ending names the format, see `io.rows`.
    schema : Schema
        Of every window.
    identity : mapping of str to str
        What decides the rows beside the input: parts of another identity are not taken up.
    force : bool
        Replace `output` if it exists.

    Raises
    ------
    OutputError
        If `output` exists and `force` is False, cannot be written, or is being written.
    """
    check_free(output, force=force or is_own(output))
    folder = partial_folder(output)
    made = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(output, error) from error
    try:
        with alone(folder / _LOCK, what=output):
            journal = Journal(output, schema, identity)
            try:
                yield journal
            finally:
                if not journal.has_parts():
                    journal._remove_all()
    finally:
        for empty in dict.fromkeys((folder, *made)):
            # succeeds where nothing is left to go on from
            with suppress(OSError):
                empty.rmdir()


def is_own(output: Path) -> bool:
    """Tell whether `output` was put in place by a run that died just behind that."""
    try:
        return (partial_folder(output) / _READY).read_text() == _look(output)
    except (OSError, ValueError):
        return False


def _look(path: Path) -> str:
    """Return what a file keeps when it is renamed; a number of an inode alone is given again."""
    status = path.stat()
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"


def _write_safely(path: Path, content: bytes | memoryview) -> None:
    temporary = path.with_name(f"{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush(path.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
