"""One real Label Studio for all tests that ask for it, whichever process they run in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from narraframe.workflows.labelstudio_server import start, stop
from narraframe.workflows.watch import Silent

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ServerForTests:
    """Where the server is; `folder` holds its database, log, token and password."""

    url: str
    token: str
    folder: Path


@pytest.fixture(scope="session")
def label_studio_program() -> Path:
    given = os.environ.get("NARRAFRAME_LABEL_STUDIO_PROGRAM")
    program = Path(given) if given else ROOT / ".venv-labelstudio/bin/label-studio"
    if not program.exists():
        pytest.skip(f"there is no Label Studio at {program}: make test installs it")
    return program


@pytest.fixture(scope="session")
def label_studio(
    label_studio_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerForTests]:
    """A server on a free port; the last of the processes that use it stops it.

    pytest-xdist gives each of its processes a session of its own; all find one folder beside
    theirs. The first makes the database there, which takes about a minute, and the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, users = base / "labelstudio", base / "labelstudio-users"
    users.mkdir(exist_ok=True)
    own, lock = users / str(os.getpid()), FileLock(base / "labelstudio-users.lock")
    with lock:
        own.touch()
    try:
        server = start(folder, program=label_studio_program, port=0, watch=Silent())
        yield ServerForTests(server.url, server.token_file.read_text().strip(), folder)
    finally:
        with lock:
            own.unlink()
            if not any(_is_alive(int(user.name)) for user in users.iterdir()):
                stop(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
