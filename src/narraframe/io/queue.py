"""What to label next, and the audit it is drawn from, as CSV files without post text.

data/queue.csv          one row a post to be labelled, the most useful first
labels/audit.csv        one row an audit post, asked now or before: its stratum and chances
labels/audit_frame.csv  one row a channel and month: the limit up to which its posts were drawn
labels/copies.csv       one row an audit post that is not asked: a near-copy of it is
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

from narraframe.errors import TableError
from narraframe.io.cells import csv_text, unguard
from narraframe.io.files import write_text
from narraframe.records import QueueItem

COLUMNS = tuple(field.name for field in fields(QueueItem))
_FRAME, _COPIES = ("channel", "month", "limit"), ("post_id", "labelled_as")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class AuditPost:
    """A post of the audit: `sample` n_h of the `population` N_h posts of its stratum are drawn."""

    post_id: str
    stratum: str
    inclusion_probability: float
    population: int
    sample: int


_AUDIT = tuple(field.name for field in fields(AuditPost))


def write_queue(path: Path, items: Iterable[QueueItem], *, force: bool) -> None:
    """Write the queue.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    write_text(path, csv_text(COLUMNS, [_cells(astuple(item)) for item in items]), force=force)


def read_queue(path: Path) -> tuple[QueueItem, ...]:
    """Read a queue.

    Raises
    ------
    TableError
        If there is none, it lacks a column or holds an impossible value, with file and line.
    """
    if not path.exists():
        raise TableError(
            "there is no queue",
            where=path,
            remedy="Make one first: narraframe queue POSTS -o data/queue.csv.",
        )
    return _read(path, COLUMNS, _queue_item, key="post_id")


def write_audit(path: Path, posts: Iterable[AuditPost]) -> None:
    """Write the audit posts over those that are there.

    Raises
    ------
    OutputError
        If `path` cannot be written.
    """
    write_text(path, csv_text(_AUDIT, [_cells(astuple(post)) for post in posts]), force=True)


def read_audit(path: Path) -> tuple[AuditPost, ...]:
    """Read the audit posts; none if there is no such file.

    Raises
    ------
    TableError
        If it lacks a column or holds an impossible value, with file and line.
    """
    return _read(path, _AUDIT, _audit_post, key="post_id") if path.exists() else ()


def audit_probabilities(path: Path) -> dict[str, float]:
    """Return the inclusion probability of each audit post; errors as `read_audit`."""
    return {post.post_id: post.inclusion_probability for post in read_audit(path)}


def frame_path(audit: Path) -> Path:
    """Return where the frame of the audit at `audit` lies."""
    return audit.with_name(f"{audit.stem}_frame.csv")


def write_frame(path: Path, limits: Mapping[tuple[str, str], float]) -> None:
    """Write the limit of each channel and month over those that are there.

    Raises
    ------
    OutputError
        If `path` cannot be written.
    """
    rows = [[channel, month, repr(limit)] for (channel, month), limit in sorted(limits.items())]
    write_text(path, csv_text(_FRAME, rows), force=True)


def read_frame(path: Path) -> dict[tuple[str, str], float]:
    """Read what `write_frame` wrote; empty if there is no such file.

    Raises
    ------
    TableError
        If it lacks a column or holds an impossible value, with file and line.
    """
    if not path.exists():
        return {}

    def limit(cell: Mapping[str, str]) -> tuple[tuple[str, str], float]:
        return (cell["channel"], cell["month"]), _probability(cell["limit"])

    return dict(_read(path, _FRAME, limit))


def write_copies(path: Path, labelled_as: Mapping[str, str]) -> None:
    """Write the post that stands for each audit post that is not asked, over what is there.

    Raises
    ------
    OutputError
        If `path` cannot be written.
    """
    write_text(path, csv_text(_COPIES, sorted(labelled_as.items())), force=True)


def read_copies(path: Path) -> dict[str, str]:
    """Read what `write_copies` wrote; empty if there is no such file.

    Raises
    ------
    TableError
        If it lacks a column, with file and line.
    """
    if not path.exists():
        return {}

    def pair(cell: Mapping[str, str]) -> tuple[str, str]:
        return cell["post_id"], _present(cell["labelled_as"])

    return dict(_read(path, _COPIES, pair, key="post_id"))


def _read(
    path: Path,
    columns: Sequence[str],
    row_of: Callable[[Mapping[str, str]], Row],
    *,
    key: str | None = None,
) -> tuple[Row, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError("cannot be read", where=path, remedy="It must be UTF-8 CSV.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    seen: set[str] = set()
    try:
        if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
            raise TableError(
                f"columns {', '.join(missing)} are missing",
                where=path,
                remedy="Run narraframe queue again.",
            )
        for row in reader:
            cell = {name: unguard(row[name] or "") for name in columns}
            if key and (not cell[key] or cell[key] in seen):
                raise ValueError(f"{key} {cell[key]!r} is empty or stands there twice")
            seen.add(cell[key] if key else "")
            rows.append(row_of(cell))
    except (csv.Error, ValueError) as error:
        raise TableError(
            str(error), where=f"{path} line {reader.line_num}", remedy="Mend that line."
        ) from error
    return tuple(rows)


def _queue_item(cell: Mapping[str, str]) -> QueueItem:
    chance = cell["inclusion_probability"]
    if cell["blind"] not in ("", "0", "1"):
        raise ValueError(f"blind must be 0 or 1, not {cell['blind']!r}")
    return QueueItem(
        post_id=cell["post_id"],
        rank=_whole(cell["rank"], least=0),
        design=_present(cell["design"]),
        reason=cell["reason"],
        stratum=cell["stratum"],
        inclusion_probability=_probability(chance) if chance else None,
        n_annotators=_whole(cell["n_annotators"], least=1),
        blind=cell["blind"] == "1",
    )


def _audit_post(cell: Mapping[str, str]) -> AuditPost:
    return AuditPost(
        post_id=cell["post_id"],
        stratum=cell["stratum"],
        inclusion_probability=_probability(cell["inclusion_probability"]),
        population=_whole(cell["population"], least=1),
        sample=_whole(cell["sample"], least=1),
    )


def _present(text: str) -> str:
    if not text:
        raise ValueError("a cell is empty that must not be")
    return text


def _whole(text: str, *, least: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ValueError(f"{text!r} is no whole number of {least} or more")
    return int(text)


def _probability(text: str) -> float:
    value = float(text)
    if math.isnan(value) or not 0 < value <= 1:
        raise ValueError(f"{text!r} is not above 0 and at most 1")
    return value


def _cells(values: Sequence[object]) -> list[object]:
    shown = ("" if v is None else int(v) if isinstance(v, bool) else v for v in values)
    return [repr(v) if isinstance(v, float) else v for v in shown]
