"""Pull: what analysts labelled becomes labels/annotations/*.csv, from the server or an export."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from narraframe.annotations.migrate import migrate
from narraframe.annotations.pulled import Page, Pulled, read_tasks
from narraframe.config import Workspace
from narraframe.errors import InputError, ServerError
from narraframe.io.cells import csv_text
from narraframe.io.codebook import read_codebook
from narraframe.io.files import write_text
from narraframe.io.projects import ADJUDICATION, LABELLING, Project, read_projects
from narraframe.io.skips import write_skips
from narraframe.records import Codebook
from narraframe.workflows.annotation_files import write_answers
from narraframe.workflows.labelstudio import look, open_server
from narraframe.workflows.watch import Watch

_PREFIX = {LABELLING: "ls", ADJUDICATION: "gold"}


@dataclass
class PullSummary:
    """What a pull found, and the files of annotations that it changed or took away."""

    n_posts: int = 0
    n_gold: int = 0
    n_skips: int = 0
    n_drafts: int = 0
    n_notes: int = 0
    written: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


def pull(*, workspace: Workspace, watch: Watch) -> PullSummary:
    """Bring the annotations of the workspace's projects up to date.

    Only what changed since the last pull is fetched. Edits and deleted annotations are followed;
    what was labelled in tasks that were deleted on the server is kept.

    Raises
    ------
    ServerError
        If the server cannot be reached, or the workspace has no project there.
    TableError, CodebookError
        If what is kept on our side cannot be read.
    """
    codebook = read_codebook(workspace.codebook)
    server = open_server(workspace)
    path = workspace.path(workspace.config.paths.projects)
    projects = {r: p for r, p in read_projects(path).items() if p.url == server.url}
    if not projects:
        raise ServerError(
            "this workspace has no project there",
            where=server.url,
            remedy="Push a queue first: narraframe push POSTS; or set the URL to the right server.",
        )
    summary = PullSummary()
    for role, project in sorted(projects.items()):
        mirror = look(server, project.project_id, workspace=workspace, watch=watch)
        if mirror.gone:
            watch.warn(
                f"{len(mirror.gone)} tasks of project {project.project_id} were deleted on the "
                "server: what was labelled in them is kept"
            )
        _take(
            mirror.tasks.values(),
            project,
            role,
            follow_deletions=True,
            codebook=codebook,
            workspace=workspace,
            summary=summary,
            watch=watch,
        )
    return summary


def pull_export(export: Path, *, gold: bool, workspace: Workspace, watch: Watch) -> PullSummary:
    """Take the annotations from a JSON export of Label Studio, without a server.

    An export of the workspace's own project gives the same files as `pull` does; but nothing that
    was pulled before is taken away, as an export may be older.

    Raises
    ------
    InputError
        If the file is no such export, holds tasks of several projects, or is of the adjudication
        and was not said to be, or the reverse.
    """
    codebook = read_codebook(workspace.codebook)
    tasks = _read_export(export)
    sources = {(str(t["data"].get("server_key") or ""), int(t.get("project") or 0)) for t in tasks}
    if len(sources) > 1:
        raise InputError(
            "holds tasks of several projects",
            where=export,
            got=sorted(sources),
            remedy="Export one project.",
        )
    key, number = sources.pop() if sources else ("", 0)
    known = read_projects(workspace.path(workspace.config.paths.projects))
    found = {r: p for r, p in known.items() if (p.server_key, p.project_id) == (key, number)}
    role = ADJUDICATION if gold else LABELLING
    if found and role not in found:
        raise InputError(
            f"is of the {'labelling' if gold else 'adjudication'} project",
            where=export,
            remedy="Leave out --gold." if gold else "Its answers settle others': pass --gold.",
        )
    summary = PullSummary()
    _take(
        tasks,
        found.get(role) or Project("", number, key),
        role,
        follow_deletions=False,
        codebook=codebook,
        workspace=workspace,
        summary=summary,
        watch=watch,
    )
    return summary


def _read_export(path: Path) -> list[Mapping[str, Any]]:
    remedy = "Export the project as JSON, not JSON-MIN or CSV."
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=path, remedy="Check the path."
        ) from error
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", where=path, remedy=remedy) from error
    if not isinstance(data, list) or not all(
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations"), list)
        for task in data
    ):
        raise InputError("is not an export of Label Studio's tasks", where=path, remedy=remedy)
    return data


def _take(
    tasks: Iterable[Mapping[str, Any]],
    project: Project,
    role: str,
    *,
    follow_deletions: bool,
    codebook: Codebook,
    workspace: Workspace,
    summary: PullSummary,
    watch: Watch,
) -> None:
    """Turn the tasks of one project into files of annotations, and add to the summary."""
    found = read_tasks(
        tasks,
        codebook,
        pages=[Page(page.codebook_version, page.at) for page in project.pages],
        server_key=project.server_key,
        facets_of_model={m: frozenset(facets) for m, facets in project.facets_of_model.items()},
        gold=role == ADJUDICATION,
    )
    _warn(found, watch)
    rows = migrate(found.annotations, codebook).annotations
    done = write_answers(
        rows,
        found.posts,
        project=project,
        prefix=f"{_PREFIX[role]}-{project.project_id}",
        follow_deletions=follow_deletions,
        codebook=codebook,
        workspace=workspace,
    )
    if done.n_kept:
        watch.warn(f"{done.n_kept} answers that were pulled before are not there now: kept")
    if role == LABELLING:
        write_skips(workspace.path(workspace.config.paths.skipped), found.skips)
        summary.n_posts = len({row.post_id for row in rows})
    _write_notes(found, workspace, project)
    summary.n_skips += len(found.skips)
    summary.n_drafts += found.n_drafts
    summary.n_notes += len(found.notes)
    summary.n_gold += len({row.post_id for row in rows if row.gold})
    summary.written += done.written
    summary.removed += done.removed
    if role == LABELLING:
        answered = {(row.annotator, row.post_id) for row in rows}
        summary.answers.update(annotator for annotator, _ in sorted(answered))


def _warn(found: Pulled, watch: Watch) -> None:
    if found.foreign:
        watch.warn(f"{found.foreign} tasks bear no post_id, so they are not ours: passed over")
    if found.n_nobody:
        watch.warn(
            f"{found.n_nobody} answers are by users whom the server no longer knows: kept as by one"
        )
    if found.strangers:
        listed = ", ".join(f"{what} ({n} times)" for what, n in found.strangers.most_common(5))
        watch.warn(
            f"answers choose what no codebook of ours has: {listed}; left out here, kept on the "
            "server. Was the page changed in the browser? List a label that was renamed under "
            "[[retired]], and pull again"
        )


def _write_notes(found: Pulled, workspace: Workspace, project: Project) -> None:
    """Keep the annotators' notes beside the mirror: they may quote posts, and stay out of git."""
    path = workspace.path(workspace.config.paths.mirror) / f"notes-{project.project_id}.csv"
    text = csv_text(("post_id", "annotator", "note"), [list(note) for note in found.notes])
    if found.notes or path.exists():
        write_text(path, text, force=True)
