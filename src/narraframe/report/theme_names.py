"""What a theme is called: the number that it keeps over refits, and its name."""

from __future__ import annotations

from narraframe.records import ThemeSummary


def tag(theme: int) -> str:
    """Write the stable number of a theme: "T12"."""
    return f"T{theme}"


def own_name(summary: ThemeSummary) -> str:
    """Return the name of a theme, "" where it says no more than the number."""
    return "" if summary.name.casefold() == f"theme {summary.theme}" else summary.name


def title(summary: ThemeSummary) -> str:
    """Write number and name of a theme: "T12 Ports"."""
    return f"{tag(summary.theme)} {own_name(summary)}".rstrip()
