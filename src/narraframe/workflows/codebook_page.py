"""Codebook page: write the labelling page, or say how the one there differs."""

from __future__ import annotations

from pathlib import Path

from narraframe.annotations.labelling_page import labelling_page, page_differences
from narraframe.errors import CodebookError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output, write_text
from narraframe.io.labelstudio import page_faults
from narraframe.records import Codebook

PAGE = "label_studio.xml"


def write_page(codebook_path: Path, *, output: Path, force: bool) -> Codebook:
    """Write the labelling page of a codebook, once Label Studio's own SDK finds it sound.

    Raises
    ------
    CodebookError
        If the codebook contradicts itself, or makes no sound page.
    UsageError
        If `output` does not end in .xml.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".xml",), inputs=[str(codebook_path)], force=force)
    codebook = read_codebook(codebook_path)
    page = labelling_page(codebook)
    if faults := page_faults(page):
        raise CodebookError(
            f"makes no labelling page: {'; '.join(faults)}",
            where=codebook_path,
            remedy="Mend the names in the codebook.",
        )
    write_text(output, page, force=force)
    return codebook


def drift(codebook_path: Path, *, page: Path) -> tuple[str, ...]:
    """Say how the file `page` differs from the page of the codebook; empty where it does not.

    Raises
    ------
    CodebookError
        If the codebook contradicts itself, or there is no such page.
    """
    codebook = read_codebook(codebook_path)
    try:
        there = page.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CodebookError(
            "there is no labelling page",
            where=page,
            remedy="Write it with: narraframe codebook config.",
        ) from error
    if there == labelling_page(codebook):
        return ()
    return page_differences(there, codebook) or ("names, hints or layout differ",)
