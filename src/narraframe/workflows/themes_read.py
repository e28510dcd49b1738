"""Reading themes: the overview, one theme, what is near a sentence, slices, the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from narraframe.config import Workspace
from narraframe.errors import InputError, UsageError
from narraframe.io.cells import csv_text
from narraframe.io.curation import read_curations
from narraframe.io.files import check_output, replacing, write_text
from narraframe.io.themes import ThemesFolder
from narraframe.records import Post, ThemeSummary
from narraframe.workflows.embedding import open_encoder_of
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.themes import read_state_and_shown, said_of
from narraframe.workflows.watch import Watch

if TYPE_CHECKING:
    from narraframe.themes.curate import Curated
    from narraframe.themes.hierarchy import Branch
    from narraframe.themes.slices import ThemeSlices
    from narraframe.themes.state import ThemesState

_PICTURES = (".png", ".svg")
# What is lacking, and the option that gives it.
_NAMED = {"month": ("date", "--date COLUMN"), "channel": ("channel", "--channel NAME")}


@dataclass(frozen=True)
class ThemesOverview:
    """What was found, the groups of alike themes as lines of an indented tree, and in words what
    the analyst did to the themes.
    """

    folder: ThemesFolder
    tree: tuple[Branch, ...]
    curated: tuple[str, ...]


@dataclass(frozen=True)
class ThemesOver:
    """Slices, by month or channel, of the themes that the summaries name, the largest first."""

    slices: ThemeSlices
    summaries: tuple[ThemeSummary, ...]


@dataclass(frozen=True)
class NearTheme:
    """A theme and how near to the sentence its centroid, and its nearest post, are (cosine)."""

    summary: ThemeSummary
    similarity: float
    nearest_post: float


def overview(folder: Path, *, workspace: Workspace) -> ThemesOverview:
    """Read the themes of `folder` and group those that are alike.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged, or the log of the workspace is.
    """
    from narraframe.themes.hierarchy import outline, theme_tree
    from narraframe.themes.terms import theme_terms

    state, content = read_state_and_shown(folder)
    shown = content.themes.theme[state.distinct]
    terms = theme_terms(state.terms, shown)
    numbers = terms.themes.tolist()
    curated = _in_words(_curated(state, workspace))
    if not numbers:
        return ThemesOverview(content, (), curated)
    centroids = np.stack([state.vectors[shown == number].mean(axis=0) for number in numbers])
    sizes = {summary.theme: summary.n_posts for summary in content.summaries}
    tree = theme_tree(numbers, centroids, [sizes[number] for number in numbers])
    return ThemesOverview(content, outline(tree, terms), curated)


def _curated(state: ThemesState, workspace: Workspace) -> Curated:
    from narraframe.themes.curate import replay

    return replay(said_of(state, read_curations(workspace.curation)), state.numbers)


def _in_words(curated: Curated) -> tuple[str, ...]:
    done = [f"T{number} is {what}" for number, what in curated.done.items()]
    waits = [f"T{number} is not found now; {what}" for number, what in curated.absent.items()]
    return (*done, *waits)


def one_theme(folder: Path, number: int, *, workspace: Workspace) -> ThemeSummary:
    """Return the summary of one theme.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged, or the log of the workspace is.
    UsageError
        If there is no such theme, or it is hidden, merged or split.
    """
    state, content = read_state_and_shown(folder)
    for summary in content.summaries:
        if summary.theme == number:
            return summary
    done = _curated(state, workspace).done
    if number in done:
        raise UsageError(f"T{number} is {done[number]}", remedy=f"Restore T{number} first.")
    raise UsageError(
        f"there is no theme T{number}", where=folder, remedy="See them all: narraframe themes show."
    )


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
    from narraframe.themes.search import nearest_themes

    if not sentence.strip():
        raise InputError("there is nothing to search for", got=sentence, remedy="Write a sentence.")
    state, content = read_state_and_shown(folder)
    encoder = open_encoder_of(state.encoder, workspace=workspace, made=folder, watch=watch)
    vector = encoder.encode([sentence])[0]
    curated = _curated(state, workspace)
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


def over(folder: Path, by: str, *, output: Path | None, force: bool) -> ThemesOver:
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
    state, content = read_state_and_shown(folder)
    column = state.month if by == "month" else state.channel
    slices = slice_keywords(
        state.terms, content.themes.theme, column, row_of_post=state.row_of_post
    )
    if not slices.slices:
        raise InputError(
            f"no post has a {_NAMED[by][0]}",
            where=folder,
            remedy=f"Give it when the themes are found: narraframe themes ... {_NAMED[by][1]}.",
        )
    if output is not None:
        names = {summary.theme: summary.name for summary in content.summaries}
        write_text(output, _slices_csv(slices, by, names), force=force)
    return ThemesOver(slices, content.summaries)


def draw_map(folder: Path, output: Path, *, title: str, force: bool) -> None:
    """Draw the map of the themes as PNG or SVG.

    Raises
    ------
    TableError
        If the folder holds no themes, or is damaged.
    UsageError, OutputError
        If `output` ends otherwise, or cannot be written.
    """
    check_output(output, endings=_PICTURES, force=force)
    _, content = read_state_and_shown(folder)
    from narraframe.report.theme_map import image, theme_map

    figure = theme_map(content.themes, content.summaries, title=title)
    with replacing(output, force=force) as temporary:
        temporary.write_bytes(image(figure, kind=output.suffix.removeprefix(".")))


def _slices_csv(slices: ThemeSlices, by: str, names: dict[int, str]) -> str:
    rows = []
    for i, theme in enumerate(slices.themes):
        for j, name in enumerate(slices.slices):
            keywords = ", ".join(term for term, _ in slices.keywords[i][j])
            counts = [int(slices.n_posts[i, j]), int(slices.n_all[j])]
            rows.append([theme, names.get(theme, ""), name, *counts, keywords])
    return csv_text(["theme", "name", by, "posts", "posts_of_all", "keywords"], rows)
