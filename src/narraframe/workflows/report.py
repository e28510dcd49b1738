"""Report: one HTML page from the tables at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from narraframe.config import Workspace
from narraframe.errors import NarraframeError, TableError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output, write_text
from narraframe.io.models import Bundle, load_bundle
from narraframe.io.registry import find_model
from narraframe.io.scores import read_scores
from narraframe.io.themes import read_themes_folder
from narraframe.records import Codebook, Post, Scores
from narraframe.report.inputs import ReportInput
from narraframe.report.page import render
from narraframe.workflows.ingest import account_path
from narraframe.workflows.reading import Reading, ReadOptions, read_ready
from narraframe.workflows.report_parts import evidence_in, model_parts
from narraframe.workflows.seen import is_seen
from narraframe.workflows.watch import Watch


def report(
    posts: str,
    *,
    output: Path,
    themes_folder: Path | None,
    scores_path: Path | None,
    title: str,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> int:
    """Write the page and return its size in bytes.

    Raises
    ------
    InputError, TableError
        If posts, themes or scores cannot be read, or do not belong together.
    UsageError
        If `output` does not end in .html.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".html", ".htm"), inputs=[posts], force=force)
    reading = read_ready([posts], options=ReadOptions(), watch=watch)
    themes = read_themes_folder(themes_folder, posts=reading.posts) if themes_folder else None
    scores = read_scores(scores_path) if scores_path else None
    bundle = _bundle(scores, workspace=workspace, watch=watch)
    held = (
        model_parts(scores.model.partition("@")[0], workspace=workspace, watch=watch)
        if bundle and scores
        else None
    )
    page = render(
        ReportInput(
            title=title,
            posts=reading.posts,
            themes=themes.themes if themes else None,
            summaries=themes.summaries if themes else (),
            theme_figures=themes.figures if themes else {},
            theme_warnings=themes.warnings if themes else (),
            codebook=bundle.codebook if bundle else _codebook(workspace),
            scores=scores,
            quality=bundle.quality if bundle else None,
            model=_model_facts(scores, bundle, reading.posts),
            reading=_account(posts, reading),
            made_at=datetime.now(UTC),
            source_note=Path(posts).name,
            evidence=evidence_in(scores_path),
            held_out=held.held_out if held else None,
            reliability=held.reliability if held else (),
        )
    )
    write_text(output, page, force=force)
    return output.stat().st_size


def _bundle(scores: Scores | None, *, workspace: Workspace, watch: Watch) -> Bundle | None:
    if scores is None or not scores.model:
        return None
    try:
        name, _, digest = scores.model.partition("@")
        bundle = load_bundle(find_model(workspace.store, f"models:/{name}").folder)
    except NarraframeError as error:
        watch.warn(f"the page has no model quality: {error}")
        return None
    if bundle.digest != digest:
        watch.warn(
            f"the page has no model quality: the scores are of {scores.model}, but {name} of this "
            f"workspace is another model ({bundle.digest})"
        )
        return None
    return bundle


def _codebook(workspace: Workspace) -> Codebook | None:
    return read_codebook(workspace.codebook) if workspace.codebook.exists() else None


def _model_facts(
    scores: Scores | None, bundle: Bundle | None, posts: Sequence[Post]
) -> Mapping[str, str]:
    if scores is None or bundle is None:
        return {}
    record = bundle.record
    n_seen = int(is_seen([post.model_text or "" for post in posts], bundle.seen).sum())
    return {
        "model": scores.model,
        "trained at": record.trained_at,
        "trained on": f"{record.n_posts:,} posts in {record.n_groups:,} groups of near-copies",
        "training posts on this page": f"{n_seen:,} of {len(posts):,}, near-copies included"
        + (": their scores look better than those of new posts would" if n_seen else ""),
        "encoder": record.encoder,
        "codebook": record.codebook_version,
        "languages": ", ".join(record.languages) or "not known",
        "narraframe": record.narraframe_version,
        "not told from chance beyond doubt": ", ".join(bundle.quality.doubtful) or "none",
        "to know of its data": "; ".join(record.notes),
    }


def _account(posts: str, reading: Reading) -> Mapping[str, int]:
    """Return the account that ingest left, which knows what was dropped; else this reading's."""
    beside = account_path(Path(posts))
    if not beside.exists():
        return reading.rows()
    try:
        return {str(name): int(n) for name, n in json.loads(beside.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise TableError(
            f"is not the account of an ingest: {error}",
            where=beside,
            remedy="Run narraframe ingest again, or remove that file.",
        ) from error
