"""The codebook as TOML: read with every fault listed at once, written, and fingerprinted."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from narraframe.errors import CodebookError
from narraframe.io.files import write_text
from narraframe.records import Codebook, Facet, Label

# MLflow takes such ids as metric names, and they stand in file and column names.
_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_TOP_KEYS = ("version", "title", "facets", "labels")
_FACET_KEYS = ("id", "name", "choice", "required", "question")
_PROSE_KEYS = ("definition", "include", "exclude", "source")
_LABEL_KEYS = ("id", "facet", "parent", "name", "examples", *_PROSE_KEYS)


def read_codebook(path: Path) -> Codebook:
    """Read `path` as a codebook.

    Raises
    ------
    CodebookError
        If the file is missing, is no TOML, or contradicts itself; the message lists every fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CodebookError(
            "there is no codebook",
            where=path,
            remedy="Write one, or make one with: narraframe codebook from-labels.",
        ) from error
    except UnicodeDecodeError as error:
        raise CodebookError("is not UTF-8 text", where=path, remedy="Save it as UTF-8.") from error
    return parse_codebook(text, where=str(path))


def parse_codebook(text: str, *, where: str) -> Codebook:
    """Parse TOML `text` as a codebook; `where` names it in errors.

    Raises
    ------
    CodebookError
        If `text` is no TOML or contradicts itself; the message lists every fault.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CodebookError(
            f"is not TOML: {error}", where=where, remedy="Mend it there."
        ) from error
    faults = list(_faults(data))
    if faults:
        raise CodebookError("; ".join(faults), where=where, remedy="Mend the codebook.")
    facets = tuple(
        Facet(
            facet_id=facet["id"],
            name=facet["name"],
            choice=facet.get("choice", "multiple"),
            required=facet.get("required", False),
            question=facet.get("question", ""),
        )
        for facet in data["facets"]
    )
    return Codebook(data["version"], data.get("title", ""), facets, _labels(data["labels"]))


def codebook_toml(codebook: Codebook) -> str:
    """Return `codebook` as the TOML that `parse_codebook` reads back to an equal one."""
    facets = [
        {
            "id": facet.facet_id,
            "name": facet.name,
            "choice": facet.choice,
            "required": facet.required,
            "question": facet.question,
        }
        for facet in codebook.facets
    ]
    labels = []
    for label in codebook.labels:
        row: dict[str, object] = {"id": label.label_id, "facet": label.facet_id}
        if label.parent is not None:
            row["parent"] = label.parent
        row |= {"name": label.name, "definition": label.definition}
        row |= {"include": label.include, "exclude": label.exclude}
        row |= {"examples": list(label.examples), "source": label.source}
        labels.append({key: value for key, value in row.items() if value not in ("", [])})
    document = {"version": codebook.version, "title": codebook.title}
    return tomli_w.dumps(document | {"facets": facets, "labels": labels}, multiline_strings=True)


def write_codebook(path: Path, codebook: Codebook, *, force: bool) -> None:
    """Write `codebook` to `path` as TOML.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    write_text(path, codebook_toml(codebook), force=force)


def codebook_sha256(codebook: Codebook) -> str:
    """Return the sha256 of what the labels are and mean: comments and layout do not count."""
    return hashlib.sha256(codebook_toml(codebook).encode()).hexdigest()


def _labels(rows: list[dict[str, Any]]) -> tuple[Label, ...]:
    return tuple(
        Label(
            label_id=row["id"],
            facet_id=row["facet"],
            name=row["name"],
            parent=row.get("parent"),
            examples=tuple(row.get("examples", ())),
            **{key: row.get(key, "") for key in _PROSE_KEYS},
        )
        for row in rows
    )


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_keys(data, _TOP_KEYS, "the codebook")
    if not isinstance(data.get("version"), str) or not data["version"]:
        yield 'version is missing: a string such as "1.0.0"'
    if not isinstance(data.get("title", ""), str):
        yield "title must be a string"
    for key in ("facets", "labels"):
        rows = data.get(key)
        if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
            yield f"[[{key}]] is missing: a codebook has at least one"
            return
    facets, labels = data["facets"], data["labels"]
    yield from _row_faults(facets, _FACET_KEYS, "facet", needed=("id", "name"))
    yield from _row_faults(labels, _LABEL_KEYS, "label", needed=("id", "facet", "name"))
    yield from _facet_faults(facets)
    yield from _label_faults(labels, {facet.get("id") for facet in facets})


def _row_faults(
    rows: list[dict[str, Any]], keys: tuple[str, ...], kind: str, *, needed: tuple[str, ...]
) -> Iterator[str]:
    seen: set[object] = set()
    for number, row in enumerate(rows, start=1):
        name = f"{kind} {row.get('id', number)!r}"
        yield from _unknown_keys(row, keys, name)
        for key in needed:
            if not isinstance(row.get(key), str) or not row[key]:
                yield f"{name}: {key} is missing"
        for key in set(row) & set(keys) - {"examples", "required"} - set(needed):
            if not isinstance(row[key], str):
                yield f"{name}: {key} must be a string"
        row_id = row.get("id")
        if isinstance(row_id, str) and not _ID.fullmatch(row_id):
            yield f"{name}: an id is lower-case letters, digits, _ and dots between them"
        if isinstance(row_id, str) and row_id in seen:
            yield f"{name}: the id is used twice"
        seen.add(row_id if isinstance(row_id, str) else None)


def _facet_faults(facets: list[dict[str, Any]]) -> Iterator[str]:
    for facet in facets:
        if facet.get("choice", "multiple") not in ("multiple", "single"):
            yield f'facet {facet.get("id")!r}: choice must be "multiple" or "single"'
        if not isinstance(facet.get("required", False), bool):
            yield f"facet {facet.get('id')!r}: required must be true or false"


def _label_faults(labels: list[dict[str, Any]], facet_ids: set[Any]) -> Iterator[str]:
    facet_of = {row.get("id"): row.get("facet") for row in labels if isinstance(row.get("id"), str)}
    before: set[Any] = set()
    for row in labels:
        name, parent = f"label {row.get('id')!r}", row.get("parent")
        if isinstance(row.get("facet"), str) and row["facet"] not in facet_ids:
            yield f"{name}: there is no facet {row['facet']!r}{_hint(row['facet'], facet_ids)}"
        if row.get("id") in facet_ids:
            yield f"{name}: a facet has the same id"
        if isinstance(parent, str) and parent not in before:
            yield f"{name}: its parent {parent!r} must stand before it{_hint(parent, before)}"
        elif isinstance(parent, str) and facet_of.get(parent) != row.get("facet"):
            yield f"{name}: its parent {parent!r} is in another facet"
        examples = row.get("examples", [])
        if not isinstance(examples, list) or not all(isinstance(e, str) for e in examples):
            yield f"{name}: examples must be a list of strings"
        before.add(row.get("id") if isinstance(row.get("id"), str) else None)


def _unknown_keys(row: Mapping[str, Any], keys: tuple[str, ...], name: str) -> Iterator[str]:
    for key in row:
        if key not in keys:
            yield f"{name}: unknown key {key!r}{_hint(key, keys)}"


def _hint(word: str, known: object) -> str:
    near = difflib.get_close_matches(word, [k for k in known if isinstance(k, str)], n=1)  # type: ignore[attr-defined]
    return f", did you mean {near[0]!r}?" if near else ""
