"""The projects of a workspace on Label Studio, as labels/label_studio.toml keeps them for git."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from narraframe.errors import TableError
from narraframe.io.files import write_text

LABELLING, ADJUDICATION = "labelling", "adjudication"


@dataclass(frozen=True)
class PushedPage:
    """A labelling page that was put on the server `at` a time: what it asked, and its sha256."""

    codebook_version: str
    sha256: str
    at: datetime
    label_ids: tuple[str, ...]


@dataclass(frozen=True)
class Project:
    """A project: where it is, and every page it had, the oldest first.

    `server_key` tells this Label Studio from others of the same address. `facets_of_model` says of
    which facets each model version that pre-annotated speaks.
    """

    url: str
    project_id: int
    server_key: str
    pages: tuple[PushedPage, ...] = ()
    facets_of_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_page(self, page: PushedPage) -> Project:
        """Return the project with one more page."""
        return replace(self, pages=(*self.pages, page))


def read_projects(path: Path) -> dict[str, Project]:
    """Read the projects by role, "labelling" and "adjudication"; none if there is no file.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        return {role: _project(row) for role, row in data.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(
            f"the projects on Label Studio cannot be read: {error}",
            where=path,
            remedy="Restore it, for example from git; or remove it: the project is found again by "
            "its title, but not which codebook was asked when.",
        ) from error


def write_projects(path: Path, projects: Mapping[str, Project]) -> None:
    """Write the projects by role.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    document = {
        role: {
            "url": project.url,
            "project": project.project_id,
            "server_key": project.server_key,
            "facets_of_model": {m: list(f) for m, f in sorted(project.facets_of_model.items())},
            "pages": [
                {
                    "codebook_version": page.codebook_version,
                    "sha256": page.sha256,
                    "at": page.at.astimezone(UTC),
                    "labels": list(page.label_ids),
                }
                for page in project.pages
            ],
        }
        for role, project in sorted(projects.items())
    }
    write_text(path, tomli_w.dumps(document), force=True)


def _project(row: Mapping[str, object]) -> Project:
    pages, models = row.get("pages", []), row.get("facets_of_model", {})
    if not isinstance(pages, list) or not isinstance(models, dict):
        raise TypeError("pages and facets_of_model must be tables")
    return Project(
        str(row["url"]),
        int(str(row["project"])),
        str(row["server_key"]),
        tuple(
            PushedPage(
                str(page["codebook_version"]),
                str(page["sha256"]),
                page["at"].astimezone(UTC),
                tuple(map(str, page["labels"])),
            )
            for page in pages
        ),
        {str(model): tuple(map(str, facets)) for model, facets in models.items()},
    )
