"""Curation: the analyst names, merges, splits, hides and restores themes, and it is kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from narraframe.config import Workspace
from narraframe.errors import UsageError
from narraframe.io.curation import Curation, append_curation, read_curations
from narraframe.io.themes import ThemesFolder
from narraframe.workflows.themes import read_state_and_shown, said_of, shown, write_state

if TYPE_CHECKING:
    from narraframe.themes.state import ThemesState

_KEYWORDS_LOGGED = 5
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Curating:
    """What was done, as logged, and the themes as they are shown now."""

    done: Curation
    themes: ThemesFolder


def curate(
    folder: Path,
    action: str,
    themes: Sequence[int],
    *,
    workspace: Workspace,
    into: int | None = None,
    n_parts: int = 0,
    name: str = "",
) -> Curating:
    """Do one action to the themes of `folder`, log it, and write what is shown now into `folder`.

    Parameters
    ----------
    folder : Path
        From `find_themes`.
    action : str
        name, merge, split, hide or restore.
    themes : sequence of int
        The themes it is done to, by their numbers.
    workspace : Workspace
        Holds the log.
    into : int, default=None
        Where a merge goes to.
    n_parts : int, default=0
        Of a split.
    name : str, default=""
        For name, and for the theme that a merge goes to; it is put on one line.

    Raises
    ------
    TableError
        If the folder or the log cannot be read.
    UsageError
        If a theme is not there, the action is not possible, or the name cannot be shown.
    OutputError
        If the log or the folder cannot be written.
    """
    from narraframe.themes.curate import check_curation, next_theme

    state, before = read_state_and_shown(folder)
    every = read_curations(workspace.curation)
    log = said_of(state, every)
    free = max(state.next_theme, next_theme(every))
    ends = () if into is None else (into,)
    if into in themes:
        raise UsageError(
            "a theme cannot be merged with itself", got=f"T{into}", remedy="Name another one."
        )
    new = Curation(
        at=datetime.now(UTC).replace(microsecond=0),
        action=action,
        themes=tuple(dict.fromkeys(themes)),
        into=tuple(range(free, free + n_parts)) if action == "split" else ends,
        name=_checked(name, needed=action == "name"),
        keywords=_keywords(before, themes),
        fit=state.fits[-1],
    )
    check_curation(new, log, state.numbers)
    if action == "split":
        state = _with_parts(state, log, new)
    now = shown(state, [*log, new], workspace=workspace)
    content = replace(
        before, themes=now.themes, summaries=now.summaries, suggestions=now.suggestions
    )
    # Log and folder change together or not at all.
    write_state(
        folder, content, state, force=True, then=partial(append_curation, workspace.curation, new)
    )
    return Curating(new, content)


def _checked(name: str, *, needed: bool) -> str:
    line = " ".join(name.split())
    if needed and not line:
        raise UsageError("a name must not be empty", got=name, remedy="Write some words.")
    # Control characters would move the terminal's cursor; half characters cannot be stored.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in line):
        raise UsageError(
            "the name holds characters that cannot be shown", got=name, remedy="Leave them out."
        )
    if len(line) > _LONGEST_NAME:
        raise UsageError(
            f"a name has {_LONGEST_NAME} characters at most",
            got=f"{len(line):,} characters",
            remedy="Shorten it.",
        )
    return line


def _keywords(before: ThemesFolder, themes: Sequence[int]) -> str:
    words = [
        f"T{s.theme}: " + ", ".join(term for term, _ in s.keywords[:_KEYWORDS_LOGGED])
        for s in before.summaries
        if s.theme in themes
    ]
    return "; ".join(words)


def _with_parts(state: ThemesState, log: Sequence[Curation], split: Curation) -> ThemesState:
    from narraframe.themes.curate import centroids_of_parts, replay, shown_themes, split_posts

    machine = state.theme_of_distinct
    curated = replay(log, state.numbers)
    now = shown_themes(machine, state.vectors, curated, state.parts)
    rows = np.flatnonzero(now == split.themes[0])
    if len(rows) < len(split.into):
        raise UsageError(
            f"T{split.themes[0]} has too few distinct posts for {len(split.into)} parts",
            got=len(rows),
            remedy="Ask for fewer parts.",
        )
    parts = split_posts(state.vectors[rows], n_parts=len(split.into), seed=0)
    centroids = centroids_of_parts(state.vectors[rows], parts)
    found = dict(zip(split.into, centroids, strict=True))
    return replace(
        state, parts={**state.parts, **found}, next_theme=max(state.next_theme, *split.into) + 1
    )
