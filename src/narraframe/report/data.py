"""The data that the page's script reads: compact columns as JSON that no post can break out of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from narraframe.records import Codebook, Scores, Themes, ThemeSummary
from narraframe.report.charts import Chart
from narraframe.report.facets import label_name
from narraframe.report.held_texts import hold_texts
from narraframe.report.pack import Column, pack
from narraframe.report.post_columns import post_columns, safe_url
from narraframe.report.shown import inert, month
from narraframe.report.tables import Corpus
from narraframe.report.theme_names import tag, title

# Base64 writes three bytes as four characters.
_BASE64 = 4 / 3
# The rest is for the ids and addresses of the posts whose text is held.
_FOR_TEXTS = 0.8
# Bytes of packed text that even a crowded page gets.
LEAST_TEXT = 50_000

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
    summaries: Sequence[ThemeSummary],
    scores: Scores | None,
    codebook: Codebook | None,
    charts: Mapping[str, Chart],
) -> dict[str, Any]:
    """Return what the script needs besides the packed posts: what they point into, and charts."""
    return {
        "themes": [{"tag": tag(one.theme), "title": title(one)} for one in summaries],
        "channels": list(known.channels),
        "months": [month(key) for key in known.months],
        "labels": [_label(label_id, codebook) for label_id in scores.label_ids] if scores else [],
        "charts": dict(charts),
    }


def packed_posts(
    known: Corpus,
    *,
    themes: Themes | None,
    summaries: Sequence[ThemeSummary],
    scores: Scores | None,
    first: Sequence[int],
    room: int,
) -> str:
    """Return the posts packed into about `room` bytes of the page, as far as it goes.

    What the map needs of every post is always there. Ids and addresses of all posts are, if they
    leave half of the rest to the texts, else of those whose text is held. Texts take what is left:
    those of the posts `first` (rows), then of others by chance.
    """
    columns = post_columns(
        known, themes=themes, theme_ids=[one.theme for one in summaries], scores=scores
    )
    left = int(room / _BASE64) - _size(columns)
    ids = [post.post_id for post in known.posts]
    urls = [safe_url(post.url) for post in known.posts]
    named = _size({"id": ids, "url": urls})
    every = named <= max(left, 0) / 2
    left = max(left - named, 0) if every else int(left * _FOR_TEXTS)
    held = hold_texts([post.text for post in known.posts], first=first, room=max(left, LEAST_TEXT))
    named_rows = [every or text is not None for text in held.texts]
    names: dict[str, Column] = {
        "id": [one if there else None for one, there in zip(ids, named_rows, strict=True)],
        "url": [one if there else None for one, there in zip(urls, named_rows, strict=True)],
    }
    counts = {"held": np.array([held.n_held, held.n_cut], dtype=np.int64)}
    return pack({**columns, **names, "text": held.texts, **counts})


def _size(columns: Mapping[str, Column]) -> int:
    return int(len(pack(columns)) / _BASE64)


def _label(label_id: str, codebook: Codebook | None) -> dict[str, str]:
    label = codebook.by_id.get(label_id) if codebook else None
    facets = codebook.facets if codebook and label else ()
    named = (facet.name for facet in facets if label and facet.facet_id == label.facet_id)
    return {"name": label_name(codebook, label_id), "facet": next(named, "Labels")}


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
