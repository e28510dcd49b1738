"""Themes: what recurs in the posts, as tables that the report and the analyst read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from narraframe.config import Workspace
from narraframe.io.themes import ThemesFolder, check_themes_folder, write_themes_folder
from narraframe.themes.discover import STAGES, Discovery, ThemeSettings, discover
from narraframe.workflows.embedding import embed_with_cache, open_encoder
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch


def find_themes(
    paths: Sequence[str],
    *,
    output: Path,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> ThemesFolder:
    """Find the themes of `paths` and write them as the folder `output` (see `io.themes`).

    Raises
    ------
    InputError
        If an input cannot be read, or no post has text.
    OutputError
        If `output` exists and `force` is False, holds anything but themes, or cannot be written.
    """
    check_themes_folder(output, force=force)
    posts = read_ready(paths, options=options, watch=watch).posts
    encoder = open_encoder(workspace, watch=watch)
    embeddings = embed_with_cache(posts, encoder=encoder, workspace=workspace, watch=watch)
    with_text = [post for post in posts if post.model_text]
    with watch.stage("themes", total=len(STAGES), unit="stages") as step:
        discovery = discover(
            embeddings.post_ids,
            embeddings.vectors,
            [post.model_text or "" for post in with_text],
            [post.lang for post in with_text],
            [post.duplicate_of or post.post_id for post in with_text],
            settings=_settings(workspace),
            on_stage=lambda _: step(1),
        )
    content = _content(discovery)
    write_themes_folder(output, content, force=force)
    return content


def _settings(workspace: Workspace) -> ThemeSettings:
    settings = workspace.config.themes
    return ThemeSettings(
        n_neighbors=settings.neighbours,
        min_cluster_size=settings.min_cluster_size or None,
        n_keywords=settings.keywords,
        n_representatives=settings.representatives,
        n_reruns=settings.reruns,
        seed=settings.seed,
    )


def _content(discovery: Discovery) -> ThemesFolder:
    quality = asdict(discovery.quality)
    return ThemesFolder(
        themes=discovery.themes,
        summaries=discovery.summaries,
        figures={key: float(v) for key, v in quality.items() if isinstance(v, int | float)},
        warnings=discovery.quality.warnings,
    )
