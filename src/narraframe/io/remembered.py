"""What was seen before, remembered on disk: however much it is, memory stays bounded.

SQLite keeps it in a temporary file of its own, which is gone with the process however that ends.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import weakref
from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

from narraframe.errors import OutputError

R = TypeVar("R")

_CACHE_KB = 16_384


class Remembered:
    """Values by key; a key is any text, of which 16 bytes are kept."""

    def __init__(self) -> None:
        # "" is a temporary file; several threads may take turns, as readers are generators
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        for line in (
            f"PRAGMA cache_size = -{_CACHE_KB}",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE seen (key BLOB PRIMARY KEY, value) WITHOUT ROWID",
            "BEGIN",
        ):
            self._database.execute(line)

    def first(self, key: str, value: bytes) -> bytes:
        """Return the value that `key` was first given: `value` itself if it is new."""
        return _explained(lambda: self._first(_digest(key), value))

    def count(self, key: str) -> int:
        """Return how often `key` was counted, this time among them."""
        return _explained(lambda: self._count(_digest(key)))

    def _first(self, key: bytes, value: bytes) -> bytes:
        run = self._database.execute
        if run("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, value)).rowcount:
            return value
        (held,) = run("SELECT value FROM seen WHERE key = ?", (key,)).fetchone()
        return bytes(held)

    def _count(self, key: bytes) -> int:
        run = self._database.execute
        if run("INSERT OR IGNORE INTO seen VALUES (?, 1)", (key,)).rowcount:
            return 1
        run("UPDATE seen SET value = value + 1 WHERE key = ?", (key,))
        (n,) = run("SELECT value FROM seen WHERE key = ?", (key,)).fetchone()
        return int(n)


def digest_of(*parts: str | None) -> bytes:
    """Return 16 bytes that differ wherever the texts differ."""
    return _digest(json.dumps(parts))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _explained(work: Callable[[], R]) -> R:
    try:
        return work()
    except sqlite3.OperationalError as error:
        raise OutputError(
            f"the ids of posts cannot be kept: {error}",
            where=tempfile.gettempdir(),
            remedy="Free some space there, or name another folder in the variable SQLITE_TMPDIR.",
        ) from error
