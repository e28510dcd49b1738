"""Themes beside labels, as rows to read: what a theme carries, and where a label lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Codebook, ThemesAgainstLabels
from narraframe.report.shown import figure, share
from narraframe.report.theme_names import tag

SHOWN = 20
_NAMED = 3
_LEAST = 0.05


@dataclass(frozen=True)
class ThemeLabels:
    """A theme and the labels that its posts carry most often; `few` = too few posts to tell."""

    tag: str
    name: str
    posts: int
    labels: tuple[tuple[str, str], ...]
    few: bool


@dataclass(frozen=True)
class LabelThemes:
    """A label and the themes that hold most of its posts; `spread` as written."""

    name: str
    inside: int
    outside: int
    themes: tuple[tuple[str, str], ...]
    spread: str
    few: bool


def theme_rows(found: ThemesAgainstLabels | None) -> tuple[ThemeLabels, ...]:
    """Return the largest themes."""
    if found is None or not found.label_ids:
        return ()
    posts = found.decided.max(axis=1)
    return tuple(
        ThemeLabels(
            tag=tag(found.themes[i]),
            name=found.theme_names[i],
            posts=int(posts[i]),
            labels=_most(found.label_names, found.share_of_theme[i]),
            few=bool(found.small_theme[i]),
        )
        for i in np.argsort(-posts, kind="stable")[:SHOWN].tolist()
    )


def label_rows(found: ThemesAgainstLabels | None) -> tuple[LabelThemes, ...]:
    """Return the labels with most posts, those without any left out."""
    if found is None:
        return ()
    inside = found.n.sum(axis=0)
    order = np.argsort(-(inside + found.outside), kind="stable")[:SHOWN].tolist()
    return tuple(
        LabelThemes(
            name=found.label_names[j],
            inside=int(inside[j]),
            outside=int(found.outside[j]),
            themes=_most([tag(theme) for theme in found.themes], found.share_of_label[:, j]),
            spread=figure(found.spread[j]),
            few=bool(found.small_label[j]),
        )
        for j in order
        if inside[j] + found.outside[j]
    )


def facet_name(found: ThemesAgainstLabels | None, codebook: Codebook | None) -> str:
    """Return the name of the facet whose labels these are, "" if it is not known."""
    if codebook is None or found is None or not found.label_ids:
        return ""
    label = codebook.by_id.get(found.label_ids[0])
    return next((f.name for f in codebook.facets if label and f.facet_id == label.facet_id), "")


def _most(names: Iterable[str], shares: NDArray[np.float64]) -> tuple[tuple[str, str], ...]:
    """Return the greatest shares with their names, small ones left out."""
    ranked = sorted(
        zip(names, shares.tolist(), strict=True), key=lambda one: -np.nan_to_num(one[1])
    )
    return tuple((name, share(value)) for name, value in ranked[:_NAMED] if value >= _LEAST)
