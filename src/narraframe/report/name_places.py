"""Where names stand on a drawn map: near the densest place of each theme, none over another.

The page's script places names in the same way, whenever the reader zooms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# All lengths are in pixels of a map of 1600 by 1200.
_SQUARE = 16.0  # a place is dense by the marks in three by three such squares
_CELL = 4.0  # how finely is known where marks lie
_GAP = 10.0  # between a dense place and a name beside it
_BETWEEN = 4.0  # between two names
_ENOUGH = 20.0  # cells of marks: covering more is not worse
_FAR = 350.0  # so far from its place is as bad as covering so many marks
_SHARE = 0.12  # of the map: more names would be all that is seen
# Steps from the dense place, in widths and heights of the name: on it, beside it, further off.
_STEPS = (
    (0, 0), (0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1),
    (0, -2), (0, 2), (0.5, -2), (-0.5, -2), (0.5, 2), (-0.5, 2),
)  # fmt: skip

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A name's place: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether two boxes touch, or nearly so."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + _BETWEEN
            and abs(self.y - other.y) < (self.height + other.height) / 2 + _BETWEEN
        )


def place_names(
    sizes: Mapping[int, tuple[float, float]],
    points: Mapping[int, Points],
    marks: Points,
    *,
    room: tuple[float, float],
    radius: float,
) -> dict[int, Box]:
    """Place names one after the other; one that finds no free place is left out.

    Parameters
    ----------
    sizes : mapping of int to (width, height)
        Size of each theme's name, the most important theme first.
    points : mapping of int to float64 array of shape (n_k, 2)
        The posts of each theme, in pixels.
    marks : float64 array of shape (n, 2)
        All posts, which names should not cover.
    room : (width, height)
        Size of the map; its corner is (0, 0).
    radius : float
        Of a mark.

    Returns
    -------
    dict of int to Box
        Those that were placed, in the order given.
    """
    covered = coverage(marks, room, radius)
    placed: dict[int, Box] = {}
    area = 0.0
    for theme, (width, height) in sizes.items():
        if area + width * height > _SHARE * room[0] * room[1]:
            break
        near = densest(points[theme])
        free = [
            (min(1.0, covered(box) / _ENOUGH) + _distance(box, near) / _FAR, step, box)
            for step, box in enumerate(_boxes(near, (width, height), room))
            if not any(box.overlaps(other) for other in placed.values())
        ]
        if free:
            placed[theme] = min(free, key=lambda one: one[:2])[2]
            area += width * height
    return placed


def densest(points: Points) -> tuple[float, float]:
    """Return the middle of the points in the three by three squares that hold most of them."""
    low = points.min(axis=0)
    square = np.floor((points - low) / _SQUARE).astype(np.intp)
    counts = np.zeros(square.max(axis=0) + 3, dtype=np.int64)
    np.add.at(counts, tuple((square + 1).T), 1)
    inner = np.lib.stride_tricks.sliding_window_view(counts, (3, 3)).sum(axis=(2, 3))
    best = np.array(np.unravel_index(int(inner.argmax()), inner.shape))
    x, y = points[(np.abs(square - best) <= 1).all(axis=1)].mean(axis=0).tolist()
    return x, y


def _boxes(
    near: tuple[float, float], size: tuple[float, float], room: tuple[float, float]
) -> Sequence[Box]:
    """Return where a name could stand, moved into the room."""
    boxes = []
    for step in _STEPS:
        x, y = (
            min(max(at + by * (length / 2 + _GAP), length / 2), limit - length / 2)
            for at, by, length, limit in zip(near, step, size, room, strict=True)
        )
        boxes.append(Box(x, y, *size))
    return boxes


def _distance(box: Box, near: tuple[float, float]) -> float:
    return float(np.hypot(box.x - near[0], box.y - near[1]))


def coverage(marks: Points, room: tuple[float, float], radius: float) -> Callable[[Box], int]:
    """Return a count of the cells in a box that hold marks, by sums over all cells before each."""
    last = np.ceil(np.array(room) / _CELL).astype(np.intp)
    cell = np.clip(np.floor(marks / _CELL).astype(np.intp), 0, last - 1)
    held = np.zeros(last + 1, dtype=np.int64)
    held[tuple((cell + 1).T)] = 1
    sums = held.cumsum(axis=0).cumsum(axis=1)

    def covered(box: Box) -> int:
        middle, half = np.array([box.x, box.y]), np.array([box.width, box.height]) / 2 + radius
        ends = (np.rint((middle + sign * half) / _CELL).astype(np.intp) for sign in (-1, 1))
        (left, low), (right, high) = (np.clip(end, 0, last) for end in ends)
        return int(sums[right, high] - sums[left, high] - sums[right, low] + sums[left, low])

    return covered
