"""Codebook change: what it means for the annotations there, and the annotations rewritten by it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from narraframe.annotations.codebook_diff import CodebookDifference, difference
from narraframe.annotations.migrate import Migrated, migrate
from narraframe.io.annotations import (
    altered_files,
    read_annotations,
    read_provenance,
    write_annotations,
)
from narraframe.io.codebook import read_codebook
from narraframe.records import Annotation, Codebook
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Rewritten:
    """What was rewritten in which file; files without anything to rewrite are not listed."""

    codebook: Codebook
    files: tuple[tuple[Path, Migrated], ...]


def compare(old_path: Path, new_path: Path, *, annotations: Path) -> CodebookDifference:
    """Tell what changed between two codebooks, and what it means for the annotations there.

    Raises
    ------
    CodebookError
        If a codebook contradicts itself, or annotations use labels that neither has.
    TableError
        If an annotation file cannot be read.
    """
    old, new = read_codebook(old_path), read_codebook(new_path)
    uses: Counter[str] = Counter()
    if any(annotations.glob("*.csv")):
        facet_ids = {facet.facet_id for facet in old.facets}
        others = {*old.label_ids, *facet_ids, *(row.label_id for row in old.retired)}
        rows = read_annotations(annotations, new, others=others)
        uses.update(a.label_id for a in rows if a.value == 1 or a.label_id in facet_ids)
    return difference(old, new, uses)


def migrate_files(
    codebook_path: Path, *, annotations: Path, dry_run: bool, watch: Watch
) -> Rewritten:
    """Rewrite the annotation files, each in place, by what the codebook says of retired labels.

    Each rewritten file's provenance gets one more ``[[migrated]]`` table: when, from and to which
    codebook version, what was changed, and the sha256 that the file had before.

    Parameters
    ----------
    dry_run : bool
        Only tell what would be rewritten.

    Raises
    ------
    CodebookError
        If the codebook contradicts itself, or annotations use labels that it never had.
    TableError
        If an annotation or provenance file cannot be read.
    OutputError
        If a file cannot be written; those before it are complete.
    """
    codebook = read_codebook(codebook_path)
    # all is read, and so all faults are found, before the first file is written
    read_annotations(annotations, codebook)
    for path in altered_files(annotations):
        watch.warn(f"{path} was changed after it was written: its provenance states another sha256")
    files = []
    for path in sorted(annotations.glob("*.csv")):
        rows = read_annotations(path, codebook)
        done = migrate(rows, codebook)
        if done.annotations == rows:
            continue
        files.append((path, done))
        if not dry_run:
            provenance = _provenance(path, rows, done, codebook)
            write_annotations(path, done.annotations, provenance=provenance, force=True)
    return Rewritten(codebook, tuple(files))


def _provenance(
    path: Path, rows: tuple[Annotation, ...], done: Migrated, codebook: Codebook
) -> dict[str, object]:
    before = read_provenance(path)
    entry = {
        "migrated_at": datetime.now(UTC).replace(microsecond=0),
        "from_versions": sorted({row.codebook_version for row in rows}),
        "to_version": codebook.version,
        "changed": dict(done.changed),
        "unknown": dict(done.unknown),
        "zeros_added": done.added.total(),
        "previous_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    earlier = before.get("migrated")
    return before | {"migrated": [*(earlier if isinstance(earlier, list) else []), entry]}
