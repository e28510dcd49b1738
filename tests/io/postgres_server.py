"""A PostgreSQL server of this machine for one test run: Debian's, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "s3cret/w:rd@x"
QUOTED = "s3cret%2Fw%3Ard%40x"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    return found[-1].parent


def _as_user() -> list[str]:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and setpriv is not installed")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Yield the address of a server that listens on loopback alone; it stops behind the block."""
    binaries, user = _binaries(), _as_user()
    data, word = folder / "data", folder / "password"
    folder.mkdir(parents=True, exist_ok=True)
    word.write_text(PASSWORD)
    if user:
        for parent in (folder, word):
            shutil.chown(parent, "postgres")
    init = [binaries / "initdb", "-D", data, "-U", "tester", "--auth=scram-sha-256"]
    quick = [f"--pwfile={word}", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run([*user, *init, *quick], capture_output=True, cwd="/", check=False)
    assert made.returncode == 0, made.stderr.decode()
    port = _free_port()
    options = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*user, binaries / "postgres", *options], stdout=log, stderr=log, cwd="/"
        )
    try:
        _wait(port, server, folder / "log")
        yield f"postgresql+psycopg://tester:{QUOTED}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # at once, whoever is connected
        server.wait(60)


def _wait(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
