"""models/registry.toml: what git keeps of the registered models, one table a model.

[topics]
version = 3                  # the latest, with the run, encoder and codebook that made it
run = "6a98dfbe..."
encoder = "all-MiniLM-L6-v2@53aa51172d14"
codebook_version = "1.0.0"
codebook_sha256 = "9f86d081..."
champion = 2                 # the one that scores
history = [1, 2]             # all champions, in order
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from narraframe.errors import ConfigError
from narraframe.io.files import write_text


def read_registry(path: Path) -> dict[str, dict[str, Any]]:
    """Return the table of each model; none where there is no file.

    Raises
    ------
    ConfigError
        If it cannot be read, or holds something else than tables.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the registry of models cannot be read: {error}",
            where=path,
            remedy="Restore it, for example from git, or remove it.",
        ) from error
    strange = [name for name, entry in found.items() if not isinstance(entry, dict)]
    if strange:
        raise ConfigError(
            "the registry of models holds something else than a table a model",
            where=path,
            got=strange[0],
            remedy="Restore it, for example from git, or remove it.",
        )
    return found


def update_registry(path: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Set the keys of `entry` in the table of model `name`, and leave its others as they are.

    Raises
    ------
    ConfigError
        As `read_registry`.
    OutputError
        If `path` cannot be written.
    """
    registry = read_registry(path)
    registry[name] = registry.get(name, {}) | dict(entry)
    write_text(path, tomli_w.dumps(dict(sorted(registry.items()))), force=True)
