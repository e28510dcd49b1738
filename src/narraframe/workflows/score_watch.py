"""Score the files of a folder as they arrive, each once, until told to stop."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from narraframe.config import Workspace
from narraframe.errors import InputError, NarraframeError, OutputError, UsageError
from narraframe.io.ledger import Entry, Ledger, open_ledger
from narraframe.io.registry import Registered, find_model
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.score import Extras, ScoreSummary, StoppedError, score_by
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.watch import Watch

# endings of what other programs are still writing
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", "~")


@dataclass
class _Folder:
    """What is known of the watched folder: how its files looked last, the model, and faults."""

    ledger: Ledger
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    model: tuple[Registered, Scorer] | None = None
    told: dict[str, str] = field(default_factory=dict)


def watch_folder(
    folder: Path,
    *,
    output: Path,
    model_uri: str,
    poll: float,
    options: ReadOptions,
    workspace: Workspace,
    watch: Watch,
    extras: Extras,
    say: Callable[[str], None],
) -> None:
    """Score every file that is or comes to be in `folder`, into `output` under its name.

    A file is taken when its size and time are the same at two looks, `poll` seconds apart; hidden
    names and those of unfinished downloads are passed over. The model is looked up for each file. A
    file that cannot be read is set down in the ledger like those that were scored; a fault that is
    not the file's own (no model, a full disk) is told once and tried again at the next look. A file
    that changes after it was scored is scored anew. SIGINT and SIGTERM end it after the window at
    hand; what was begun goes on at the next start.

    Raises
    ------
    UsageError
        If `folder` is none, or is `output` itself.
    OutputError
        If another process writes into `output`, or it cannot be written.
    ModelError
        If there is no such model at the start.
    """
    if not folder.is_dir():
        raise UsageError("is no folder", where=folder, remedy="Name the folder to watch.")
    if output.exists() and not output.is_dir():
        raise OutputError("is no folder", where=output, remedy="With --watch, -o is a folder.")
    if output.resolve() == folder.resolve():
        raise UsageError(
            "scores cannot go into the folder that is watched",
            where=output,
            remedy="Name another by -o.",
        )
    find_model(
        workspace.store, model_uri
    )  # a wrong address is a mistake now, not at the first file
    with _told_to_stop() as stop, open_ledger(output) as ledger:
        state = _Folder(ledger)
        say(f"watching {folder} every {poll:g} s; scores go to {output}; stop with Ctrl-C")
        while not stop.is_set():
            for path, look in _ready(folder, state):
                if stop.is_set():
                    break
                try:
                    state.model = _model(state.model, model_uri, workspace, watch)
                    summary = _score(
                        path, output, state.model, options, workspace, watch, extras, stop
                    )
                except StoppedError:
                    break
                except InputError as error:
                    watch.warn(f"left out: {error}")
                    ledger.add(_entry(path, look, "failed", str(error)))
                except (NarraframeError, OSError) as error:
                    _tell_once(path.name, str(error), state, watch)
                except Exception as error:  # noqa: BLE001 - no file may keep the others waiting
                    what = f"unexpected {type(error).__name__}: {error}"
                    watch.warn(f"left out: {path.name}: {what}")
                    ledger.add(_entry(path, look, "failed", what))
                else:
                    tally = summary.tally
                    said = f"{tally.n_scored:,} of {tally.n_posts:,} posts by {summary.model}"
                    ledger.add(_entry(path, look, "scored", said))
                    say(f"{path.name}: {said}")
                    notes = [summary.drift.verdict] if summary.drift else []
                    for line in [*summary.warnings, *notes]:
                        watch.warn(f"{path.name}: {line}")
            stop.wait(poll)
        say("stopped")


def _ready(folder: Path, state: _Folder) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Yield the files that are new and looked the same the last time."""
    now: dict[str, tuple[int, int]] = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            try:
                if not entry.is_file():
                    continue
                status = entry.stat()
            except OSError:  # gone again
                continue
            now[entry.name] = (status.st_size, status.st_mtime_ns)
    before, state.seen = state.seen, now
    for name, look in now.items():
        if before.get(name) == look and not state.ledger.has(name, *look):
            yield folder / name, look


def _model(
    open_now: tuple[Registered, Scorer] | None, uri: str, workspace: Workspace, watch: Watch
) -> tuple[Registered, Scorer]:
    """Return the model that `uri` names now; it is loaded only if that is another one."""
    found = find_model(workspace.store, uri)
    if open_now is not None and open_now[0] == found:
        return open_now
    return found, open_registered(found, workspace=workspace, watch=watch)


def _score(
    path: Path,
    output: Path,
    model: tuple[Registered, Scorer],
    options: ReadOptions,
    workspace: Workspace,
    watch: Watch,
    extras: Extras,
    stop: threading.Event,
) -> ScoreSummary:
    return score_by(
        model,
        [str(path)],
        output=str(output / f"{path.name}.parquet"),
        stdout=io.StringIO(),
        options=options,
        workspace=workspace,
        force=True,
        watch=watch,
        extras=extras,
        stopped=stop.is_set,
    )


def _entry(path: Path, look: tuple[int, int], status: str, what: str) -> Entry:
    return Entry(file=path.name, size=look[0], mtime_ns=look[1], status=status, what=what)


def _tell_once(name: str, line: str, state: _Folder, watch: Watch) -> None:
    if line != state.told.get(name):
        watch.warn(f"{name}: {line} It is tried again.")
    state.told[name] = line


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Yield what SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def tell(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, tell)
    try:
        yield stop
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
