"""Annotations as long CSV tables without post text, each beside a provenance file."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from narraframe.errors import CodebookError, TableError
from narraframe.io.cells import csv_text, unguard
from narraframe.io.files import write_text
from narraframe.records import Annotation, Codebook

COLUMNS = (
    "post_id",
    "annotator",
    "label_id",
    "value",
    "spans",
    "codebook_version",
    "annotated_at",
    "origin",
    "design",
    "inclusion_probability",
    "gold",
)
_REQUIRED = ("post_id", "annotator", "label_id", "value")
_SPANS = re.compile(r"\d+-\d+(;\d+-\d+)*")


def read_annotations(
    path: Path, codebook: Codebook, *, others: Collection[str] = ()
) -> tuple[Annotation, ...]:
    """Read one CSV file, or every ``*.csv`` of a folder in name order.

    Retired labels of the codebook are read too; `migrate` puts them in present terms.

    Parameters
    ----------
    others : collection of str, default=()
        Ids, of another codebook, that are no fault either.

    Raises
    ------
    TableError
        If a file is missing, lacks a column or holds an impossible value; with file and line.
    CodebookError
        If label ids are not in `codebook`; with file, line and the nearest known id.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not path.exists():
        raise TableError(
            "there are no annotations", where=path, remedy="Put a *.csv of annotations there."
        )
    known = frozenset(codebook.label_ids) | {facet.facet_id for facet in codebook.facets}
    known |= {old.label_id for old in codebook.retired} | set(others)
    rows: list[Annotation] = []
    strangers: list[str] = []
    for file in files:
        for line, annotation in _read_file(file):
            if annotation.label_id not in known:
                strangers.append(_stranger(file, line, annotation.label_id, known, codebook))
            rows.append(annotation)
    if strangers:
        more = f"; and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise CodebookError(
            "; ".join(strangers[:5]) + more,
            remedy="Correct the annotations, or use the codebook they were made with. What became "
            "of a label belongs under [[retired]]: see narraframe codebook migrate --help.",
        )
    return tuple(rows)


def annotations_csv(annotations: Iterable[Annotation]) -> str:
    """Return `annotations` as the CSV that `read_annotations` reads."""
    rows = []
    for a in annotations:
        at = "" if a.annotated_at is None else a.annotated_at.astimezone(UTC).isoformat()
        spans = ";".join(f"{start}-{end}" for start, end in a.spans)
        probability = "" if a.inclusion_probability is None else repr(a.inclusion_probability)
        cells = [a.post_id, a.annotator, a.label_id, str(a.value), spans, a.codebook_version]
        rows.append([*cells, at, a.origin, a.design, probability, "1" if a.gold else ""])
    return csv_text(COLUMNS, rows)


def write_annotations(
    path: Path,
    annotations: Iterable[Annotation],
    *,
    provenance: Mapping[str, object],
    force: bool,
) -> None:
    """Write the CSV and, beside it, ``<stem>.provenance.toml`` with the CSV's sha256.

    Raises
    ------
    OutputError
        If a file exists and `force` is False, or cannot be written.
    """
    text = annotations_csv(annotations)
    write_text(path, text, force=force)
    origin = dict(provenance) | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    write_text(provenance_path(path), tomli_w.dumps(origin), force=force)


def altered_files(path: Path) -> tuple[Path, ...]:
    """Return the annotation files whose sha256 is not the one their provenance states.

    Raises
    ------
    TableError
        If a provenance file cannot be read.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    altered = []
    for file in files:
        if provenance_path(file).exists():
            stated = read_provenance(file).get("sha256")
            if stated != hashlib.sha256(file.read_bytes()).hexdigest():
                altered.append(file)
    return tuple(altered)


def read_provenance(path: Path) -> dict[str, object]:
    """Read what stands beside the annotations `path`; empty where nothing does.

    Raises
    ------
    TableError
        If it cannot be read.
    """
    beside = provenance_path(path)
    try:
        return tomllib.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    except (OSError, ValueError) as error:
        raise TableError(
            f"cannot be read: {error}", where=beside, remedy="Restore it, or remove it."
        ) from error


def provenance_path(path: Path) -> Path:
    """Return where the provenance of a file of annotations stands."""
    return path.with_name(f"{path.stem}.provenance.toml")


def _read_file(path: Path) -> Iterator[tuple[int, Annotation]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            "cannot be read as annotations", where=path, remedy="It must be a UTF-8 CSV file."
        ) from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    header = reader.fieldnames or []
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise TableError(
            f"columns {', '.join(missing)} are missing",
            where=path,
            got=", ".join(header)[:60],
            remedy=f"Annotations have the columns {', '.join(COLUMNS)}.",
        )
    try:
        for row in reader:
            yield reader.line_num, _annotation(row, where=f"{path} line {reader.line_num}")
    except csv.Error as error:
        raise TableError(
            f"is not CSV: {error}",
            where=f"{path} line {reader.line_num}",
            remedy="Mend that line.",
        ) from error


def _annotation(row: Mapping[str, str | None], *, where: str) -> Annotation:
    cell = {name: unguard(row.get(name) or "") for name in COLUMNS}
    faults = [f"{name} is empty" for name in _REQUIRED if not cell[name]]
    if cell["value"] not in ("0", "1", ""):
        faults.append(f"value must be 0 or 1, not {cell['value']!r}")
    if cell["gold"] not in ("", "0", "1"):
        faults.append(f"gold must be 0 or 1, not {cell['gold']!r}")
    if cell["spans"] and not _SPANS.fullmatch(cell["spans"]):
        faults.append(f'spans must look like "12-40;55-80", not {cell["spans"]!r}')
    at, probability = None, None
    try:
        at = datetime.fromisoformat(cell["annotated_at"]) if cell["annotated_at"] else None
    except ValueError:
        faults.append(f"annotated_at is no ISO date: {cell['annotated_at']!r}")
    try:
        text = cell["inclusion_probability"]
        probability = float(text) if text else None
    except ValueError:
        faults.append(f"inclusion_probability is no number: {text!r}")
    if probability is not None and not 0 < probability <= 1:
        faults.append(f"inclusion_probability must be in (0, 1], not {probability}")
    if faults:
        raise TableError("; ".join(faults), where=where, remedy="Mend that line.")
    pairs = (span.split("-") for span in cell["spans"].split(";") if span)
    return Annotation(
        post_id=cell["post_id"],
        annotator=cell["annotator"],
        label_id=cell["label_id"],
        value=int(cell["value"]),
        spans=tuple((int(start), int(end)) for start, end in pairs),
        codebook_version=cell["codebook_version"],
        annotated_at=at if at is None or at.tzinfo else at.replace(tzinfo=UTC),
        origin=cell["origin"] or "manual",
        design=cell["design"],
        inclusion_probability=probability,
        gold=cell["gold"] == "1",
    )


def _stranger(
    path: Path, line: int, label_id: str, known: frozenset[str], codebook: Codebook
) -> str:
    near = difflib.get_close_matches(label_id, sorted(known), n=1)
    hint = f'. Did you mean "{near[0]}"?' if near else ""
    return f'{path} line {line}: label_id "{label_id}" is not in codebook {codebook.version}{hint}'
