"""The annotators' guidelines, as Label Studio shows them above the page."""

from __future__ import annotations

from narraframe.annotations.guidelines import guidelines_html
from narraframe.config import Workspace
from narraframe.errors import InputError


def instructions(workspace: Workspace) -> str:
    """Return the workspace's guidelines as HTML; "" if it has none.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = workspace.path(workspace.config.paths.guidelines)
    try:
        return guidelines_html(path.read_text("utf-8")) if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "the guidelines cannot be read", where=path, remedy="Save them as UTF-8 text."
        ) from error
