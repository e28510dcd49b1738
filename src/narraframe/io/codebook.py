"""The codebook as TOML: read with every fault listed at once, written, and fingerprinted."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from narraframe.errors import CodebookError
from narraframe.io.codebook_faults import PROSE_KEYS, codebook_faults
from narraframe.io.files import write_text
from narraframe.records import Codebook, Facet, Label, Retired


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
    faults = list(codebook_faults(data))
    if faults:
        raise CodebookError("; ".join(faults), where=where, remedy="Mend the codebook.")
    facets = tuple(
        Facet(
            facet_id=facet["id"],
            name=facet["name"],
            choice=facet.get("choice", "multiple"),
            required=facet.get("required", False),
            question=facet.get("question", ""),
            since=facet.get("since", ""),
        )
        for facet in data["facets"]
    )
    retired = tuple(
        Retired(row["id"], row["facet"], tuple(row.get("into", ())))
        for row in data.get("retired", ())
    )
    title, labels = data.get("title", ""), _labels(data["labels"])
    return Codebook(data["version"], title, facets, labels, retired)


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
        | ({"since": facet.since} if facet.since else {})
        for facet in codebook.facets
    ]
    labels = []
    for label in codebook.labels:
        row: dict[str, object] = {"id": label.label_id, "facet": label.facet_id}
        if label.parent is not None:
            row["parent"] = label.parent
        row |= {"name": label.name, "definition": label.definition}
        row |= {"include": label.include, "exclude": label.exclude}
        row |= {"examples": list(label.examples), "source": label.source, "since": label.since}
        labels.append({key: value for key, value in row.items() if value not in ("", [])})
    document: dict[str, object] = {"version": codebook.version, "title": codebook.title}
    document |= {"facets": facets, "labels": labels}
    if codebook.retired:
        document["retired"] = [
            {"id": old.label_id, "facet": old.facet_id, "into": list(old.into)}
            for old in codebook.retired
        ]
    return tomli_w.dumps(document, multiline_strings=True)


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
            since=row.get("since", ""),
            **{key: row.get(key, "") for key in PROSE_KEYS},
        )
        for row in rows
    )
