"""Report: one HTML page from the tables at hand, or its tables and figures as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from narraframe.config import Workspace
from narraframe.errors import NarraframeError, TableError, UsageError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output, write_text
from narraframe.io.models import Bundle, load_bundle
from narraframe.io.registry import Registered, find_model
from narraframe.io.scores import read_scores
from narraframe.io.themes import read_themes_folder
from narraframe.records import Codebook, Post, Scores
from narraframe.report.inputs import ReportInput
from narraframe.report.page import render
from narraframe.workflows.ingest import account_path
from narraframe.workflows.reading import Reading, ReadOptions, read_ready
from narraframe.workflows.report_analyses import AtHand, analyse
from narraframe.workflows.report_parts import ModelParts, evidence_in, model_parts
from narraframe.workflows.seen import is_seen
from narraframe.workflows.watch import Watch

_ENDINGS = {"html": (".html", ".htm"), "md": (".md",)}


@dataclass(frozen=True)
class Made:
    """What a report came to: the bytes of `output`, and the figures that were drawn."""

    size: int
    figures: tuple[Path, ...]


def report(
    posts: str,
    *,
    output: Path | None,
    themes_folder: Path | None,
    scores_path: Path | None,
    title: str,
    workspace: Workspace,
    force: bool,
    watch: Watch,
    kind: str = "html",
    figures: Path | None = None,
) -> Made:
    """Write the report as `kind` ("html", "md" or "csv": a folder), and draw its figures.

    Without `output` only the figures are drawn.

    Raises
    ------
    InputError, TableError
        If posts, themes or scores cannot be read, or do not belong together.
    UsageError
        If the ending of `output` is not that of `kind`, or nothing was asked for.
    OutputError
        If a file exists and `force` is False, or cannot be written.
    """
    if output is None and figures is None:
        raise UsageError("nothing is to be written", remedy="Pass -o, --figures or both.")
    if output is not None and kind in _ENDINGS:
        check_output(output, endings=_ENDINGS[kind], inputs=[posts], force=force)
    shown = gather(
        posts,
        themes_folder=themes_folder,
        scores_path=scores_path,
        title=title,
        workspace=workspace,
        watch=watch,
    )
    drawn: tuple[Path, ...] = ()
    if figures is not None or kind != "html":
        # drawing needs Matplotlib, which takes as long to load as the page to write
        from narraframe.workflows.report_files import write_csv, write_figures, write_markdown

        drawn = write_figures(shown, figures, force=force) if figures else ()
        if output is not None and kind == "csv":
            return Made(write_csv(shown, output, force=force), drawn)
        if output is not None and kind == "md":
            return Made(write_markdown(shown, output, force=force), drawn)
    if output is None:
        return Made(0, drawn)
    write_text(output, render(shown), force=force)
    return Made(output.stat().st_size, drawn)


def gather(
    posts: str,
    *,
    themes_folder: Path | None,
    scores_path: Path | None,
    title: str,
    workspace: Workspace,
    watch: Watch,
) -> ReportInput:
    """Read everything that a report shows, and analyse the posts as far as that can be done.

    Raises
    ------
    InputError, TableError
        If posts, themes or scores cannot be read, or do not belong together.
    """
    reading = read_ready([posts], options=ReadOptions(), watch=watch)
    themes = read_themes_folder(themes_folder, posts=reading.posts) if themes_folder else None
    scores = read_scores(scores_path) if scores_path else None
    model, bundle = _model(scores, workspace=workspace, watch=watch)
    held = model_parts(model.title, workspace=workspace, watch=watch) if model else ModelParts()
    codebook = bundle.codebook if bundle else _codebook(workspace)
    hand = AtHand(reading.posts, scores, codebook, model, themes, themes_folder)
    found = analyse(hand, workspace=workspace, watch=watch)
    return ReportInput(
        title=title,
        posts=reading.posts,
        themes=themes.themes if themes else None,
        summaries=themes.summaries if themes else (),
        theme_figures=themes.figures if themes else {},
        theme_warnings=themes.warnings if themes else (),
        codebook=codebook,
        scores=scores,
        quality=bundle.quality if bundle else None,
        model=_model_facts(scores, bundle, reading.posts),
        reading=_account(posts, reading),
        made_at=datetime.now(UTC),
        source_note=Path(posts).name,
        evidence=evidence_in(scores_path),
        held_out=held.held_out,
        reliability=held.reliability,
        prevalence=found.prevalence,
        plans=found.plans,
        trends=found.trends,
        by_channel=found.by_channel,
        against=found.against,
        uncovered=found.uncovered,
        spread=found.spread,
        drift=found.drift,
        left_out=found.left_out,
    )


def _model(
    scores: Scores | None, *, workspace: Workspace, watch: Watch
) -> tuple[Registered, Bundle] | tuple[None, None]:
    """Return the model that made the scores, if it is still here."""
    if scores is None or not scores.model:
        return None, None
    name, _, digest = scores.model.partition("@")
    try:
        found = find_model(workspace.store, f"models:/{name}")
        bundle = load_bundle(found.folder)
    except NarraframeError as error:
        watch.warn(f"the page has no model quality: {error}")
        return None, None
    if bundle.digest != digest:
        watch.warn(
            f"the page has no model quality: the scores are of {scores.model}, but {name} of this "
            f"workspace is another model ({bundle.digest})"
        )
        return None, None
    return found, bundle


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
