from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.report.name_places import Box, coverage, densest, place_names

ROOM = (1520.0, 1050.0)


def cloud(seed, n, spread):
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(0, ROOM) + rng.normal(scale=spread, size=(n, 2)), 0, ROOM)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([0.0, 5.0, 80.0]))
def test_names_never_overlap_and_never_leave_the_map(seed, n, spread):
    points = {k: cloud(seed + k, 20, spread) for k in range(n)}
    sizes = {k: (150.0 + k, 30.0) for k in points}
    marks = np.concatenate(list(points.values()))
    placed = place_names(sizes, points, marks, room=ROOM, radius=3)
    assert 0 in placed
    for box in placed.values():
        assert box.width / 2 - 1e-9 <= box.x <= ROOM[0] - box.width / 2 + 1e-9
        assert box.height / 2 - 1e-9 <= box.y <= ROOM[1] - box.height / 2 + 1e-9
    for a, b in combinations(placed.values(), 2):
        assert not a.overlaps(b)
    assert sum(box.width * box.height for box in placed.values()) <= 0.2 * ROOM[0] * ROOM[1]


def test_a_small_cluster_is_named_beside_it_and_not_over_it():
    points = {4: np.array([[700.0, 500.0], [702, 501], [699, 502]])}
    box = place_names({4: (160, 30)}, points, points[4], room=ROOM, radius=3)[4]
    assert abs(box.y - 501) > 15 + 3
    assert abs(box.y - 501) < 60
    assert abs(box.x - 700) < 2


def test_a_wide_cluster_is_named_within():
    points = {4: np.random.default_rng(0).normal([700, 500], 150, size=(20_000, 2))}
    box = place_names({4: (160, 30)}, points, points[4], room=ROOM, radius=3)[4]
    assert (box.x, box.y) == densest(points[4])


def test_the_theme_that_comes_first_has_the_better_place():
    same = np.array([[700.0, 500.0]])
    points = dict.fromkeys(range(40), same)
    placed = place_names(dict.fromkeys(points, (160, 30)), points, same, room=ROOM, radius=3)
    distance = [np.hypot(box.x - 700, box.y - 500) for box in placed.values()]
    assert list(placed) == sorted(placed)
    assert 1 < len(placed) < 40
    assert distance[0] == min(distance)


def test_the_densest_place_is_that_of_most_points_not_the_middle():
    points = np.concatenate([np.full((10, 2), 1000.0), np.full((6, 2), 10.0), [[500.0, 500.0]]])
    assert densest(points) == (1000.0, 1000.0)
    assert densest(np.array([[3.0, 4.0]])) == (3.0, 4.0)


@given(st.integers(0, 1000))
def test_covered_cells_equal_a_slow_count(seed):
    rng = np.random.default_rng(seed)
    marks = rng.uniform(0, 100, size=(30, 2))
    left, right = sorted((rng.integers(0, 25, size=2) * 4).tolist())
    low, high = sorted((rng.integers(0, 25, size=2) * 4).tolist())
    box = Box((left + right) / 2, (low + high) / 2, right - left, high - low)
    cells = {(int(x // 4), int(y // 4)) for x, y in marks}
    slow = sum(left <= 4 * i < right and low <= 4 * j < high for i, j in cells)
    assert coverage(marks, (100, 100), 0)(box) == slow


@pytest.mark.parametrize("size", [(2000.0, 30.0), (160.0, 1000.0)])
def test_a_name_that_would_fill_the_map_is_left_out(size):
    points = {4: np.array([[700.0, 500.0]])}
    assert place_names({4: size}, points, points[4], room=(400, 300), radius=3) == {}
