"""The ledger of a watched folder: which files are done, and what came of them.

One line of JSON a file, appended and flushed to the disk when the file's scores are in place. A
line that a killed process left unfinished does not count: its file is then scored again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from narraframe.io.files import refused
from narraframe.io.locks import alone

LEDGER = ".narraframe-scored.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file that is done: as what it was seen, and whether it was `scored` or `failed`."""

    file: str
    size: int
    mtime_ns: int
    status: str
    what: str


class Ledger:
    """What is done in one folder of scores; made by `open_ledger`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: dict[str, Entry] = {}
        for line in _lines(path):
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self.entries[entry.file] = entry

    def has(self, file: str, size: int, mtime_ns: int) -> bool:
        """Tell whether a file is done as it is now: one that has changed since is not."""
        known = self.entries.get(file)
        return known is not None and (known.size, known.mtime_ns) == (size, mtime_ns)

    def add(self, entry: Entry) -> None:
        """Set down a file; when this returns, it is safely on disk.

        Raises
        ------
        OutputError
            If the file system refuses.
        """
        try:
            with self._path.open("ab") as ledger:
                if ledger.tell() and not self._path.read_bytes().endswith(b"\n"):
                    ledger.write(b"\n")  # ends what a killed process began
                ledger.write(json.dumps(asdict(entry)).encode() + b"\n")
                ledger.flush()
                os.fsync(ledger.fileno())
        except OSError as error:
            raise refused(self._path, error) from error
        self.entries[entry.file] = entry


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Yield the ledger of `folder`, which is made if need be; only one process has it at a time.

    Raises
    ------
    OutputError
        If another process has it, or the file system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    with alone(folder / f"{LEDGER}.lock", what=folder):
        try:
            ledger = Ledger(folder / LEDGER)
        except OSError as error:
            raise refused(folder / LEDGER, error) from error
        yield ledger


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
