"""What a workspace's annotators said, in the terms of the codebook at hand."""

from __future__ import annotations

from pathlib import Path

from narraframe.annotations.migrate import migrate
from narraframe.config import Workspace
from narraframe.io.annotations import read_annotations
from narraframe.records import Annotation, Codebook


def annotations_in(path: Path, codebook: Codebook) -> tuple[Annotation, ...]:
    """Read a file or folder of annotations, and put retired labels in present terms.

    Raises
    ------
    TableError, CodebookError
        If a file cannot be read, or uses labels that the codebook never had.
    """
    return migrate(read_annotations(path, codebook), codebook).annotations


def annotations_of(workspace: Workspace, codebook: Codebook) -> tuple[Annotation, ...]:
    """Return the workspace's annotations; none if there are none. Errors as `annotations_in`."""
    folder = workspace.path(workspace.config.paths.annotations)
    return annotations_in(folder, codebook) if any(folder.glob("*.csv")) else ()
