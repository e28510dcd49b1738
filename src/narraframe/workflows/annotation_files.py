"""The files of annotations that pulls write: one for each annotator, nothing lost from them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.config import Workspace
from narraframe.io.annotations import annotations_csv, provenance_path, write_annotations
from narraframe.io.projects import Project
from narraframe.io.queue import audit_probabilities
from narraframe.records import Annotation, Codebook
from narraframe.workflows.labelled import annotations_in

Answer = tuple[str, str, bool]
"""post_id, annotator, and whether it is a second look."""
_EARLIEST, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Written:
    """Files that changed, or went as nothing is left of them; `n_kept` answers of before."""

    written: tuple[Path, ...]
    removed: tuple[Path, ...]
    n_kept: int


def write_answers(
    rows: Sequence[Annotation],
    first_made: Mapping[str, datetime],
    *,
    project: Project,
    prefix: str,
    follow_deletions: bool,
    codebook: Codebook,
    workspace: Workspace,
) -> Written:
    """Bring the files of one project in line with what its tasks say now.

    Of an answer that was there before, the one with the later time stays. One that is not among
    `rows` any more was deleted, if its post has a task that is older than it; where its post has no
    task, or only a later one, its task was deleted, and the answer stays.

    Parameters
    ----------
    rows : sequence of Annotation
        Of the answers, retired labels migrated.
    first_made : mapping of post_id to datetime
        When the first task of a post was made, of those that are there.
    follow_deletions : bool
        Whether what is not among `rows` may be taken away: an export may be older than the files.
    """
    folder = workspace.path(workspace.config.paths.annotations)
    before = [p for p in sorted(folder.glob(f"{prefix}-*.csv")) if _is_of(p, project)]
    old = _by_answer(row for path in before for row in annotations_in(path, codebook))
    new = _by_answer(rows)
    kept = {
        answer: of_answer
        for answer, of_answer in old.items()
        if answer in new and _time(of_answer) > _time(new[answer])
    }
    gone = {
        answer: of_answer
        for answer, of_answer in old.items()
        if answer not in new
        and not (follow_deletions and first_made.get(answer[0], _NEVER) <= _time(of_answer))
    }
    every = [row for rows_ in (new | kept | gone).values() for row in rows_]
    wanted: dict[Path, list[Annotation]] = {}
    for row in sorted(_with_design(every, workspace), key=_order):
        wanted.setdefault(folder / f"{prefix}-{row.annotator}.csv", []).append(row)
    changed = [path for path, of in wanted.items() if _differs(path, of)]
    for path in changed:
        write_annotations(path, wanted[path], provenance=_about(project, wanted[path]), force=True)
    removed = sorted(set(before) - wanted.keys())
    for path in removed:
        path.unlink()
        provenance_path(path).unlink(missing_ok=True)
    return Written(tuple(changed), tuple(removed), len(kept) + len(gone))


def _order(row: Annotation) -> tuple[str, str, bool]:
    return row.annotator, row.post_id, row.design == DOUBTFUL


def _by_answer(rows: Iterable[Annotation]) -> dict[Answer, list[Annotation]]:
    found: dict[Answer, list[Annotation]] = {}
    for row in rows:
        answer = (row.post_id, row.annotator, row.design == DOUBTFUL)
        found.setdefault(answer, []).append(row)
    return found


def _time(rows: Sequence[Annotation]) -> datetime:
    return max((row.annotated_at or _EARLIEST for row in rows), default=_EARLIEST)


def _with_design(rows: Iterable[Annotation], workspace: Workspace) -> list[Annotation]:
    """Give posts the place in the audit that they have now: it grows, and posts may leave it.

    But a second look is never of the audit: a model chose it.
    """
    path = workspace.path(workspace.config.paths.audit)
    if not path.exists():
        return list(rows)
    now = audit_probabilities(path)
    return [
        row
        if row.design == DOUBTFUL
        else replace(row, design="audit", inclusion_probability=now[row.post_id])
        if row.post_id in now
        else replace(
            row, design="" if row.design == "audit" else row.design, inclusion_probability=None
        )
        for row in rows
    ]


def _differs(path: Path, rows: Sequence[Annotation]) -> bool:
    return not path.exists() or path.read_text("utf-8") != annotations_csv(rows)


def _about(project: Project, rows: Sequence[Annotation]) -> dict[str, object]:
    return {
        "source": "Label Studio",
        "server_key": project.server_key,
        "project": project.project_id,
        "pulled_at": datetime.now(UTC).replace(microsecond=0),
        "codebook_versions": sorted({row.codebook_version for row in rows}),
    }


def _is_of(path: Path, project: Project) -> bool:
    try:
        about = tomllib.loads(provenance_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return (about.get("server_key"), about.get("project")) == (
        project.server_key,
        project.project_id,
    )
