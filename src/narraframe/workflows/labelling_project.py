"""The project that analysts label in: made or found, its page the one of the codebook."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from narraframe.annotations.controls import leaves
from narraframe.annotations.labelling_page import labelling_page, page_differences
from narraframe.config import Workspace
from narraframe.errors import CodebookError, ServerError
from narraframe.io.labelstudio import Server, page_faults
from narraframe.io.projects import LABELLING, Project, PushedPage, read_projects, write_projects
from narraframe.records import Codebook, version_key
from narraframe.workflows.labelstudio import known_project


@dataclass(frozen=True)
class Wanted:
    """What a project is to be: its role in the workspace, `page` as XML, `instructions` as HTML."""

    role: str
    title: str
    page: str
    instructions: str
    codebook: Codebook


def labelling(codebook: Codebook, *, title: str, instructions: str) -> Wanted:
    """Return what the labelling project of a codebook is to be."""
    return Wanted(LABELLING, title, labelling_page(codebook), instructions, codebook)


def open_project(
    wanted: Wanted,
    server: Server,
    *,
    workspace: Workspace,
    new_project: bool = False,
    replace_page: bool = False,
) -> Project:
    """Return the workspace's project of that role, with the wanted page; make it if need be.

    A project that a push made and could not note down any more is found again by its title.

    Raises
    ------
    ServerError
        If the project was deleted, several bear its title, or the page was changed in the browser.
    CodebookError
        If the codebook changed in a way that would leave annotations without meaning.
    """
    if faults := page_faults(wanted.page):
        raise CodebookError("the labelling page is not sound", got=faults, remedy="Report this.")
    known = None if new_project else known_project(workspace, wanted.role, server)
    if known is None and not new_project:
        known = _by_title(wanted.title, server)
    if known is None:
        key = server.key() or secrets.token_hex(2)
        made = server.create_project(
            wanted.title, page=wanted.page, instructions=wanted.instructions, key=key
        )
        known = _noted(Project(server.url, made, key), wanted)
        keep_project(workspace, wanted.role, known)
        return known
    there = str(server.project(known.project_id)["label_config"])
    is_there = _sha256(there) == _sha256(wanted.page)
    if not is_there:
        _check_untouched(there, known, wanted, server, replace_page=replace_page)
        check_change(known.pages, wanted.codebook)
        server.update_project(
            known.project_id,
            label_config=wanted.page,
            expert_instruction=wanted.instructions,
            show_instruction=bool(wanted.instructions),
        )
    if not (is_there and known.pages and known.pages[-1].sha256 == _sha256(wanted.page)):
        known = _noted(known, wanted)
    keep_project(workspace, wanted.role, known)
    return known


def check_change(pages: Sequence[PushedPage], codebook: Codebook) -> None:
    """Refuse a codebook by which annotations of the last page would say what nobody said.

    Raises
    ------
    CodebookError
        If a label that is new on the page does not say since when, so that earlier annotations
        would deny it; or one that was there is gone and not retired.
    """
    if not pages:
        return
    last = pages[-1]
    asked = set(last.label_ids)
    new = [codebook.by_id[i] for i in codebook.leaf_ids if i not in asked]
    since = {f.facet_id: f.since for f in codebook.facets}
    before = version_key(last.codebook_version)
    # What took the place of one label was asked by that one's name.
    renamed = {old.into[0] for old in codebook.retired if len(old.into) == 1}
    late = [
        label.label_id
        for label in new
        if label.label_id not in renamed
        and max(version_key(label.since), version_key(since[label.facet_id])) <= before
    ]
    retired = {old.label_id for old in codebook.retired}
    lost = [i for i in last.label_ids if i not in codebook.by_id and i not in retired]
    faults = []
    if late:
        faults.append(
            f"new on the page without saying since which version: {', '.join(late)}; what was "
            f"labelled before would count as a no (the last page asked {last.codebook_version})"
        )
    if lost:
        faults.append(f"gone from the codebook and not retired: {', '.join(lost)}")
    if faults:
        raise CodebookError(
            "; ".join(faults),
            where=f"codebook {codebook.version}",
            remedy='Raise its version, give new labels since = "that version", and list what is '
            "gone under [[retired]]. See: narraframe codebook diff.",
        )


def _by_title(title: str, server: Server) -> Project | None:
    found = server.find_projects(title)
    if len(found) > 1:
        raise ServerError(
            f"{len(found)} projects are called {title!r}",
            where=server.url,
            got=list(found),
            remedy="Rename those that are not meant, or set another [labelstudio] project in "
            "narraframe.toml.",
        )
    return Project(server.url, found[0], server.key() or secrets.token_hex(2)) if found else None


def _check_untouched(
    there: str, known: Project, wanted: Wanted, server: Server, *, replace_page: bool
) -> None:
    """Refuse to write over what somebody changed in the browser, unless told to."""
    pushed = known.pages[-1].sha256 if known.pages else None
    if replace_page or pushed == _sha256(there):
        return
    differences = page_differences(there, wanted.codebook)
    if differences:
        raise ServerError(
            "the labelling page on the server was not put there by this workspace: "
            + "; ".join(differences),
            where=f"{server.url}/projects/{known.project_id}",
            remedy="To put the codebook's page back: narraframe push --replace-page. To keep the "
            "change, make it in codebook.toml first. No annotation is touched by either.",
        )


def _noted(project: Project, wanted: Wanted) -> Project:
    asked = [i for facet in wanted.codebook.facets for i in leaves(wanted.codebook, facet)]
    now = datetime.now(UTC).replace(microsecond=0)
    page = PushedPage(wanted.codebook.version, _sha256(wanted.page), now, tuple(asked))
    return project.with_page(page)


def keep_project(workspace: Workspace, role: str, project: Project) -> None:
    """Write down a project where git keeps it, unless it stands there."""
    path = workspace.path(workspace.config.paths.projects)
    projects = read_projects(path)
    if projects.get(role) != project:
        write_projects(path, projects | {role: project})


def _sha256(page: str) -> str:
    # the server strips white space around the page
    return hashlib.sha256(page.strip().encode()).hexdigest()
