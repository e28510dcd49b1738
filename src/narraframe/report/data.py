"""The data that the page's script reads: compact columns as JSON that no post can break out of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Codebook, Scores, Themes, ThemeSummary
from narraframe.report.charts import Chart
from narraframe.report.facets import label_name
from narraframe.report.languages import language, with_language_names
from narraframe.report.shown import inert, month
from narraframe.report.tables import Corpus, decided, rows_of
from narraframe.report.theme_names import tag, title

# Steps of the map's coordinates: finer than the pixels of any screen, far shorter than floats.
MAP_STEPS = 10_000
NOISE, NO_ROW = -1, -2

_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def blob(value: object) -> str:
    """Return `value` as JSON that is safe inside a script element.

    Texts are made inert, numbers that JSON lacks become null, and the characters that could end
    the element, or a JavaScript line, are written as escapes.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def page_data(
    known: Corpus,
    *,
    themes: Themes | None,
    summaries: Sequence[ThemeSummary],
    scores: Scores | None,
    codebook: Codebook | None,
    charts: Mapping[str, Chart],
) -> dict[str, Any]:
    """Return everything the script needs: posts as columns, what they point into, and charts.

    Indices are -1 where a post has no date or language; `theme` is -1 for noise and -2 for a post
    that has no row in the themes; `x` and `y` are null for a post that is not on the map.
    """
    theme_ids = [summary.theme for summary in summaries]
    return {
        "themes": [{"tag": tag(one.theme), "title": title(one)} for one in summaries],
        "channels": list(known.channels),
        "months": [month(key) for key in known.months],
        "posts": _posts(known) | _places(known, themes, theme_ids) | _reasons(known, scores),
        "labels": _labels(known, scores, codebook),
        "charts": dict(charts),
    }


def _posts(known: Corpus) -> dict[str, Any]:
    alone = known.group < 0
    sizes = np.bincount(known.group[~alone], minlength=1)
    copies = np.where(alone, 1, sizes[np.where(alone, 0, known.group)])
    return {
        "id": [post.post_id for post in known.posts],
        "text": [post.text for post in known.posts],
        "time": [_seconds(post.created_at) for post in known.posts],
        "month": known.month,
        "channel": known.channel,
        "copies": copies,
        "forwarded_from": _sparse([post.forwarded_from for post in known.posts]),
        "lang": _sparse([language(post.lang) for post in known.posts]),
        "url": _sparse([_safe_url(post.url) for post in known.posts]),
    }


def _places(known: Corpus, themes: Themes | None, theme_ids: Sequence[int]) -> dict[str, Any]:
    n = len(known.posts)
    if themes is None or not len(themes.post_ids):
        return {"theme": [NO_ROW] * n, "x": [None] * n, "y": [None] * n}
    rows = rows_of(known.posts, themes.post_ids)
    place = {theme: i for i, theme in enumerate(theme_ids)}
    theme = [place.get(int(themes.theme[r]), NOISE) if r >= 0 else NO_ROW for r in rows]
    xy = _steps(np.where((rows >= 0)[:, None], themes.xy[rows], np.nan))
    return {"theme": theme, "x": _or_null(xy[:, 0]), "y": _or_null(xy[:, 1])}


def _reasons(known: Corpus, scores: Scores | None) -> dict[str, Any]:
    if scores is None:
        return {}
    _, scored = decided(known, scores)
    rows = rows_of(known.posts, scores.post_ids)
    reasons = [with_language_names(scores.reasons[r]) if r >= 0 else None for r in rows]
    return {"scored": scored.astype(int), "reason": _sparse(reasons)}


def _labels(
    known: Corpus, scores: Scores | None, codebook: Codebook | None
) -> list[dict[str, Any]]:
    """Return every decided label with the posts that carry it and their probability in per cent."""
    if scores is None:
        return []
    carries, _ = decided(known, scores)
    rows = rows_of(known.posts, scores.post_ids)
    labels = []
    for j, label_id in enumerate(scores.label_ids):
        posts = np.flatnonzero(carries[:, j])
        probability = scores.probability[rows[posts], j].tolist()
        label = codebook.by_id.get(label_id) if codebook else None
        labels.append(
            {
                "name": label_name(codebook, label_id),
                "facet": _facet_name(codebook, label.facet_id if label else ""),
                "posts": posts,
                "percent": [None if math.isnan(p) else round(100 * p) for p in probability],
            }
        )
    return labels


def _facet_name(codebook: Codebook | None, facet_id: str) -> str:
    facets = codebook.facets if codebook else ()
    return next((facet.name for facet in facets if facet.facet_id == facet_id), "Labels")


def _steps(xy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scale (n, 2) coordinates to 0..MAP_STEPS, both axes alike; what is not finite becomes nan."""
    places = xy.astype(np.float64)
    places[~np.isfinite(places).all(axis=1)] = np.nan
    if np.isnan(places).all():
        return places
    low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
    step = max(float((high - low).max()), 1e-12) / MAP_STEPS
    return np.asarray(np.round((places - low) / step), dtype=np.float64)


def _or_null(column: NDArray[np.float64]) -> list[int | None]:
    return [None if math.isnan(value) else int(value) for value in column.tolist()]


def _sparse(column: Sequence[str | None]) -> dict[str, Any]:
    """Return a column of repeated texts as its distinct values and an index, -1 = none."""
    values: dict[str, int] = {}
    index = [values.setdefault(v, len(values)) if v else -1 for v in column]
    return {"values": list(values), "index": index}


def _safe_url(url: str | None) -> str | None:
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _seconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return int((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp())


def _plain(value: object) -> object:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
