"""Codebook: check it with the annotations, or make one from posts that came with labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from narraframe.annotations.from_labels import FromLabels, from_labels
from narraframe.annotations.migrate import migrate
from narraframe.io.annotations import altered_files, read_annotations, write_annotations
from narraframe.io.codebook import read_codebook, write_codebook
from narraframe.io.files import check_output
from narraframe.records import Codebook
from narraframe.workflows.labelled_posts import labelled_posts
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Checked:
    """A codebook without faults, and what its annotations hold: posts, annotators, uses.

    `stale`: rows that still name a retired label, by that label.
    """

    codebook: Codebook
    n_posts: int
    n_annotators: int
    uses: Counter[str]
    stale: Counter[str]


def check(codebook_path: Path, annotations_path: Path, *, watch: Watch) -> Checked:
    """Check the codebook, and the annotations where there are any, against each other.

    Raises
    ------
    CodebookError
        If the codebook contradicts itself, or annotations use labels that it does not have.
    TableError
        If an annotation file cannot be read.
    """
    codebook = read_codebook(codebook_path)
    if not annotations_path.exists() or not any(annotations_path.glob("*.csv")):
        return Checked(codebook, 0, 0, Counter(), Counter())
    migrated = migrate(read_annotations(annotations_path, codebook), codebook)
    annotations = migrated.annotations
    for path in altered_files(annotations_path):
        watch.warn(f"{path} was changed after it was written: its provenance states another sha256")
    return Checked(
        codebook,
        len({a.post_id for a in annotations}),
        len({a.annotator for a in annotations}),
        Counter(a.label_id for a in annotations if a.value == 1),
        migrated.changed,
    )


def make_from_labels(
    paths: Sequence[str],
    *,
    output: Path,
    annotations_output: Path | None,
    title: str,
    minimum: int,
    most: int | None,
    options: ReadOptions,
    force: bool,
    watch: Watch,
) -> FromLabels:
    """Write a codebook made from the labels in the records, and the annotations in its terms.

    Raises
    ------
    InputError, CodebookError
        If an input cannot be read, or no record carries a label.
    UsageError
        If an output does not end in .toml, or annotations not in .csv.
    OutputError
        If an output exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".toml",), inputs=paths, force=force)
    if annotations_output is not None:
        check_output(annotations_output, endings=(".csv",), inputs=paths, force=force)
    labelled = labelled_posts(read_ready(paths, options=options, watch=watch), watch=watch)
    for note in labelled.notes:
        watch.warn(note)
    made = from_labels(
        labelled.posts, title=title, annotator="imported", minimum=minimum, most=most
    )
    write_codebook(output, made.codebook, force=force)
    if annotations_output is not None:
        provenance = {
            "source": ", ".join(Path(path).name for path in paths),
            "made_by": "narraframe codebook from-labels",
            "codebook_version": made.codebook.version,
        }
        write_annotations(annotations_output, made.annotations, provenance=provenance, force=force)
    return made
