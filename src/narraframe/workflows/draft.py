"""Draft: an entry for the codebook, made of a theme that it has no label for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from narraframe.config import Workspace
from narraframe.errors import UsageError
from narraframe.io.codebook import read_codebook
from narraframe.io.codebook_draft import draft_toml
from narraframe.io.files import check_output, write_text
from narraframe.io.themes import read_themes_folder
from narraframe.records import Codebook, Label, ThemeSummary
from narraframe.workflows.themes_read import posts_of
from narraframe.workflows.watch import Watch

_EXAMPLES = 3
_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


def draft(
    folder: Path,
    number: int,
    *,
    posts: Sequence[str],
    label_id: str | None,
    facet_id: str | None,
    output: Path | None,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> str:
    """Return the draft of a label as TOML, and write it to `output` if given.

    The codebook itself is read, to fit the draft to it, and never written.

    Raises
    ------
    UsageError
        If there is no such theme or facet, the label id is taken or malformed, or `output` is the
        codebook.
    TableError, CodebookError, InputError
        If something cannot be read.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    if output is not None:
        if output.absolute().resolve() == workspace.codebook.absolute().resolve():
            raise UsageError(
                "is the codebook, which a draft never touches",
                where=output,
                remedy="Choose another -o, and paste what you want to keep.",
            )
        check_output(output, endings=(".toml",), inputs=posts, force=force)
    codebook = read_codebook(workspace.codebook)
    summary = _theme(folder, number)
    shown = posts_of(posts, summary.representative_post_ids, watch=watch) if posts else ()
    examples = tuple(" ".join(post.text.split()) for post in shown[:_EXAMPLES])
    label = _label(summary, codebook, label_id=label_id, facet_id=facet_id, examples=examples)
    text = draft_toml(label, summary, version=codebook.version)
    if output is not None:
        write_text(output, text, force=force)
    return text


def _theme(folder: Path, number: int) -> ThemeSummary:
    for summary in read_themes_folder(folder).summaries:
        if summary.theme == number:
            return summary
    raise UsageError(
        f"there is no theme T{number}", where=folder, remedy="See them all: narraframe themes show."
    )


def _label(
    summary: ThemeSummary,
    codebook: Codebook,
    *,
    label_id: str | None,
    facet_id: str | None,
    examples: tuple[str, ...],
) -> Label:
    facets = [facet.facet_id for facet in codebook.facets]
    facet = facet_id or facets[0]
    if facet not in facets:
        raise UsageError(
            "the codebook has no such facet", got=facet, remedy=f"It has: {', '.join(facets)}."
        )
    wanted = label_id or f"theme_{summary.theme}"
    if not _ID.fullmatch(wanted):
        raise UsageError(
            "is no label id", got=wanted, remedy="Use a-z, 0-9, _ and dots, such as order.new."
        )
    if wanted in {*codebook.label_ids, *facets, *(old.label_id for old in codebook.retired)}:
        raise UsageError(
            "the codebook has, or had, this id", got=wanted, remedy="Choose another by --id."
        )
    return Label(
        label_id=wanted,
        facet_id=facet,
        name=summary.name,
        definition="To be written: the post carries the claim that ...",
        include="To be written. Words of the theme: "
        + ", ".join(term for term, _ in summary.keywords),
        exclude="To be written: where another label applies instead.",
        examples=examples,
        source=f"Drafted from theme T{summary.theme}: {summary.n_posts:,} posts, "
        f"{summary.n_groups:,} distinct.",
    )
