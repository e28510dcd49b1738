"""The folder that ``narraframe themes`` leaves.

themes.parquet   the table THEMES: every post's theme, as shown after curation
themes.csv       one line a theme: number, name, sizes, confidence, stability, first and last month
themes.json      one summary a theme: the same, keywords, representative posts, months, channels
terms.csv        theme, rank, term, weight
suggestions.csv  post_id, theme, probability: for the posts that have no theme
quality.json     figures (null = unknown), warnings, and what changed since the fit before, in words
state.npz        what curation, refits, assignment and search need; arrays only, nothing is executed
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import OutputError, TableError
from narraframe.io.cells import csv_text, unguard
from narraframe.io.files import check_free, replacing
from narraframe.io.tables import read_themes, write_themes
from narraframe.records import Post, Themes, ThemeSummary

_TABLE, _TERMS, _SUMMARIES, _QUALITY = "themes.parquet", "terms.csv", "themes.json", "quality.json"
_LIST, _SUGGESTIONS, _STATE = "themes.csv", "suggestions.csv", "state.npz"
_FILES = frozenset((_TABLE, _TERMS, _SUMMARIES, _QUALITY, _LIST, _SUGGESTIONS, _STATE))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The theme that a post without theme would most probably go to."""

    post_id: str
    theme: int
    probability: float


@dataclass(frozen=True, kw_only=True)
class ThemesFolder:
    """Themes of a corpus; `figures` are nan where unknown, `changes` since the fit before."""

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    figures: Mapping[str, float]
    warnings: tuple[str, ...]
    changes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


def check_themes_folder(folder: Path, *, force: bool) -> None:
    """Refuse an output folder that must not be replaced, before any work is done.

    Raises
    ------
    OutputError
        If `folder` exists and `force` is False, is a file, or holds anything but themes.
    """
    check_free(folder, force=force)
    if folder.is_file():
        raise OutputError("is a file, not a folder", where=folder, remedy="Choose another -o.")
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    # A file of one of the names, such as the curation log, makes no folder of themes.
    if strangers := there - _FILES if _TABLE in there else there:
        raise OutputError(
            "holds more than themes, and would be replaced as a whole",
            where=folder,
            got=min(strangers),
            remedy="Choose another -o.",
        )


def write_themes_folder(
    folder: Path,
    content: ThemesFolder,
    *,
    state: Mapping[str, NDArray[np.generic]],
    force: bool,
    then: Callable[[], object] | None = None,
) -> None:
    """Write `content` and the arrays of `state` as `folder`, whole or not at all.

    `then` is done once all is written; if it fails, the folder is as it was before.

    Raises
    ------
    OutputError
        If `folder` exists and `force` is False, holds anything but themes, or cannot be written.
    """
    check_themes_folder(folder, force=force)
    known = {key: None if math.isnan(v) else v for key, v in content.figures.items()}
    quality = {
        "figures": known,
        "warnings": list(content.warnings),
        "changes": list(content.changes),
    }
    with replacing(folder, force=force, then=then) as temporary:
        temporary.mkdir()
        write_themes(temporary / _TABLE, content.themes)
        (temporary / _TERMS).write_text(_terms_csv(content.summaries), "utf-8")
        (temporary / _LIST).write_text(_list_csv(content.summaries), "utf-8")
        summaries = _json([_known(asdict(summary)) for summary in content.summaries])
        (temporary / _SUMMARIES).write_text(summaries, "utf-8")
        (temporary / _SUGGESTIONS).write_text(_suggestions_csv(content.suggestions), "utf-8")
        (temporary / _QUALITY).write_text(_json(quality), "utf-8")
        with (temporary / _STATE).open("wb") as file:
            np.savez(file, allow_pickle=False, **state)


def read_themes_state(folder: Path) -> Mapping[str, NDArray[np.generic]]:
    """Read the arrays that ``narraframe themes`` kept in `folder`.

    Raises
    ------
    TableError
        If `folder` holds no themes, or the file is damaged.
    """
    path = folder / _STATE
    if not path.is_file():
        raise TableError(
            "holds no themes",
            where=folder,
            remedy="Find them first: narraframe themes POSTS -o FOLDER.",
        )
    try:
        # First of all: numpy takes the headers of arrays for granted.
        with ZipFile(path) as packed:
            if damaged := packed.testzip():
                raise BadZipFile(f"{damaged} is damaged")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, RuntimeError) as error:
        raise _unreadable(path, error) from error


def read_themes_folder(folder: Path, *, posts: Sequence[Post] | None = None) -> ThemesFolder:
    """Read `folder`, which must speak of `posts` only, if these are given.

    Raises
    ------
    TableError
        If a file is missing or damaged, or the themes are those of other posts.
    """
    themes = read_themes(folder / _TABLE)
    strangers = set(themes.post_ids) - {post.post_id for post in posts or ()}
    if strangers and posts is not None:
        raise TableError(
            f"{len(strangers)} posts of these themes are not among the posts",
            where=folder,
            got=min(strangers),
            remedy="Run narraframe themes again on these posts.",
        )
    try:
        rows = json.loads((folder / _SUMMARIES).read_text("utf-8"))
        quality = json.loads((folder / _QUALITY).read_text("utf-8"))
        return ThemesFolder(
            themes=themes,
            summaries=tuple(_summary(row) for row in rows),
            figures={k: math.nan if v is None else v for k, v in quality["figures"].items()},
            warnings=tuple(quality["warnings"]),
            changes=tuple(quality["changes"]),
            suggestions=tuple(_read_suggestions(folder / _SUGGESTIONS)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(folder, error) from error


def _unreadable(path: Path, error: Exception) -> TableError:
    return TableError(
        f"cannot be read: {type(error).__name__} {error}",
        where=path,
        remedy="Run narraframe themes again.",
    )


def _summary(row: dict[str, Any]) -> ThemeSummary:
    pairs = {
        name: tuple((key, value) for key, value in row[name])
        for name in ("keywords", "months", "channels")
    }
    figures = {n: math.nan if row[n] is None else row[n] for n in ("confidence", "stability")}
    ids = tuple(row["representative_post_ids"])
    return ThemeSummary(**row | pairs | figures | {"representative_post_ids": ids})


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Write nan, which JSON lacks, as null."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _list_csv(summaries: Sequence[ThemeSummary]) -> str:
    columns = ["theme", "name", "posts", "distinct_posts", "confidence", "stability"]
    rows = []
    for s in summaries:
        first, last = (s.months[0][0], s.months[-1][0]) if s.months else ("", "")
        figures = ["" if math.isnan(x) else f"{x:.3f}" for x in (s.confidence, s.stability)]
        rows.append(
            [s.theme, s.name, s.n_posts, s.n_groups, *figures, first, last, len(s.channels)]
        )
    return csv_text([*columns, "first_month", "last_month", "channels"], rows)


def _suggestions_csv(suggestions: Sequence[Suggestion]) -> str:
    rows = ([s.post_id, s.theme, f"{s.probability:.4f}"] for s in suggestions)
    return csv_text(["post_id", "theme", "probability"], rows)


def _read_suggestions(path: Path) -> Iterator[Suggestion]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            theme, probability = int(row["theme"]), float(row["probability"])
            yield Suggestion(unguard(row["post_id"]), theme, probability)


def _terms_csv(summaries: Sequence[ThemeSummary]) -> str:
    rows = (
        [summary.theme, rank, term, f"{weight:.6g}"]
        for summary in summaries
        for rank, (term, weight) in enumerate(summary.keywords, start=1)
    )
    return csv_text(["theme", "rank", "term", "weight"], rows)


def _json(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
