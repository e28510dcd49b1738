"""Coverage: themes against the codebook's labels, and the themes that no label covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from narraframe.config import Workspace
from narraframe.embeddings.encoder import Encoder
from narraframe.errors import TableError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output, write_text
from narraframe.io.themes import ThemesFolder
from narraframe.io.trends import ENDINGS, coverage_text
from narraframe.metrics.themes_and_labels import first_seen, themes_against_labels, uncovered
from narraframe.records import Codebook, Post, ThemesAgainstLabels, Uncovered
from narraframe.themes.state import ThemesState
from narraframe.workflows.columns import (
    Decisions,
    Found,
    group_column,
    leaves_of_facet,
    read_decisions,
    read_found,
)
from narraframe.workflows.embedding import open_encoder_of
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.themes import read_state_and_shown
from narraframe.workflows.vectors import label_vectors
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Coverage:
    """The table of themes and labels, and the themes that no label covers.

    `n_undated` distinct posts have no date, and take no part in what is said of growth.
    """

    cross: ThemesAgainstLabels
    uncovered: tuple[Uncovered, ...]
    n_undated: int = 0


def coverage(
    paths: Sequence[str],
    *,
    scores_path: Path,
    themes_folder: Path,
    facet_id: str | None,
    output: Path | None,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> Coverage:
    """Cross themes with the labels of one facet of the workspace's codebook.

    Raises
    ------
    InputError, TableError, CodebookError
        If something cannot be read, or does not belong together.
    UsageError, OutputError
        If there is no such facet, or `output` cannot be written.
    """
    if output is not None:
        check_output(output, endings=ENDINGS, inputs=paths, force=force)
    codebook = read_codebook(workspace.codebook)
    leaves = leaves_of_facet(codebook, facet_id)
    posts = read_ready(paths, options=options, watch=watch).posts
    scored = read_decisions(scores_path, posts)
    decisions = scored.only(leaves)
    if not decisions.label_ids:
        raise TableError(
            "the scores have no label of this facet of the codebook",
            where=scores_path,
            got=", ".join(scored.label_ids),
            remedy="Name another by --facet, or the workspace whose codebook the model learnt.",
        )
    found = read_found(themes_folder, posts)
    near = _likeness(codebook, leaves, themes_folder, workspace=workspace, watch=watch)
    result = coverage_of(posts, decisions, found, near=near)
    if output is not None:
        text = coverage_text(
            result.cross, result.uncovered, n_undated=result.n_undated, ending=output.suffix
        )
        write_text(output, text, force=force)
    return result


def coverage_of(
    posts: Sequence[Post],
    decisions: Decisions,
    found: Found,
    *,
    near: Mapping[int, tuple[str, float]] | None = None,
) -> Coverage:
    """Cross the themes of `posts` with their labels; `near` as of `likeness`, None = not known."""
    groups, moments = group_column(posts), [post.created_at for post in posts]
    columns = (found.theme, decisions.carries, decisions.decided, groups)
    undated = np.isnan(first_seen(groups, moments)[np.unique(groups)])
    return Coverage(
        themes_against_labels(
            *columns,
            theme_names=found.names,
            labels=list(zip(decisions.label_ids, decisions.names, strict=True)),
        ),
        uncovered(
            *columns,
            moments,
            theme_names=found.names,
            label_ids=decisions.label_ids,
            likeness=near,
        ),
        n_undated=int(undated.sum()),
    )


def likeness(
    state: ThemesState,
    content: ThemesFolder,
    codebook: Codebook,
    label_ids: Sequence[str],
    *,
    encoder: Encoder,
) -> Mapping[int, tuple[str, float]]:
    """Return each theme's nearest definition, and the cosine of the theme's centre to it.

    `encoder` must be the one of `state`.
    """
    place = [codebook.label_ids.index(label_id) for label_id in label_ids]
    definitions = label_vectors(codebook, encoder)[place]
    shown = content.themes.theme[state.distinct]
    near = {}
    for summary in content.summaries:
        centre = state.vectors[shown == summary.theme].mean(axis=0)
        alike = definitions @ (centre / max(float(np.linalg.norm(centre)), 1e-12))
        best = int(np.argmax(alike))
        near[summary.theme] = label_ids[best], float(alike[best])
    return near


def _likeness(
    codebook: Codebook,
    label_ids: Sequence[str],
    folder: Path,
    *,
    workspace: Workspace,
    watch: Watch,
) -> Mapping[int, tuple[str, float]]:
    state, content = read_state_and_shown(folder)
    encoder = open_encoder_of(state.encoder, workspace=workspace, made=folder, watch=watch)
    return likeness(state, content, codebook, label_ids, encoder=encoder)
