"""Rollback: the champion before becomes the champion again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from narraframe.config import Workspace
from narraframe.errors import ModelError
from narraframe.io.registry import CHAMPION, champions, find_model
from narraframe.io.registry_file import read_registry
from narraframe.workflows.promote import crown


@dataclass(frozen=True)
class Rollback:
    """The version that is champion again, and the one that it takes over from."""

    version: int
    left: int


def rollback(name: str, *, workspace: Workspace) -> Rollback:
    """Point the champion of model `name` back at the one before; repeatable, down to the first.

    Raises
    ------
    ModelError
        If there is no such model, it has no champion or none before it, or that one is gone.
    ConfigError
        If the registry's file cannot be read.
    """
    find_model(workspace.store, f"models:/{name}@{CHAMPION}")
    read_registry(workspace.path(workspace.config.paths.registry))
    history = champions(workspace.store, name)
    if len(history) < 2:
        raise ModelError(
            "there was no champion before this one",
            where=f"{name}/{history[-1]}",
            remedy="Promote another version: narraframe promote NAME --version N --force.",
        )
    *earlier, left = history
    find_model(workspace.store, f"models:/{name}/{earlier[-1]}")
    when = {"rolled_back_at": datetime.now(UTC).isoformat(timespec="seconds")}
    crown(name, earlier, tags={left: when}, workspace=workspace)
    return Rollback(version=earlier[-1], left=left)
