"""A folder with labels/, experiments/, models/, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from narraframe.config.settings import Config
from narraframe.config.toml import load
from narraframe.errors import ConfigError

WORKSPACE_FILE = "narraframe.toml"


@dataclass(frozen=True)
class Workspace:
    """A folder with labels/, experiments/, models/ and its settings."""

    root: Path
    config: Config
    is_set_up: bool

    def path(self, relative: str) -> Path:
        """Return a path of the settings, taken from the workspace's root."""
        return self.root / relative

    @property
    def codebook(self) -> Path:
        """The codebook's file."""
        return self.path(self.config.paths.codebook)

    @property
    def curation(self) -> Path:
        """The log of what the analyst did to the themes."""
        return self.path(self.config.paths.curation)

    @property
    def store(self) -> Path:
        """The folder of the MLflow store."""
        return self.path(self.config.paths.store)

    @property
    def cache(self) -> Path:
        """The folder of cached embeddings."""
        return self.path(self.config.paths.cache)


def find_workspace(start: Path, *, given: Path | None = None) -> Workspace:
    """Return the workspace `given`, or the nearest at or above `start`.

    Where there is none, the folder itself serves with default settings, and `is_set_up` is False.

    Raises
    ------
    ConfigError
        If `given` is no folder, or the narraframe.toml found has faults.
    """
    if given is not None and not given.is_dir():
        raise ConfigError(
            "there is no such folder",
            where=f"--workspace {given}",
            remedy=f"Make one with: narraframe init {given}",
        )
    candidates = [given] if given is not None else [start, *start.parents]
    for folder in candidates:
        if (folder / WORKSPACE_FILE).is_file():
            config = load(Config, folder / WORKSPACE_FILE)
            return Workspace(folder.resolve(), config, is_set_up=True)
    return Workspace((given or start).resolve(), Config(), is_set_up=False)
