"""Strata of channel and month, none smaller than the rate of sampling allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Cell = tuple[str, str]
"""A channel and a month such as "2024-05"; "" where unknown."""


def collapse(cells: Sequence[Cell], size: Sequence[int], *, least: float) -> list[NDArray[np.intp]]:
    """Join cells into strata of at least `least` posts.

    Neighbouring months of a channel are joined first. Channels that are too small as a whole are
    then taken together, month by month; what is left of them joins the smallest stratum.

    Parameters
    ----------
    cells : sequence of Cell, sorted
    size : sequence of int
        Posts of each cell.
    least : float
        Where all cells together are smaller, they are one stratum.

    Returns
    -------
    Positions of the cells of each stratum; every cell is in one of them.
    """
    by_channel: dict[str, list[int]] = {}
    for i, (channel, _) in enumerate(cells):
        by_channel.setdefault(channel, []).append(i)
    strata: list[list[int]] = []
    small: list[int] = []
    for members in by_channel.values():
        runs, rest = _runs([[i] for i in members], size, least)
        strata += runs
        small += rest
    by_month: dict[str, list[int]] = {}
    for i in small:
        by_month.setdefault(cells[i][1], []).append(i)
    runs, rest = _runs([by_month[month] for month in sorted(by_month)], size, least)
    strata += runs
    if rest and strata:
        min(strata, key=lambda members: sum(size[i] for i in members)).extend(rest)
    elif rest:
        strata.append(rest)
    return [np.array(sorted(members), dtype=np.intp) for members in strata]


def _runs(
    parts: Sequence[list[int]], size: Sequence[int], least: float
) -> tuple[list[list[int]], list[int]]:
    """Join neighbours until each run is large enough; return what is too small as a whole."""
    runs: list[list[int]] = []
    current: list[int] = []
    for part in parts:
        current = [*current, *part]
        if sum(size[i] for i in current) >= least:
            runs.append(current)
            current = []
    if runs:
        runs[-1] += current
        current = []
    return runs, current


def stratum_names(strata: Sequence[Sequence[Cell]]) -> tuple[str, ...]:
    """Return a name for each stratum; of equal names the later are numbered."""
    names = [_name(cells) for cells in strata]
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)


def _name(cells: Sequence[Cell]) -> str:
    channels = sorted({channel for channel, _ in cells})
    months = sorted({month for _, month in cells})
    shown = [channel or "no channel" for channel in channels]
    who = " + ".join(shown) if len(shown) <= 2 else f"{len(shown)} channels"
    first, last = months[0] or "undated", months[-1] or "undated"
    return f"{who} {first}" if first == last else f"{who} {first}..{last}"
