"""Themes: what recurs in the posts, as tables that the report and the analyst read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from narraframe.config import Workspace
from narraframe.embeddings.encoder import Encoder, stands_in
from narraframe.errors import TableError
from narraframe.io.codebook import read_codebook
from narraframe.io.curation import Curation, read_curations
from narraframe.io.themes import (
    Suggestion,
    ThemesFolder,
    check_themes_folder,
    read_themes_folder,
    read_themes_state,
    write_themes_folder,
)
from narraframe.io.tracking import log_themes
from narraframe.records import Embeddings
from narraframe.themes.settings import ThemeSettings
from narraframe.workflows.embedding import embed_with_cache, open_encoder
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from narraframe.themes.discover import Discovery
    from narraframe.themes.refit import Refit
    from narraframe.themes.state import ThemesState

STATE = "state.npz"


@dataclass(frozen=True, kw_only=True)
class ThemeOptions:
    """What a call may ask for beyond the settings of the workspace; None leaves these as they are.

    `guided` draws posts towards the definitions of the codebook. `previous` is the folder whose
    numbers the themes take up; None takes the output itself, if it exists and not `fresh`.
    """

    engine: str | None = None
    granularity: float | None = None
    assign_all: bool = False
    previous: Path | None = None
    fresh: bool = False
    guided: bool = False


def find_themes(
    paths: Sequence[str],
    *,
    output: Path,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    wanted: ThemeOptions = ThemeOptions(),
) -> ThemesFolder:
    """Find the themes of `paths` and write them as the folder `output` (see `io.themes`).

    Raises
    ------
    InputError
        If an input cannot be read, or no post has text.
    TableError
        If the fit before, or the curation log, cannot be read.
    OutputError
        If `output` exists and `force` is False, holds anything but themes, or cannot be written.
    """
    check_themes_folder(output, force=force)
    settings = _settings(workspace, wanted)
    log, before = read_curations(workspace.curation), _before(output, wanted, watch)
    posts = read_ready(paths, options=options, watch=watch).posts
    encoder = open_encoder(workspace, watch=watch)
    embeddings = embed_with_cache(posts, encoder=encoder, workspace=workspace, watch=watch)
    from narraframe.themes.curate import next_theme
    from narraframe.themes.discover import discover
    from narraframe.themes.refit import graph_fingerprint, take_up

    previous = _comparable(before, embeddings, watch)
    with_text = [post for post in posts if post.model_text]
    groups = [post.duplicate_of or post.post_id for post in with_text]
    vectors = embeddings.vectors
    if wanted.guided:
        vectors = _guided(vectors, encoder, workspace)
    fingerprint = graph_fingerprint(vectors, groups, settings)
    known = previous.graph if previous and previous.fingerprint == fingerprint else None
    discovery = discover(
        embeddings.post_ids,
        vectors,
        [post.model_text or "" for post in with_text],
        [post.lang for post in with_text],
        groups,
        settings=settings,
        graph=known,
        stage=watch.stage,
    )
    with watch.stage("match and describe", unit="themes"):
        refit = take_up(
            discovery,
            embeddings.vectors,
            months=[p.created_at.isoformat()[:7] if p.created_at else None for p in with_text],
            channels=[post.channel for post in with_text],
            encoder=embeddings.encoder,
            fingerprint=fingerprint,
            next_theme=max(next_theme(log), before.next_theme if before else 0),
            previous=previous,
            seed=settings.seed,
        )
        content = shown(refit.state, log, workspace=workspace)
    content = replace(
        content,
        figures=_figures(discovery),
        warnings=discovery.quality.warnings,
        changes=tuple(str(change) for change in refit.changes) if previous else (),
    )
    write_state(output, content, refit.state, force=force)
    _log(content, refit, settings, workspace=workspace, watch=watch)
    return content


def shown(state: ThemesState, log: Sequence[Curation], *, workspace: Workspace) -> ThemesFolder:
    """Return what the analyst is shown of a state, without figures and warnings."""
    from narraframe.themes.assign import suggest
    from narraframe.themes.view import view

    settings = workspace.config.themes
    seen = view(
        state,
        said_of(state, log),
        n_keywords=settings.keywords,
        n_representatives=settings.representatives,
    )
    noise = np.flatnonzero(state.theme_of_distinct < 0)
    suggested = suggest(state.reference, state.vectors[noise])
    suggestions = []
    for i, theme, probability in zip(
        noise.tolist(), suggested.theme.tolist(), suggested.probability.tolist(), strict=True
    ):
        number = seen.curated.shown.get(theme, theme)
        if theme >= 0 and number not in seen.curated.hidden | seen.curated.splits.keys():
            post_id = state.post_ids[state.distinct[i]]
            suggestions.append(Suggestion(post_id, number, probability))
    return ThemesFolder(
        themes=seen.themes,
        summaries=seen.summaries,
        figures={},
        warnings=(),
        suggestions=tuple(suggestions),
    )


def said_of(state: ThemesState, log: Sequence[Curation]) -> tuple[Curation, ...]:
    """Return the lines of the log that hold for a state: the same number may be another theme."""
    return tuple(line for line in log if line.fit in state.fits)


def read_state(folder: Path) -> ThemesState:
    """Read what a fit kept in `folder`.

    Raises
    ------
    TableError
        If there is none, or it is damaged.
    """
    from narraframe.themes.state import state_from_arrays

    return state_from_arrays(read_themes_state(folder))


def read_state_and_shown(folder: Path) -> tuple[ThemesState, ThemesFolder]:
    """Read what a fit kept in `folder`, and what the analyst is shown of it.

    Raises
    ------
    TableError
        If `folder` holds no themes, is damaged, or holds files of several fits.
    """
    state, content = read_state(folder), read_themes_folder(folder)
    themes = set(content.themes.theme[content.themes.theme >= 0].tolist())
    if content.themes.post_ids != state.post_ids or themes != {s.theme for s in content.summaries}:
        raise TableError(
            "its files do not belong together", where=folder, remedy="Find the themes again."
        )
    return state, content


def write_state(
    folder: Path,
    content: ThemesFolder,
    state: ThemesState,
    *,
    force: bool,
    then: Callable[[], object] | None = None,
) -> None:
    """Write `folder` as a whole; see `write_themes_folder`."""
    from narraframe.themes.state import state_to_arrays

    write_themes_folder(folder, content, state=state_to_arrays(state), force=force, then=then)


def _settings(workspace: Workspace, wanted: ThemeOptions) -> ThemeSettings:
    settings = workspace.config.themes
    return ThemeSettings(
        engine=wanted.engine or settings.engine,
        layout=settings.layout,
        n_neighbors=settings.neighbours,
        granularity=wanted.granularity or settings.granularity or None,
        min_cluster_size=settings.min_cluster_size or None,
        n_keywords=settings.keywords,
        n_representatives=settings.representatives,
        n_reruns=settings.reruns,
        assign_all=wanted.assign_all,
        seed=settings.seed,
    )


def _guided(
    vectors: NDArray[np.float32], encoder: Encoder, workspace: Workspace
) -> NDArray[np.float32]:
    from narraframe.themes.guide import guided

    codebook = read_codebook(workspace.codebook)
    labels = [codebook.by_id[label_id] for label_id in codebook.leaf_ids]
    texts = [f"{label.name}. {label.definition} {' '.join(label.examples)}" for label in labels]
    return guided(vectors, encoder.encode(texts))


def _before(output: Path, wanted: ThemeOptions, watch: Watch) -> ThemesState | None:
    folder = wanted.previous or (output if (output / STATE).exists() else None)
    if folder is None or wanted.fresh:
        return None
    try:
        return read_state(folder)
    except TableError as error:
        if wanted.previous:
            raise
        watch.warn(f"the numbers of the themes before are not taken up: {error}")
        return None


def _comparable(
    before: ThemesState | None, embeddings: Embeddings, watch: Watch
) -> ThemesState | None:
    if before is None or stands_in(embeddings.encoder, before.encoder):
        return before
    watch.warn(
        f"the themes before were found with another encoder ({before.encoder}) and cannot be "
        "compared: all count as new"
    )
    return None


def _figures(discovery: Discovery) -> Mapping[str, float]:
    quality = asdict(discovery.quality)
    return {key: float(v) for key, v in quality.items() if isinstance(v, int | float)}


def _log(
    content: ThemesFolder,
    refit: Refit,
    settings: ThemeSettings,
    *,
    workspace: Workspace,
    watch: Watch,
) -> None:
    """Log the run to MLflow, in a workspace only: elsewhere no store is made unasked."""
    if not workspace.is_set_up:
        return
    themes = [
        {"theme": s.theme, "name": s.name, "posts": s.n_posts, "stability": s.stability}
        for s in content.summaries
    ]
    with watch.stage("log to MLflow", unit="run"):
        log_themes(
            workspace.store,
            parameters=asdict(settings) | {"granularity": content.figures["granularity"]},
            metrics=content.figures,
            tags={"encoder": refit.state.encoder},
            files={
                "themes.json": json.dumps(themes, indent=1, ensure_ascii=False),
                "warnings.txt": "\n".join(content.warnings),
                "changes.txt": "\n".join(content.changes),
            },
        )
