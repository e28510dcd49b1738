from __future__ import annotations

import numpy as np
import pytest

from narraframe.themes.represent import representatives


def at(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def test_the_post_nearest_to_the_centre_comes_first():
    assert representatives(at(-40, 2, 40), n=1).tolist() == [1]


def test_a_copy_of_the_first_is_passed_over_for_a_post_farther_from_the_centre():
    first, other = [0.8, 0.6, 0.0], [0.78, 0.0, 0.6258]
    vectors = np.array([first, first, other], np.float32)
    assert representatives(vectors, n=2).tolist() == [0, 2]


def test_of_equal_posts_the_first_is_taken():
    assert representatives(at(5, 5, 5), n=2).tolist() == [0, 1]


@pytest.mark.parametrize(("m", "n", "expected"), [(1, 5, 1), (3, 5, 3), (80, 5, 5), (80, 70, 70)])
def test_as_many_as_asked_are_chosen_and_none_twice(m, n, expected):
    vectors = at(*np.linspace(-60, 60, m))
    chosen = representatives(vectors, n=n)
    assert len(set(chosen.tolist())) == len(chosen) == expected


def test_posts_at_the_fringe_are_no_representatives_of_a_large_theme():
    vectors = at(*np.linspace(-5, 5, 60), 120)
    assert 60 not in representatives(vectors, n=5)
