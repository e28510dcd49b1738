"""How inputs are called where their records are named by their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from narraframe.io.posts.source import STDIN


def shown_names(paths: Sequence[str]) -> list[str]:
    """Return a name for each input, another for every one: the file's, where that is enough.

    Files of one name in several folders are told apart by as many of their folders as it takes, and
    an input that is named again by a number: `["a/x.csv", "b/x.csv", "b/x.csv (2)"]`.
    """
    parts = [_parts(path) for path in paths]
    depth = {name: _depth({other for other in parts if other[-1] == name}) for *_, name in parts}
    named: Counter[str] = Counter()
    names = []
    for *folders, name in parts:
        shown = "/".join([*folders, name][-depth[name] :])
        named[shown] += 1
        names.append(shown if named[shown] == 1 else f"{shown} ({named[shown]})")
    return names


def _parts(path: str) -> tuple[str, ...]:
    return ("standard input",) if path == STDIN else Path(path).absolute().parts


def _depth(paths: set[tuple[str, ...]]) -> int:
    """Return how many of the last parts tell all `paths` apart."""
    depth = 1
    while len({path[-depth:] for path in paths}) < len(paths):
        depth += 1
    return depth
