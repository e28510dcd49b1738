"""The figures of all themes together, as written, each with what it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from narraframe.report.shown import DASH, figure, number, share


@dataclass(frozen=True)
class Figure:
    """A measure, as written, with what it means."""

    name: str
    value: str
    meaning: str


def _short(value: float) -> str:
    """Write a setting as it was given: 0.7, 1."""
    return f"{value:g}"


# key -> (name, written by, explanation), in the order in which they are shown
_KNOWN: dict[str, tuple[str, Callable[[float], str], str]] = {
    "n_posts": ("Posts", number, "All posts with text, from which the themes were made."),
    "n_groups": (
        "Distinct posts",
        number,
        "The same when near-identical copies count once. The figures below are of these.",
    ),
    "n_themes": (
        "Themes found",
        number,
        "By the computer, before anybody merged, split or hid themes.",
    ),
    "granularity": (
        "Granularity",
        _short,
        "The setting that decides how finely the posts are divided: more gives more and smaller "
        "themes.",
    ),
    "outlier_share": (
        "Posts in no theme",
        share,
        "Share of the posts that lie between themes, or far from all of them.",
    ),
    "confidence": (
        "Confidence",
        figure,
        "How surely the posts in themes belong to theirs, on average, from 0 to 1.",
    ),
    "stability": (
        "Stability over random starts",
        figure,
        "How alike the themes are when they are computed again from another random start: "
        "1 = the same posts together each time, 0 = no more than by chance (adjusted Rand index).",
    ),
    "stability_resampled": (
        "Stability over samples",
        figure,
        "The same, when a fifth of the posts is left out as well: whether the themes depend on "
        "single posts.",
    ),
    "npmi": (
        "Coherence of keywords",
        figure,
        "Whether the keywords of a theme stand in the same posts more often than by chance, "
        "from −1 to 1 (normalised pointwise mutual information).",
    ),
    "diversity": (
        "Diversity of keywords",
        figure,
        "Share of distinct words among all keywords: 1 = no keyword serves two themes.",
    ),
    "relative_validity": (
        "Relative validity",
        figure,
        "How dense themes are compared with the space between them, from −1 to 1. It serves to "
        "compare settings of one corpus; by itself, or between corpora, it means nothing.",
    ),
}


def theme_figures(given: Mapping[str, float]) -> tuple[Figure, ...]:
    """Return the figures that were given, known ones first; unknown values are a dash."""
    known = [
        Figure(name, _or_dash(write, given[key]), meaning)
        for key, (name, write, meaning) in _KNOWN.items()
        if key in given
    ]
    strange = [
        Figure(_in_words(key), _or_dash(_count_or_figure(key), value), "")
        for key, value in given.items()
        if key not in _KNOWN
    ]
    return (*known, *strange)


def _or_dash(write: Callable[[float], str], value: float) -> str:
    return write(value) if math.isfinite(value) else DASH


def _in_words(key: str) -> str:
    return ("number of " + key[2:] if key.startswith("n_") else key).replace("_", " ")


def _count_or_figure(key: str) -> Callable[[float], str]:
    def write(value: float) -> str:
        is_count = key.startswith("n_") or abs(value) >= 2
        if is_count and float(value).is_integer():
            return number(value)
        return _short(value) if 0 < abs(value) < 0.005 else figure(value)

    return write
