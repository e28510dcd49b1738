"""The program label-studio: how it is called, what it is told, and what its log says."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from narraframe.io.loopback import HOST

_ANNOUNCED = re.compile(r"Starting development server at (\S+)/\s")
_HEAD = 65_536
# Label Studio also reads variables of everyday names (HOST, DEBUG, PASSWORD): of the user's own it
# gets these alone, and no proxy
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_SETTINGS = {
    "ENABLE_LEGACY_API_TOKEN": "true",
    "ALLOWED_HOSTS": f"{HOST},localhost",
    # a backend of this machine may be asked for predictions
    "ML_BLOCK_LOCAL_IP": "false",
    # nothing is asked of the world outside, and nothing told to it
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "CONVERTER_DOWNLOAD_RESOURCES": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
}


def mark(data: Path) -> str:
    """Return the words that only the command line of the server with its database in `data` has."""
    return f"start --data-dir {data} --no-browser"


def command(program: Path, *, data: Path, port: int) -> list[str]:
    """Return the words that start the server; no secret is among them, anyone may read them."""
    words = [str(program), "start", "--data-dir", str(data), "--no-browser"]
    return [*words, "--internal-host", HOST, "--port", str(port), "--log-level", "ERROR"]


def environment(*, data: Path, username: str, password: str, token: str) -> dict[str, str]:
    """Return all that the server finds in its environment.

    The user, password and token are made on the first start, and later ones leave them as they are.
    """
    own = {"BASE_DATA_DIR": str(data), "USERNAME": username, "PASSWORD": password}
    settings = {**_SETTINGS, **own, "USER_TOKEN": token}
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **{f"LABEL_STUDIO_{name}": value for name, value in settings.items()},
        # the log shows at once what was printed
        "PYTHONUNBUFFERED": "1",
    }


def remove_unfinished(data: Path) -> bool:
    """Remove a database whose making was cut off, and tell whether there was one.

    Label Studio never starts on such a one again. It is known by having no user, whom the first
    start makes last: nobody can have worked in it.
    """
    database = data / "label_studio.sqlite3"
    if not database.is_file() or _has_user(database):
        return False
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    return True


def _has_user(database: Path) -> bool:
    tables = "SELECT name FROM sqlite_master WHERE name = 'htx_user'"
    users = "SELECT id FROM htx_user"
    try:
        with closing(sqlite3.connect(database)) as opened:
            return bool(opened.execute(tables).fetchone() and opened.execute(users).fetchone())
    except sqlite3.DatabaseError:
        # damaged: there may be work in it to be saved
        return True


def announced_url(log: Path) -> str:
    """Return the address at which a server says it listens, without a final slash; "" if not yet.

    It may not be the one asked for: from a port in use it passes to the next one silently.
    """
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            found = _ANNOUNCED.search(lines.read(_HEAD))
    except FileNotFoundError:
        return ""
    return found[1] if found else ""


def last_words(log: Path) -> str:
    """Return the last line of the log that says something, which of a traceback is the error."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if line.strip() and not line.startswith((" ", "\t"))]
    return telling[-1].strip() if telling else "nothing was printed"
