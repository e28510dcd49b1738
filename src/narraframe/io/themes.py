"""The folder that ``narraframe themes`` leaves: four files, read back as one record.

themes.parquet  the table THEMES
terms.csv       theme, rank, term, weight
themes.json     one summary a theme: name, keywords, sizes, representative posts
quality.json    figures (null = unknown) and warnings in words
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from narraframe.errors import OutputError, TableError
from narraframe.io.cells import guard
from narraframe.io.files import check_free, replacing
from narraframe.io.tables import read_themes, write_themes
from narraframe.records import Post, Themes, ThemeSummary

_TABLE, _TERMS, _SUMMARIES, _QUALITY = "themes.parquet", "terms.csv", "themes.json", "quality.json"
_FILES = frozenset((_TABLE, _TERMS, _SUMMARIES, _QUALITY))


@dataclass(frozen=True, kw_only=True)
class ThemesFolder:
    """Themes of a corpus; `figures` are nan where unknown."""

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    figures: Mapping[str, float]
    warnings: tuple[str, ...]


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
    strangers = {path.name for path in folder.iterdir()} - _FILES if folder.exists() else set()
    if strangers:
        raise OutputError(
            "holds more than themes, and would be replaced as a whole",
            where=folder,
            got=min(strangers),
            remedy="Choose another -o.",
        )


def write_themes_folder(folder: Path, content: ThemesFolder, *, force: bool) -> None:
    """Write `content` as `folder`, whole or not at all.

    Raises
    ------
    OutputError
        If `folder` exists and `force` is False, holds anything but themes, or cannot be written.
    """
    check_themes_folder(folder, force=force)
    known = {key: None if math.isnan(v) else v for key, v in content.figures.items()}
    quality = {"figures": known, "warnings": list(content.warnings)}
    with replacing(folder, force=force) as temporary:
        temporary.mkdir()
        write_themes(temporary / _TABLE, content.themes)
        (temporary / _TERMS).write_text(_terms_csv(content.summaries), "utf-8")
        summaries = _json([asdict(summary) for summary in content.summaries])
        (temporary / _SUMMARIES).write_text(summaries, "utf-8")
        (temporary / _QUALITY).write_text(_json(quality), "utf-8")


def read_themes_folder(folder: Path, *, posts: Sequence[Post]) -> ThemesFolder:
    """Read `folder`, which must speak of `posts` only.

    Raises
    ------
    TableError
        If a file is missing or damaged, or the themes are those of other posts.
    """
    themes = read_themes(folder / _TABLE)
    strangers = set(themes.post_ids) - {post.post_id for post in posts}
    if strangers:
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
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(
            f"cannot be read: {type(error).__name__} {error}",
            where=folder,
            remedy="Run narraframe themes again.",
        ) from error


def _summary(row: dict[str, Any]) -> ThemeSummary:
    keywords = tuple((term, weight) for term, weight in row["keywords"])
    ids = tuple(row["representative_post_ids"])
    return ThemeSummary(**row | {"keywords": keywords, "representative_post_ids": ids})


def _terms_csv(summaries: Sequence[ThemeSummary]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["theme", "rank", "term", "weight"])
    for summary in summaries:
        for rank, (term, weight) in enumerate(summary.keywords, start=1):
            writer.writerow([summary.theme, rank, guard(term), f"{weight:.6g}"])
    return text.getvalue()


def _json(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
