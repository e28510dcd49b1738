"""The mirror: all tasks of a Label Studio project as last seen, one JSON line each, for our side.

It holds post texts and user numbers, and stays out of git. Lost, it is fetched again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from narraframe.errors import TableError
from narraframe.io.files import write_text


@dataclass(frozen=True)
class Mirror:
    """Tasks by id, with all changes up to `cursor`, a time of the server ("" before any look).

    `gone`: ids of tasks that were deleted on the server; what was last known of them is kept.
    """

    url: str
    project_id: int
    cursor: str = ""
    tasks: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()


def live(mirror: Mirror) -> Iterator[Mapping[str, Any]]:
    """Yield the tasks that are on the server."""
    return (task for task_id, task in mirror.tasks.items() if task_id not in mirror.gone)


def mirror_path(folder: Path, project_id: int) -> Path:
    """Return where the mirror of a project lies."""
    return folder / f"project-{project_id}.jsonl"


def read_mirror(folder: Path, *, url: str, project_id: int) -> Mirror:
    """Read the mirror of a project; an empty one if there is none, or it is of another server.

    Raises
    ------
    TableError
        If it is damaged.
    """
    path = mirror_path(folder, project_id)
    empty = Mirror(url, project_id)
    if not path.exists():
        return empty
    try:
        head, *lines = path.read_text("utf-8").splitlines()
        about = json.loads(head)
        tasks = [json.loads(line) for line in lines]
        if about["n_tasks"] != len(tasks):
            raise ValueError(f"{len(tasks)} of {about['n_tasks']} tasks")
        found = Mirror(
            about["url"],
            about["project"],
            about["cursor"],
            {int(task["id"]): task for task in tasks},
            frozenset(about["gone"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"the mirror of a project is damaged: {error}",
            where=path,
            remedy="Remove it: it is fetched again from the server.",
        ) from error
    return found if (found.url, found.project_id) == (url, project_id) else empty


def write_mirror(folder: Path, mirror: Mirror) -> None:
    """Write the mirror whole.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    about = {
        "url": mirror.url,
        "project": mirror.project_id,
        "cursor": mirror.cursor,
        "gone": sorted(mirror.gone),
        "n_tasks": len(mirror.tasks),
    }
    # JSON escapes line separators in post texts, so that a line is a task
    rows = [json.dumps(row) for row in (about, *mirror.tasks.values())]
    write_text(mirror_path(folder, mirror.project_id), "\n".join(rows) + "\n", force=True)


def merged(
    mirror: Mirror,
    changed: Mapping[int, Mapping[str, Any]],
    *,
    cursor: str,
    present: frozenset[int] | None,
) -> Mirror:
    """Return the mirror with what changed since.

    Parameters
    ----------
    mirror : Mirror
        As it was.
    changed : mapping of int to task
        Tasks that are new or changed.
    cursor : str
        Up to when `changed` is complete.
    present : frozenset of int, default=None
        All task ids on the server, if it was looked which were deleted.
    """
    tasks = {**mirror.tasks, **changed}
    gone = mirror.gone if present is None else frozenset(tasks.keys() - present)
    return Mirror(mirror.url, mirror.project_id, cursor, dict(sorted(tasks.items())), gone)
