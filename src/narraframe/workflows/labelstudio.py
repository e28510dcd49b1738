"""Reach the workspace's Label Studio, find its projects, and see what changed there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from narraframe.config import Workspace
from narraframe.errors import ServerError
from narraframe.io.labelstudio import Server, connect
from narraframe.io.mirror import Mirror, merged, read_mirror, write_mirror
from narraframe.io.projects import Project, read_projects
from narraframe.workflows.watch import Watch

URLS = ("NARRAFRAME_LABEL_STUDIO_URL", "LABEL_STUDIO_URL")
TOKENS = ("NARRAFRAME_LABEL_STUDIO_TOKEN", "LABEL_STUDIO_API_KEY")


@dataclass(frozen=True)
class Access:
    """Where the server is, and the token, which no message may show."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Return the URL alone."""
        return f"Access({self.url!r})"


def access(workspace: Workspace) -> Access:
    """Return the URL and token: of the environment, else the settings, else the local server.

    The local server is the one of the nearest folder at or above the workspace that has one.

    Raises
    ------
    ServerError
        If either is not to be found, or the URL holds a password.
    """
    local = _local(workspace)
    url = _first(URLS) or workspace.config.labelstudio.url or _line(local / "url")
    token = _first(TOKENS) or _line(local / "token")
    if not url:
        raise ServerError(
            "no Label Studio is known",
            where=workspace.root,
            remedy="Start one: narraframe labelstudio start. Or name yours in narraframe.toml, "
            f"[labelstudio] url, or in {URLS[0]}.",
        )
    if "@" in urlsplit(url).netloc:
        raise ServerError(
            "the URL of Label Studio holds a user or password, which would be shown",
            remedy=f"Leave it out; the token goes into {TOKENS[0]}.",
        )
    if not token:
        raise ServerError(
            "there is no token for Label Studio",
            where=url,
            remedy=f"Put it into the environment as {TOKENS[0]}; it stands on the account page.",
        )
    return Access(url, token)


def open_server(workspace: Workspace) -> Server:
    """Connect to the server of `access`."""
    found = access(workspace)
    return connect(found.url, found.token)


def known_project(workspace: Workspace, role: str, server: Server) -> Project | None:
    """Return the project of a role, if this workspace has one on this server.

    Raises
    ------
    ServerError
        If it has one on another server.
    """
    path = workspace.path(workspace.config.paths.projects)
    project = read_projects(path).get(role)
    if project is not None and project.url != server.url:
        raise ServerError(
            "the project of this workspace is on another server",
            where=path,
            got=f"{project.url}, not {server.url}",
            remedy="Set the URL to that one; if the same server moved, mend the url there.",
        )
    return project


def look(server: Server, project_id: int, *, workspace: Workspace, watch: Watch) -> Mirror:
    """Bring the mirror of a project up to date, and return it.

    What changed since the last look is fetched; that tasks were deleted shows by their number. The
    mirror is written once all has come, so that a look that is cut off leaves the last one.
    """
    folder = workspace.path(workspace.config.paths.mirror)
    before = read_mirror(folder, url=server.url, project_id=project_id)
    n_tasks = int(server.project(project_id)["task_number"])
    # Asked first: what changes while the tasks come is not sure to be among them.
    cursor = server.latest_change(project_id) or before.cursor
    changed = {}
    with watch.stage("look at Label Studio", unit="tasks") as step:
        for task in server.tasks(project_id, since=before.cursor or None):
            changed[int(task["id"])] = task
            step(1)
    now = merged(before, changed, cursor=cursor, present=None)
    if len(now.tasks) - len(now.gone) != n_tasks:
        present = server.task_ids(project_id)
        if present - now.tasks.keys():
            changed = {int(task["id"]): task for task in server.tasks(project_id)}
        now = merged(before, changed, cursor=cursor, present=present)
    if now != before:
        write_mirror(folder, now)
    return now


def _local(workspace: Workspace) -> Path:
    name = workspace.config.paths.server
    places = [folder / name for folder in (workspace.root, *workspace.root.parents)]
    return next((place for place in places if (place / "url").exists()), places[0])


def _first(names: tuple[str, ...]) -> str:
    return next((os.environ[name].strip() for name in names if os.environ.get(name)), "")


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
