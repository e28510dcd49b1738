"""How far a theme can be built on, in words.

Hennig (2007), Computational Statistics & Data Analysis 52: a cluster whose mean Jaccard similarity
with its likeness in reruns is 0.75 or more is stable, one of 0.5 or less is dissolved.
"""

from __future__ import annotations

import math

from narraframe.report.shown import share

STABLE, DISSOLVED = 0.75, 0.5


def verdict(stability: float) -> tuple[str, str]:
    """Return what a stability comes to, in two words, and what that means; "" for nan."""
    if math.isnan(stability):
        return "", ""
    if stability < DISSOLVED:
        return "not stable", "most of it was not found again"
    if stability < STABLE:
        return "partly stable", "it was found again, but which posts belong to it is doubtful"
    return "stable", "most of it was found again"


def warning(stability: float) -> str:
    """Return what to beware of, "" where there is nothing."""
    if not stability < DISSOLVED:
        return ""
    return (
        f"Do not build on this theme: {share(stability)} of it was found again when the themes "
        "were computed anew."
    )
