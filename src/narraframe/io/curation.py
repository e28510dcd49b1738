"""The curation log: what the analyst did to the themes, one line of CSV an action, oldest first."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from narraframe.errors import TableError
from narraframe.io.cells import guard, unguard
from narraframe.io.files import refused

COLUMNS = ("at", "fit", "action", "themes", "into", "name", "keywords")
# action -> how many themes it is about, and how many it makes or ends in
_COUNTS: dict[str, tuple[tuple[int, int | None], tuple[int, int | None]]] = {
    "name": ((1, 1), (0, 0)),
    "merge": ((1, None), (1, 1)),
    "split": ((1, 1), (2, None)),
    "hide": ((1, None), (0, 0)),
    "restore": ((1, None), (0, 0)),
}
_NUMBER = re.compile(r"[Tt]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curation:
    """One action of the analyst on `themes`, by their stable numbers, at a time in UTC.

    name     `name` for the one theme
    merge    the themes into ``into[0]``; `name`, if given, is the new name of that one
    split    the one theme into the parts `into`, numbers that nothing else had before
    hide     the themes are shown no more
    restore  undo what hid, merged or split the themes, or else their names

    `keywords` is what the themes were about then, for who reads the log; nothing is done with it.
    `fit` is the fit it was done to: the line holds for that one and those that take it up.

    Raises
    ------
    TableError
        If the fields contradict each other; all faults are named.
    """

    at: datetime
    action: str
    themes: tuple[int, ...]
    into: tuple[int, ...] = ()
    name: str = ""
    keywords: str = ""
    fit: str

    def __post_init__(self) -> None:
        if faults := _faults(self):
            raise TableError("; ".join(faults), where=self.action, remedy="Correct it.")


def read_curations(path: Path) -> tuple[Curation, ...]:
    """Read the log, in its own order; an absent or empty file is an empty log.

    A last line without line end is taken if it has all its cells.

    Raises
    ------
    TableError
        If lines are cut off, or contradict themselves or earlier ones; all with line numbers.
    """
    text = _text(path)
    # Line ends stay as they are: a name may hold one.
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    found: list[Curation] = []
    faults: list[str] = []
    first_line: dict[int, int] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
            # The header comes again if two processes made the file, or two branches were joined.
            if cells and tuple(cells) != COLUMNS:
                curation = _curation(cells)
                _check_new(curation, first_line, line)
                found.append(curation)
        except StopIteration:
            break
        except (csv.Error, TableError) as error:
            what = error.what if isinstance(error, TableError) else f"is not CSV: {error}"
            cut = "is cut off: " if reader.line_num > text.count("\n") else ""
            faults.append(f"line {line}: {cut}{what}")
    if faults:
        raise TableError("; ".join(faults), where=path, remedy="Mend or remove these lines.")
    return tuple(found)


def append_curation(path: Path, curation: Curation) -> None:
    """Add one line to the log, by a single write that is on disk when this returns.

    The file and its folder are made if need be. What other processes append meanwhile is kept.

    Raises
    ------
    TableError
        If the log has faults: nothing is added to it then.
    OutputError
        If the file system refuses to write; the log is as it was then.
    """
    read_curations(path)
    line = _csv(_cells(curation))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as stream:
            if size := stream.seek(0, os.SEEK_END):
                stream.seek(size - 1)
                start = "" if stream.read(1) == b"\n" else "\n"
            else:
                start = _csv(COLUMNS)
            data, written = (start + line).encode(), 0
            try:
                written = stream.write(data)
                os.fsync(stream.fileno())
                if written != len(data):
                    raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")
            except OSError:
                # Half a line would stop all that comes after it.
                if stream.seek(0, os.SEEK_END) == size + written:
                    stream.truncate(size)
                if not stream.seek(0, os.SEEK_END):
                    path.unlink()
                raise
    except OSError as error:
        raise refused(path, error) from error


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            "cannot be read as a curation log", where=path, remedy="It must be a UTF-8 CSV file."
        ) from error
    header = ",".join(COLUMNS)
    if text and text.splitlines()[0] != header:
        raise TableError(f"line 1: the columns must be {header}", where=path, remedy="Mend it.")
    return text


def _faults(curation: Curation) -> list[str]:
    themes, into = curation.themes, curation.into
    if curation.action not in _COUNTS:
        return [f"action must be one of {', '.join(_COUNTS)}, not {curation.action!r}"]
    faults = []
    for field, numbers, (least, most) in zip(
        ("themes", "into"), (themes, into), _COUNTS[curation.action], strict=True
    ):
        if len(numbers) < least or (most is not None and len(numbers) > most):
            wanted = {0: "no number", 1: "one number", None: f"{least} or more numbers"}[most]
            faults.append(f"{field} must hold {wanted}, not {len(numbers)}")
    if curation.at.tzinfo is None:
        faults.append("at must have a time zone")
    if min((*themes, *into), default=0) < 0:
        faults.append("theme numbers must not be negative")
    if len(set(themes)) < len(themes) or len(set(into)) < len(into):
        faults.append("a theme is named twice")
    if set(themes) & set(into):
        faults.append("a theme cannot be merged with, or split into, itself")
    if not curation.fit.strip():
        faults.append("fit must not be empty")
    if curation.action == "name" and not curation.name.strip():
        faults.append("name must not be empty")
    return faults


def _check_new(curation: Curation, first_line: dict[int, int], line: int) -> None:
    """Refuse parts whose numbers an earlier line speaks of, as after joining two branches."""
    if curation.action == "split":
        for part in curation.into:
            if part in first_line:
                raise TableError(f"T{part} is no new number: line {first_line[part]} has it")
    for number in (*curation.themes, *curation.into):
        first_line.setdefault(number, line)


def _curation(cells: Sequence[str]) -> Curation:
    if len(cells) != len(COLUMNS):
        raise TableError(f"has {len(cells)} of {len(COLUMNS)} cells")
    at, fit, action, themes, into, name, keywords = (unguard(cell) for cell in cells)
    try:
        when = datetime.fromisoformat(at)
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TableError(f"at is no ISO date: {at!r}") from error
    return Curation(
        at=when,
        action=action,
        themes=_numbers(themes),
        into=_numbers(into),
        name=name,
        keywords=keywords,
        fit=fit,
    )


def _cells(curation: Curation) -> tuple[str, ...]:
    at = curation.at.astimezone(UTC).isoformat()
    themes, into = (" ".join(f"T{n}" for n in ns) for ns in (curation.themes, curation.into))
    return (at, curation.fit, curation.action, themes, into, curation.name, curation.keywords)


def _numbers(cell: str) -> tuple[int, ...]:
    for word in cell.split():
        if not _NUMBER.fullmatch(word):
            raise TableError(f"theme numbers look like T12, not {word!r}")
    return tuple(int(word.lstrip("Tt")) for word in cell.split())


def _csv(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    # Of bare line ends the writer quotes only those that are its own line terminator.
    csv.writer(text, lineterminator="\r\n").writerow([guard(cell) for cell in cells])
    return text.getvalue().removesuffix("\r\n") + "\n"
