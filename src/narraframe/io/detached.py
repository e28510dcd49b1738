"""A program that goes on when the command that started it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from narraframe.errors import ServerError

_PROC = Path("/proc")
# where the number of threads stands in /proc/PID/stat, counted from the field after the state
_THREADS = 16
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.1


def spawn(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> int:
    """Start a program in a session of its own, without input, and return its process id.

    What it prints goes to `log`, which is made anew. The files that it makes are readable by their
    owner only. A program that cannot be started leaves the reason in `log`.
    """
    # the shell ends at once and leaves the program nobody's child: no one has to wait for its end
    launch = 'exec "$@" </dev/null >&2 & echo $!'
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(log, flags, 0o600), "wb") as errors:
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", launch, "sh", *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            umask=0o077,
            check=True,
        )
    return int(done.stdout)


def command_line(pid: int) -> str:
    """Return the words by which a process was started, joined by spaces; "" if it is no more."""
    return os.fsdecode(_asked(pid, "cmdline", "args").replace(b"\0", b" ").strip())


def has_ended(pid: int) -> bool:
    """Tell whether a process is no more, or only waits for its parent to take note of its end."""
    # of /proc "12345 (its name) Z 1 ...", of ps "Z"
    state, *more = _asked(pid, "stat", "stat").rpartition(b")")[2].split() or [b""]
    # its other threads may live a moment longer, and hold its port
    alone = len(more) <= _THREADS or more[_THREADS] in (b"0", b"1")
    return state == b"" or (state.startswith(b"Z") and alone)


def _asked(pid: int, name: str, column: str) -> bytes:
    """Return what /proc says of a process or, where there is none, ps; nothing if it is no more."""
    if (_PROC / "self").exists():
        try:
            return (_PROC / str(pid) / name).read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return b""
    words = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(words, capture_output=True, check=False).stdout  # noqa: S603


def end(pid: int, *, mark: str, grace: float) -> None:
    """End the process whose command line holds `mark`, and wait until it is gone.

    Parameters
    ----------
    pid : int
        Its process id; where it has become another program's, nothing is done.
    mark : str
        Words of its command line that no other program has.
    grace : float
        Seconds after which it is killed.

    Raises
    ------
    ServerError
        If it is another user's, or does not end.
    """
    if mark not in command_line(pid):
        return
    for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILL_SECONDS)):
        _send(pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if has_ended(pid):
                return
            time.sleep(_POLL_SECONDS)
    raise ServerError(f"process {pid} does not end", remedy="Restart the machine.")


def _send(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise ServerError(
            f"process {pid} belongs to another user", remedy="Let that user stop it."
        ) from error
