"""Shares of labels as tables: CSV, Parquet, Markdown, and JSON that holds all there is.

CSV and Parquet have one row a label and slice. Undefined cells are empty, null in JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import TableError
from narraframe.io.cells import csv_text
from narraframe.io.files import replacing, write_text
from narraframe.records import Estimate, LabelPlan, LabelShare, Prevalence, ShareChange

WHOLE_ENDINGS = (".json", ".md")
"""Of formats that hold changes and plans as well as shares."""
ENDINGS = (*WHOLE_ENDINGS, ".csv", ".parquet")
ESTIMATES = ("naive", "calibrated", "classical", "design")
_TEXTS = ("label_id", "by", "value", "method", "note")
_COUNTS = ("n_posts", "n_scored", "n_audit", "n_positive")
SHARES = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS[:3]),
        *(pa.field(name, pa.int64(), nullable=False) for name in _COUNTS),
        pa.field("effective_size", pa.float64()),
        *(
            pa.field(f"{name}{end}", pa.float64())
            for name in ESTIMATES
            for end in ("", "_low", "_high")
        ),
        pa.field("method", pa.string(), nullable=False),
        pa.field("power", pa.float64()),
        pa.field("note", pa.string(), nullable=False),
    ]
)
_LEVEL = 0.95


def write_prevalence(
    path: Path,
    prevalence: Prevalence,
    *,
    changes: Sequence[ShareChange] = (),
    plans: Sequence[LabelPlan] = (),
    force: bool,
) -> None:
    """Write shares by the ending of `path`; JSON and Markdown hold changes and plans as well.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    rows = [_row(share) for share in prevalence.shares]
    match path.suffix:
        case ".csv":
            cells = ([_cell(row[name]) for name in SHARES.names] for row in rows)
            write_text(path, csv_text(SHARES.names, cells), force=force)
        case ".parquet":
            with replacing(path, force=force) as temporary:
                pq.write_table(pa.Table.from_pylist(rows, schema=SHARES), temporary)
        case ".json":
            record = asdict(prevalence) | {
                "changes": [asdict(change) for change in changes],
                "plans": [asdict(plan) for plan in plans],
            }
            text = json.dumps(_defined(record), ensure_ascii=False, indent=1, allow_nan=False)
            write_text(path, f"{text}\n", force=force)
        case _:
            write_text(path, _markdown(prevalence, changes, plans), force=force)


def read_prevalence(path: Path) -> Prevalence:
    """Read the JSON that `write_prevalence` wrote.

    Raises
    ------
    TableError
        If there is no such file, or it is no such record.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        values: dict[str, Any] = {
            field.name: record[field.name] for field in fields(Prevalence) if field.name in record
        }
        values["shares"] = tuple(_share(share) for share in record["shares"])
        values |= {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return Prevalence(**values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TableError(
            "are no shares of labels as JSON",
            where=path,
            remedy="Write them by: narraframe prevalence POSTS -o shares.json.",
        ) from error


def read_shares(path: Path) -> tuple[LabelShare, ...]:
    """Read the Parquet table that `write_prevalence` wrote.

    Raises
    ------
    TableError
        If there is no such file, or it is no such table.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise TableError("cannot be read as Parquet", where=path) from error
    if not table.schema.equals(SHARES):
        raise TableError("is no table of shares", where=path, got=table.schema.names)
    return tuple(_of_row(row) for row in table.to_pylist())


def _row(share: LabelShare) -> dict[str, Any]:
    row = {name: getattr(share, name) for name in (*_TEXTS, *_COUNTS, "effective_size", "power")}
    for name in ESTIMATES:
        found = getattr(share, name)
        row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return {name: None if _is_nan(value) else value for name, value in row.items()}


def _of_row(row: Mapping[str, Any]) -> LabelShare:
    counts = {"naive": "n_scored", "calibrated": "n_scored"}
    values: dict[str, Any] = {name: row[name] for name in (*_TEXTS, *_COUNTS)}
    for name in ESTIMATES:
        value, low, high = (_number(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
        values[name] = Estimate(value, low, high, row[counts.get(name, "n_audit")], _LEVEL)
    for name in ("effective_size", "power"):
        values[name] = _number(row[name])
    return LabelShare(**values)


def _share(record: Mapping[str, Any]) -> LabelShare:
    values = dict(record)
    for name in ESTIMATES:
        of = values[name]
        value, low, high = (_number(of[end]) for end in ("value", "low", "high"))
        values[name] = Estimate(value, low, high, of["n"], of["level"])
    for name in ("effective_size", "power"):
        values[name] = _number(values[name])
    return LabelShare(**values)


def _markdown(
    prevalence: Prevalence, changes: Sequence[ShareChange], plans: Sequence[LabelPlan]
) -> str:
    header = (
        "label",
        "slice",
        "posts",
        "audit",
        "share by design",
        "count",
        "probabilities",
        "note",
    )
    blocks = [
        _md_table(
            header,
            (
                (
                    share.label_id,
                    share.value or "all",
                    f"{share.n_posts:,}",
                    f"{share.n_audit:,}",
                    percent(share.design),
                    percent(share.naive, interval=False),
                    percent(share.calibrated, interval=False),
                    share.note,
                )
                for share in prevalence.shares
            ),
        )
    ]
    if changes:
        rows = (
            (c.label_id, c.before.value, c.after.value, points(c.difference), c.note)
            for c in changes
        )
        blocks.append(_md_table(("label", "from", "to", "points", "note"), rows))
    if plans:
        rows_of_plans = (
            (p.label_id, p.value or "all", f"{p.n_audit:,}", f"{p.n_more:,}") for p in plans
        )
        blocks.append(_md_table(("label", "slice", "audit", "more to label"), rows_of_plans))
    if prevalence.notes:
        blocks.append("\n".join(f"- {note}" for note in prevalence.notes) + "\n")
    return "\n".join(blocks)


def percent(found: Estimate, *, interval: bool = True) -> str:
    """Return "12.3 % [9.1, 16.0]", "-" where there is none.

    With more digits where one would make nothing of a small share, or a point of an interval.
    """
    if math.isnan(found.value):
        return "-"
    low, value, high = (100 * x for x in (found.low, found.value, found.high))
    digits = _digits(value, *((low, high) if interval else ()))
    ends = f" [{low:.{digits}f}, {high:.{digits}f}]" if interval else ""
    return f"{value:.{digits}f} %{ends}"


def points(found: Estimate) -> str:
    """Return a difference of shares as "+3.1 [-0.4, +6.6]" percentage points, "-" if none.

    An end that is not 0 does not look like it.
    """
    if math.isnan(found.value):
        return "-"
    value, low, high = (100 * x for x in (found.value, found.low, found.high))
    digits = max(_digits(x, low, high) for x in (value, low, high))
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def _digits(value: float, *ends: float) -> int:
    """Return 1, or up to 4 digits where `value` is not 0, or `ends` are not one, and look so."""
    for digits in range(1, 4):
        vanishes = round(value, 6) != 0 and round(value, digits) == 0
        shrinks = len({round(x, digits) for x in ends}) < len({round(x, 6) for x in ends})
        if not (vanishes or shrinks):
            return digits
    return 4


def _md_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    shown = (" | ".join(" ".join(c.replace("|", "\\|").split()) for c in line) for line in lines)
    return "".join(f"| {line} |\n" for line in shown)


def _defined(value: Any) -> Any:
    """Return `value` with None for nan, which JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _defined(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_defined(item) for item in value]
    return None if _is_nan(value) else value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _cell(value: object) -> object:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
