"""Reading themes: the overview, one theme, what is near a sentence, slices, the map."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from narraframe.config import Workspace
from narraframe.errors import InputError, TableError, UsageError
from narraframe.io.cells import guard
from narraframe.io.curation import read_curations
from narraframe.io.files import check_output, replacing, write_text
from narraframe.io.themes import ThemesFolder, read_themes_folder
from narraframe.records import Post, ThemeSummary
from narraframe.workflows.embedding import open_encoder
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.themes import read_state
from narraframe.workflows.watch import Watch

if TYPE_CHECKING:
    from narraframe.themes.hierarchy import Branch
    from narraframe.themes.slices import ThemeSlices

SLICES = ("month", "channel")
_PIXELS_PER_INCH = 100


@dataclass(frozen=True)
class ThemesOverview:
    """What was found, and the groups of alike themes as lines of an indented tree."""

    folder: ThemesFolder
    tree: tuple[Branch, ...]


@dataclass(frozen=True)
class NearTheme:
    """A theme and how near to the sentence its centroid, and its nearest post, are (cosine)."""

    summary: ThemeSummary
    similarity: float
    nearest_post: float


def overview(folder: Path) -> ThemesOverview:
    """Read the themes of `folder` and group those that are alike.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged.
    """
    from narraframe.themes.hierarchy import outline, theme_tree
    from narraframe.themes.terms import theme_terms

    content, state = read_themes_folder(folder), read_state(folder)
    shown = content.themes.theme[state.distinct]
    terms = theme_terms(state.terms, shown)
    numbers = terms.themes.tolist()
    if not numbers:
        return ThemesOverview(content, ())
    centroids = np.stack([state.vectors[shown == number].mean(axis=0) for number in numbers])
    sizes = {summary.theme: summary.n_posts for summary in content.summaries}
    tree = theme_tree(numbers, centroids, [sizes[number] for number in numbers])
    return ThemesOverview(content, outline(tree, terms))


def one_theme(folder: Path, number: int) -> ThemeSummary:
    """Return the summary of one theme.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged.
    UsageError
        If it has no such theme.
    """
    content = read_themes_folder(folder)
    for summary in content.summaries:
        if summary.theme == number:
            return summary
    have = ", ".join(f"T{s.theme}" for s in content.summaries[:12])
    raise UsageError("there is no such theme", where=folder, got=f"T{number}", remedy=have)


def posts_of(paths: Sequence[str], wanted: Sequence[str], *, watch: Watch) -> tuple[Post, ...]:
    """Return the posts of those ids, in that order; those not among `paths` are left out."""
    by_id = {p.post_id: p for p in read_ready(paths, options=ReadOptions(), watch=watch).posts}
    return tuple(by_id[post_id] for post_id in wanted if post_id in by_id)


def search(
    folder: Path, sentence: str, *, workspace: Workspace, watch: Watch
) -> tuple[NearTheme, ...]:
    """Rank the themes by how near they are to `sentence`.

    Raises
    ------
    InputError
        If the sentence is empty.
    TableError
        If the folder holds no themes, is damaged, or was made with another encoder.
    """
    from narraframe.themes.curate import replay
    from narraframe.themes.search import nearest_themes

    if not sentence.strip():
        raise InputError("there is nothing to search for", got=sentence)
    content, state = read_themes_folder(folder), read_state(folder)
    encoder = open_encoder(workspace, watch=watch)
    if encoder.name != state.encoder:
        raise TableError(
            "the themes were found with another encoder",
            where=folder,
            got=state.encoder,
            remedy=f"This workspace has {encoder.name}: find the themes again, or change it back.",
        )
    vector = encoder.encode([sentence])[0]
    machine = state.theme[state.theme >= 0]
    curated = replay(read_curations(workspace.curation), set(machine.tolist()))
    summaries = {summary.theme: summary for summary in content.summaries}
    found: dict[int, NearTheme] = {}
    for near in nearest_themes(state.reference, vector):
        number = curated.shown[near.theme]
        # A split theme is as near as its nearest part.
        parts = curated.splits.get(number, (number,))
        numbers = [curated.shown.get(part, part) for part in parts]
        towards = [
            float(state.parts[p] @ vector) if p in state.parts else near.similarity for p in parts
        ]
        for shown, similarity in zip(numbers, towards, strict=True):
            if shown in summaries and (shown not in found or found[shown].similarity < similarity):
                found[shown] = NearTheme(summaries[shown], similarity, near.nearest_post)
    return tuple(sorted(found.values(), key=lambda near: (-near.similarity, near.summary.theme)))


def over(folder: Path, by: str, *, output: Path | None, force: bool) -> ThemeSlices:
    """Count and describe the themes by month or channel, and write a long table if asked.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged.
    InputError
        If no post has a month, or channel.
    UsageError, OutputError
        If `output` does not end in .csv, or cannot be written.
    """
    from narraframe.themes.slices import slice_keywords

    if output is not None:
        check_output(output, endings=(".csv",), force=force)
    content, state = read_themes_folder(folder), read_state(folder)
    column = state.month if by == "month" else state.channel
    slices = slice_keywords(
        state.terms, content.themes.theme, column, row_of_post=state.row_of_post
    )
    if not slices.slices:
        raise InputError(f"no post has a {by}", where=folder)
    if output is not None:
        names = {summary.theme: summary.name for summary in content.summaries}
        write_text(output, _slices_csv(slices, by, names), force=force)
    return slices


def draw_map(folder: Path, output: Path, *, title: str, force: bool) -> None:
    """Draw the map of the themes as PNG or SVG.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged.
    UsageError, OutputError
        If `output` ends otherwise, or cannot be written.
    """
    check_output(output, endings=(".png", ".svg"), force=force)
    content = read_themes_folder(folder)
    from narraframe.report.theme_map import theme_map

    figure = theme_map(content.themes, content.summaries, title=title)
    with replacing(output, force=force) as temporary:
        # Without a date the same themes are the same bytes.
        metadata = {"Date": None} if output.suffix == ".svg" else {}
        figure.savefig(temporary, dpi=_PIXELS_PER_INCH, metadata=metadata)


def _slices_csv(slices: ThemeSlices, by: str, names: dict[int, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["theme", "name", by, "posts", "posts_of_all", "keywords"])
    for i, theme in enumerate(slices.themes):
        for j, name in enumerate(slices.slices):
            keywords = ", ".join(term for term, _ in slices.keywords[i][j])
            counts = [int(slices.n_posts[i, j]), int(slices.n_all[j])]
            cells = [guard(names.get(theme, "")), guard(name), *counts, guard(keywords)]
            writer.writerow([theme, *cells])
    return text.getvalue()
