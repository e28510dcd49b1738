"""The posts of a page as columns that `pack` makes small."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Scores, Themes
from narraframe.report.languages import language, with_language_names
from narraframe.report.pack import Column
from narraframe.report.tables import Corpus, decided, rows_of

# Steps of the map's coordinates: finer than the pixels of any screen, far shorter than floats.
MAP_STEPS = 10_000
NOWHERE = -1
NOISE, NO_ROW = -1, -2
NO_TIME = -(2**31)
NO_PERCENT = 127

Ints = NDArray[np.int64]


def post_columns(
    known: Corpus, *, themes: Themes | None, theme_ids: Sequence[int], scores: Scores | None
) -> dict[str, Column]:
    """Return what the page says of each post, but for id, address and text.

    `theme` points into `theme_ids`, -1 = noise, -2 = no row in the themes; `x` and `y` are 0 to
    MAP_STEPS, -1 = not on the map; `time` is in minutes since 1970, NO_TIME = none. Of repeated
    texts there is a column ``NAME.values`` and one that points into it, -1 = none. Labels are rows
    of posts, one label after the other: ``label.count`` says how many each has, ``label.step`` the
    row less the row before it, ``label.percent`` the probability, NO_PERCENT = not given.
    """
    columns: dict[str, Column] = {
        "time": np.array([_minutes(post.created_at) for post in known.posts], dtype=np.int64),
        "month": known.month,
        "channel": known.channel,
        "copies": _copies(known),
    }
    columns |= _repeated("forwarded", [post.forwarded_from for post in known.posts])
    columns |= _repeated("lang", [language(post.lang) for post in known.posts])
    columns |= _places(known, themes, theme_ids)
    return columns | (_scored(known, scores) if scores is not None else {})


def safe_url(url: str | None) -> str | None:
    """Return an address that a browser may be sent to, else None."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _copies(known: Corpus) -> Ints:
    alone = known.group < 0
    sizes = np.bincount(known.group[~alone], minlength=1)
    return np.asarray(np.where(alone, 1, sizes[np.where(alone, 0, known.group)]), dtype=np.int64)


def _places(known: Corpus, themes: Themes | None, theme_ids: Sequence[int]) -> dict[str, Column]:
    n = len(known.posts)
    if themes is None or not len(themes.post_ids):
        nowhere = np.full(n, NOWHERE)
        return {"theme": np.full(n, NO_ROW), "x": nowhere, "y": nowhere}
    rows = rows_of(known.posts, themes.post_ids)
    place = {theme: i for i, theme in enumerate(theme_ids)}
    number = np.array([place.get(theme, NOISE) for theme in themes.theme.tolist()], dtype=np.int64)
    xy = _steps(np.where((rows >= 0)[:, None], themes.xy[rows], np.nan))
    return {"theme": np.where(rows >= 0, number[rows], NO_ROW), "x": xy[:, 0], "y": xy[:, 1]}


def _steps(xy: NDArray[np.float32]) -> Ints:
    """Scale (n, 2) coordinates to 0..MAP_STEPS, both axes alike; NOWHERE where not finite."""
    places = xy.astype(np.float64)
    there = np.isfinite(places).all(axis=1)
    steps = np.full(places.shape, NOWHERE, dtype=np.int64)
    if there.any():
        low, high = places[there].min(axis=0), places[there].max(axis=0)
        step = max(float((high - low).max()), 1e-12) / MAP_STEPS
        steps[there] = np.round((places[there] - low) / step).astype(np.int64)
    return steps


def _scored(known: Corpus, scores: Scores) -> dict[str, Column]:
    carries, scored = decided(known, scores)
    rows = rows_of(known.posts, scores.post_ids)
    reasons = [with_language_names(scores.reasons[r]) if r >= 0 else None for r in rows]
    steps, percents = [], []
    for j in range(len(scores.label_ids)):
        posts = np.flatnonzero(carries[:, j])
        probability = scores.probability[rows[posts], j].astype(np.float64)
        percent = np.nan_to_num(np.round(100 * probability), nan=NO_PERCENT)
        steps.append(np.diff(posts, prepend=0))
        percents.append(percent.astype(np.int64))
    return {
        "scored": scored.astype(np.int64),
        "label.count": carries.sum(axis=0).astype(np.int64),
        "label.step": _joined(steps),
        "label.percent": _joined(percents),
        **_repeated("reason", reasons),
    }


def _joined(parts: Sequence[Any]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _repeated(name: str, column: Sequence[str | None]) -> dict[str, Column]:
    values: dict[str, int] = {}
    index = [values.setdefault(value, len(values)) if value else -1 for value in column]
    return {f"{name}.values": list(values), name: np.array(index, dtype=np.int64)}


def _minutes(moment: datetime | None) -> int:
    if moment is None:
        return NO_TIME
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(aware.timestamp() // 60)
