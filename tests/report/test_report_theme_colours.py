"""Colours of the drawn map: themes that touch can be told apart."""

import numpy as np
import pytest

from narraframe.report.theme_colours import theme_colours
from narraframe.report.theme_map import COLOURS


def cloud(x, y, *, n=30, seed=0):
    return np.random.default_rng(seed).normal(scale=10, size=(n, 2)) + np.array([x, y])


@pytest.mark.parametrize("n", range(2, len(COLOURS) + 1))
def test_no_colour_is_used_twice_without_need(n):
    points = {number: cloud(500 * number, 0, seed=number) for number in range(n)}
    assert len(set(theme_colours(points, COLOURS, reach=80).values())) == n


def test_of_more_themes_than_colours_those_that_touch_differ():
    points = {i: cloud(60 * (i % 6), 60 * (i // 6), seed=i) for i in range(24)}
    found = theme_colours(points, COLOURS, reach=80)
    beside = [(i, j) for i in points for j in (i + 1, i + 6) if j < 24 and (j != i + 1 or j % 6)]
    assert all(found[i] != found[j] for i, j in beside)


def test_a_theme_of_several_places_minds_all_of_its_neighbours():
    spread = np.concatenate([cloud(0, 0), cloud(800, 800)])
    points = {0: cloud(0, 40, seed=1), 1: cloud(800, 840, seed=2), 2: spread}
    two = theme_colours(points, ("#000000", "#ff0000", "#111111"), reach=80)
    assert two[2] not in {two[0], two[1]}


def test_colours_are_the_same_each_time():
    points = {i: cloud(50 * i, 0, n=200, seed=i) for i in range(12)}
    assert theme_colours(points, COLOURS, reach=80) == theme_colours(points, COLOURS, reach=80)
