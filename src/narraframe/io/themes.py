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

from narraframe.errors import TableError
from narraframe.io.cells import guard
from narraframe.io.files import replacing
from narraframe.io.tables import read_themes, write_themes
from narraframe.records import Post, Themes, ThemeSummary


@dataclass(frozen=True, kw_only=True)
class ThemesFolder:
    """Themes of a corpus; `figures` are nan where unknown."""

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    figures: Mapping[str, float]
    warnings: tuple[str, ...]


def write_themes_folder(folder: Path, content: ThemesFolder, *, force: bool) -> None:
    """Write `content` as `folder`, whole or not at all.

    Raises
    ------
    OutputError
        If `folder` exists and `force` is False, or cannot be written.
    """
    known = {key: None if math.isnan(v) else v for key, v in content.figures.items()}
    quality = {"figures": known, "warnings": list(content.warnings)}
    with replacing(folder, force=force) as temporary:
        temporary.mkdir()
        write_themes(temporary / "themes.parquet", content.themes, force=False)
        (temporary / "terms.csv").write_text(_terms_csv(content.summaries), "utf-8")
        (temporary / "themes.json").write_text(
            _json([asdict(s) for s in content.summaries]), "utf-8"
        )
        (temporary / "quality.json").write_text(_json(quality), "utf-8")


def read_themes_folder(folder: Path, *, posts: Sequence[Post]) -> ThemesFolder:
    """Read `folder`, which must speak of `posts` only.

    Raises
    ------
    TableError
        If a file is missing or damaged, or the themes are those of other posts.
    """
    themes = read_themes(folder / "themes.parquet")
    strangers = set(themes.post_ids) - {post.post_id for post in posts}
    if strangers:
        raise TableError(
            f"{len(strangers)} posts of these themes are not among the posts",
            where=folder,
            got=min(strangers),
            remedy="Run narraframe themes again on these posts.",
        )
    try:
        rows = json.loads((folder / "themes.json").read_text("utf-8"))
        quality = json.loads((folder / "quality.json").read_text("utf-8"))
        return ThemesFolder(
            themes=themes,
            summaries=tuple(_summary(row) for row in rows),
            figures={k: math.nan if v is None else v for k, v in quality["figures"].items()},
            warnings=tuple(quality["warnings"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"cannot be read: {error!r}", where=folder, remedy="Run narraframe themes again."
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
