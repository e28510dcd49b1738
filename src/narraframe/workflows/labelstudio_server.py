"""A Label Studio of one's own: started in the background, for this machine only, and stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from narraframe.errors import ServerError, UsageError
from narraframe.io.detached import command_line, end, spawn
from narraframe.io.labelstudio_program import (
    announced_url,
    command,
    environment,
    last_words,
    mark,
    remove_unfinished,
)
from narraframe.io.loopback import HOST, free_port, status_of
from narraframe.io.private_files import (
    held,
    make_private_folder,
    read_line,
    read_or_make,
    write_private,
)
from narraframe.workflows.watch import Watch

USERNAME = "admin@local.test"
ENVIRONMENT = ".venv-labelstudio"

_GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server of `folder`; `answers` tells whether it is ready, `was_running` whether before."""

    url: str
    pid: int
    folder: Path
    answers: bool
    was_running: bool = True
    username: str = USERNAME

    @property
    def password_file(self) -> Path:
        """The file with the password of `username`."""
        return self.folder / "password"

    @property
    def token_file(self) -> Path:
        """The file with the token for programs."""
        return self.folder / "token"

    @property
    def log(self) -> Path:
        """The file with what the server printed since it was started."""
        return self.folder / "server.log"


def find_program(root: Path, *, given: Path | None = None) -> Path:
    """Return the program label-studio: `given`, or that of an environment of its own.

    That is looked for in the folder `root`, beside the environment of this Python, and on the PATH.

    Raises
    ------
    UsageError
        If there is none, or `given` is no program.
    """
    homes = (root, Path(sys.prefix).parent)
    on_path = shutil.which("label-studio")
    found = [home / ENVIRONMENT / "bin" / "label-studio" for home in homes]
    found += [Path(on_path)] if on_path else []
    for program in [given] if given else found:
        if program.is_file() and os.access(program, os.X_OK):
            return program.absolute()
    if given:
        raise UsageError("is no program", where=f"--program {given}", remedy="Check the path.")
    raise UsageError(
        "Label Studio is not installed",
        remedy=f"In a checkout: make labelstudio. Elsewhere: python3 -m venv {ENVIRONMENT} && "
        f"{ENVIRONMENT}/bin/pip install label-studio==1.23.2",
    )


def start(
    folder: Path, *, program: Path, port: int = 8080, watch: Watch, patience: float = 300.0
) -> RunningServer:
    """Start the server of `folder`, or find it running, and wait until it answers.

    On its first start, which takes about a minute, it makes its database, a user and a token. Their
    files in `folder` are readable by its owner only.

    Parameters
    ----------
    folder : Path
        Holds all that belongs to the server; made where there is none.
    program : Path
        The program label-studio.
    port : int, default=8080
        Where it listens, on this machine only; 0 = any free one.
    watch : Watch
        Shown the seconds that pass.
    patience : float, default=300.0
        Seconds until it must answer.

    Returns
    -------
    The server; one that ran already keeps its port.

    Raises
    ------
    UsageError
        If the port is in use.
    ServerError
        If the server ends, or does not answer in time.
    OutputError
        If `folder` cannot be written.
    """
    folder = folder.resolve()
    make_private_folder(folder)
    with held(folder / "lock"):
        server = status(folder)
        if server:
            _wait(server, patience=patience, watch=watch)
            return replace(server, answers=True)
        port = free_port(port)
        if remove_unfinished(folder / "data"):
            watch.warn("the first start was cut off before its end: it begins anew")
        server = _boot(folder, program=program, port=port)
        try:
            _wait(server, patience=patience, watch=watch)
        except BaseException:
            stop(folder)
            raise
    token = read_line(server.token_file)
    if status_of(server.url, "/api/current-user/whoami", token=token) == 401:
        watch.warn(
            f"Label Studio refuses the token in {server.token_file}: write there the legacy token "
            "of its page Account & Settings"
        )
    return replace(server, answers=True)


def stop(folder: Path) -> int | None:
    """Stop the server of `folder` and return its process id once it is gone; None if none ran.

    Raises
    ------
    ServerError
        If it is another user's, or does not end.
    """
    folder = folder.resolve()
    server = status(folder)
    if server:
        end(server.pid, mark=mark(folder / "data"), grace=_GRACE_SECONDS)
    (folder / "pid").unlink(missing_ok=True)
    return server.pid if server else None


def status(folder: Path) -> RunningServer | None:
    """Return the server of `folder` if it runs, whether or not it answers."""
    folder = folder.resolve()
    pid, url = read_line(folder / "pid"), read_line(folder / "url")
    # of a server that died, the number may have become another program's
    if not pid.isdecimal() or mark(folder / "data") not in command_line(int(pid)):
        return None
    server = RunningServer(url=url, pid=int(pid), folder=folder, answers=False)
    return replace(server, answers=_is_up(server))


def _boot(folder: Path, *, program: Path, port: int) -> RunningServer:
    url, data = f"http://{HOST}:{port}", folder / "data"
    told = environment(
        data=data,
        username=USERNAME,
        password=read_or_make(folder / "password", lambda: secrets.token_urlsafe(12)),
        token=read_or_make(folder / "token", lambda: secrets.token_hex(20)),
    )
    write_private(folder / "url", f"{url}\n")
    words = command(program, data=data, port=port)
    pid = spawn(words, environment=told, log=folder / "server.log")
    write_private(folder / "pid", f"{pid}\n")
    return RunningServer(url=url, pid=pid, folder=folder, answers=False, was_running=False)


def _wait(server: RunningServer, *, patience: float, watch: Watch) -> None:
    began, shown = time.monotonic(), 0
    with watch.stage("start Label Studio", unit="s") as step:
        while not _is_up(server):
            time.sleep(_POLL_SECONDS)
            passed = time.monotonic() - began
            step(int(passed) - shown)
            shown = int(passed)
            _check_progress(server, late=passed > patience)


def _is_up(server: RunningServer) -> bool:
    # by its announcement, too: on its port another program may answer
    return announced_url(server.log) == server.url and status_of(server.url, "/health") == 200


def _check_progress(server: RunningServer, *, late: bool) -> None:
    announced = announced_url(server.log)
    if mark(server.folder / "data") not in command_line(server.pid):
        what, remedy = f"Label Studio ended: {last_words(server.log)}", "Read the whole log."
    elif announced not in ("", server.url):
        what, remedy = f"the port was taken meanwhile: {server.url}", "Start it again."
    elif late:
        what = "Label Studio runs but does not answer"
        remedy = "Read the log; end it with: narraframe labelstudio stop"
    else:
        return
    raise ServerError(what, where=server.log, remedy=remedy)
