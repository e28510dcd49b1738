"""What contradicts itself in a codebook's TOML: every fault in words, none of them twice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from narraframe.records import version_key

# MLflow takes such ids as metric names, and they stand in file and column names.
_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_TOP_KEYS = ("version", "title", "facets", "labels", "retired")
_FACET_KEYS = ("id", "name", "choice", "required", "question", "since")
PROSE_KEYS = ("definition", "include", "exclude", "source")
_LABEL_KEYS = ("id", "facet", "parent", "name", "examples", "since", *PROSE_KEYS)
_RETIRED_KEYS = ("id", "facet", "into")


def codebook_faults(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what contradicts itself in a codebook's TOML, in words."""
    yield from _unknown_keys(data, _TOP_KEYS, "the codebook")
    if not isinstance(data.get("version"), str) or not data["version"]:
        yield 'version is missing: a string such as "1.0.0"'
    if not isinstance(data.get("title", ""), str):
        yield "title must be a string"
    for key in ("facets", "labels"):
        if not _is_tables(data.get(key)):
            yield f"[[{key}]] is missing: a codebook has at least one"
            return
    if "retired" in data and not _is_tables(data["retired"]):
        yield "[[retired]] must be tables, each with id, facet and into"
        return
    facets, labels, retired = data["facets"], data["labels"], data.get("retired", [])
    yield from _row_faults(facets, _FACET_KEYS, "facet", needed=("id", "name"))
    yield from _row_faults(labels, _LABEL_KEYS, "label", needed=("id", "facet", "name"))
    yield from _facet_faults(facets)
    yield from _row_faults(retired, _RETIRED_KEYS, "retired", needed=("id", "facet"))
    yield from _label_faults(labels, {facet.get("id") for facet in facets})
    for kind, rows in (("facet", facets), ("label", labels)):
        yield from _since_faults(rows, kind, data.get("version"))
    yield from _retired_faults(retired, labels, facets)


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
        for key in set(row) & set(keys) - {"examples", "required", "into"} - set(needed):
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


def _since_faults(rows: list[dict[str, Any]], kind: str, version: object) -> Iterator[str]:
    for row in rows:
        since = row.get("since", "")
        if not isinstance(since, str) or not since:
            continue
        name = f"{kind} {row.get('id')!r}"
        if not version_key(since):
            yield f'{name}: since must be dotted numbers such as "1.1.0", not {since!r}'
        elif isinstance(version, str) and version_key(since) > version_key(version):
            yield f"{name}: since {since} is later than the codebook's version, {version}"


def _retired_faults(
    retired: list[dict[str, Any]], labels: list[dict[str, Any]], facets: list[dict[str, Any]]
) -> Iterator[str]:
    """Yield the faults of ids that are gone. A facet retires too: it is a facet of its own."""
    alive = _texts(facets, "id", "id") | _texts(labels, "id", "facet")
    facet_of = alive | _texts(retired, "id", "facet")
    facet_ids = {key for key, facet in facet_of.items() if key == facet}
    into = {row.get("id"): _strings(row.get("into", [])) for row in retired}
    for row in retired:
        own, facet = row.get("id"), row.get("facet")
        name, targets = f"retired {own!r}", _strings(row.get("into", []))
        if own in alive:
            yield f"{name}: it is still in the codebook"
        if isinstance(facet, str) and facet not in facet_ids:
            yield f"{name}: there is no facet {facet!r}{_hint(facet, facet_ids)}"
        if targets is None or len(set(targets)) < len(targets):
            yield f"{name}: into must be a list of different ids"
            continue
        if own in facet_ids and len(targets) > 1:
            yield f"{name}: a facet goes into one facet at most"
        for target in targets:
            if target not in facet_of:
                yield f"{name}: into names {target!r}, which is no label{_hint(target, facet_of)}"
            elif (target in facet_ids) != (own in facet_ids):
                yield f"{name}: into names {target!r}: one is a facet, the other a label"
            elif own not in facet_ids and _heir(facet_of[target], into) != _heir(facet, into):
                yield f"{name}: into names {target!r}, a label of another facet"
        if own in _reached(targets, into):
            yield f"{name}: into leads back to it"


def _heir(facet: Any, into: Mapping[Any, list[str] | None]) -> Any:
    """Return what became of a facet."""
    seen = set()
    while facet not in seen and (targets := into.get(facet)):
        seen.add(facet)
        facet = targets[0]
    return facet


def _reached(targets: list[str], into: Mapping[Any, list[str] | None]) -> set[str]:
    reached: set[str] = set()
    waiting = list(targets)
    while waiting:
        target = waiting.pop()
        if target not in reached:
            reached.add(target)
            waiting += into.get(target) or ()
    return reached


def _texts(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, str]:
    pairs = ((row.get(key), row.get(value)) for row in rows)
    return {a: b for a, b in pairs if isinstance(a, str) and isinstance(b, str)}


def _strings(value: object) -> list[str] | None:
    """Return `value` if it is a list of strings."""
    is_strings = isinstance(value, list) and all(isinstance(x, str) for x in value)
    return value if is_strings else None  # type: ignore[return-value]


def _is_tables(rows: object) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _unknown_keys(row: Mapping[str, Any], keys: tuple[str, ...], name: str) -> Iterator[str]:
    for key in row:
        if key not in keys:
            yield f"{name}: unknown key {key!r}{_hint(key, keys)}"


def _hint(word: str, known: object) -> str:
    near = difflib.get_close_matches(word, [k for k in known if isinstance(k, str)], n=1)  # type: ignore[attr-defined]
    return f", did you mean {near[0]!r}?" if near else ""
