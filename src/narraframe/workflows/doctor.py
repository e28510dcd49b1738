"""Doctor: what is installed and set up, what is missing, and how to get it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from narraframe.config import Workspace
from narraframe.embeddings.sentence import find_encoder
from narraframe.errors import NarraframeError
from narraframe.io.codebook import read_codebook
from narraframe.io.registry import model_titles

_PACKAGES = (
    "torch",
    "sentence-transformers",
    "umap-learn",
    "hdbscan",
    "scikit-learn",
    "mlflow",
    "label-studio-sdk",
)
_ROOM_NEEDED = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `ok` None means that it is for the user to judge."""

    ok: bool | None
    what: str
    remedy: str = ""


def examine(workspace: Workspace) -> tuple[Finding, ...]:
    """Look at everything that the commands need."""
    return (
        _python(),
        *(_package(name) for name in _PACKAGES),
        _encoder(workspace),
        _workspace(workspace),
        _codebook(workspace),
        _writable(workspace),
        _room(workspace),
        *_models(workspace),
    )


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(
        sys.version_info >= (3, 11), f"Python {version}", "" if sys.version_info >= (3, 11) else
        "Install Python 3.11 or newer."
    )  # fmt: skip


def _package(name: str) -> Finding:
    try:
        return Finding(True, f"{name} {metadata.version(name)}")
    except metadata.PackageNotFoundError:
        return Finding(False, name, f"pip install {name}")


def _encoder(workspace: Workspace) -> Finding:
    name = workspace.config.encoder.name
    try:
        info = find_encoder(name)
    except NarraframeError as error:
        return Finding(False, f"encoder {name}", str(error))
    languages = ", ".join(sorted(info.languages)) if info.languages else "many"
    return Finding(True, f"encoder {info.name}@{info.revision} (languages: {languages})")


def _workspace(workspace: Workspace) -> Finding:
    if workspace.is_set_up:
        return Finding(True, f"workspace {workspace.root}")
    return Finding(
        None,
        f"no workspace at or above {workspace.root}: default settings, files kept below it",
        "narraframe init DIR",
    )


def _codebook(workspace: Workspace) -> Finding:
    try:
        book = read_codebook(workspace.codebook)
    except NarraframeError as error:
        ok = None if not workspace.codebook.exists() else False
        return Finding(ok, f"codebook {workspace.codebook}", str(error))
    return Finding(True, f"codebook {book.version}: {len(book.leaf_ids)} labels to choose from")


def _writable(workspace: Workspace) -> Finding:
    folder = workspace.cache
    while not folder.exists():
        folder = folder.parent
    if os.access(folder, os.W_OK):
        return Finding(True, f"{folder} can be written")
    return Finding(
        False, f"{folder} cannot be written", "Choose a workspace that you may write to."
    )


def _room(workspace: Workspace) -> Finding:
    free = shutil.disk_usage(workspace.root).free
    what = f"{free / 2**30:.1f} GiB of disk free"
    if free >= _ROOM_NEEDED:
        return Finding(True, what)
    return Finding(None, what, "A million posts need about 2 GiB of cache: free some space.")


def _models(workspace: Workspace) -> Iterator[Finding]:
    try:
        titles = model_titles(workspace.store)
    except NarraframeError as error:
        yield Finding(False, "model store", str(error))
        return
    if titles:
        yield from (Finding(True, f"model {title}") for title in titles)
    else:
        yield Finding(None, "no model yet", "narraframe train --experiment experiments/NAME.toml")
