"""Promote: make a registered version the champion."""

from __future__ import annotations

from dataclasses import dataclass

from narraframe.config import Workspace
from narraframe.io.tracking import aliases, find_model, set_alias

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Promotion:
    """The version that is champion now, and the one before, None if there was none."""

    version: int
    before: int | None


def promote(name: str, *, version: int | None, workspace: Workspace) -> Promotion:
    """Point the champion of model `name` at `version`, or at the challenger.

    Raises
    ------
    ModelError
        If there is no such model or version, its files are gone, or there is no challenger.
    """
    address = f"models:/{name}/{version}" if version else f"models:/{name}@{CHALLENGER}"
    found = find_model(workspace.store, address)
    have = aliases(workspace.store, name)
    set_alias(workspace.store, name, CHAMPION, found.version)
    return Promotion(found.version, have.get(CHAMPION))
