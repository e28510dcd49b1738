from __future__ import annotations

import numpy as np
import pytest

from narraframe.errors import TableError
from narraframe.themes.reference import reference
from narraframe.themes.search import nearest_themes


def at(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


@pytest.fixture
def kept():
    return reference(at(-2, 2, 58, 62, 178, 182, 90), np.array([7, 7, 3, 3, 5, 5, -1], np.int32))


def test_themes_are_ranked_by_the_similarity_of_their_centroids(kept):
    found = nearest_themes(kept, at(20)[0])
    assert [f.theme for f in found] == [7, 3, 5]
    expected = np.cos(np.radians([20, 40, 160]))
    np.testing.assert_allclose([f.similarity for f in found], expected, atol=1e-3)


def test_the_nearest_post_of_a_theme_is_told(kept):
    found = nearest_themes(kept, at(20)[0])
    expected = np.cos(np.radians([18, 38, 158]))
    np.testing.assert_allclose([f.nearest_post for f in found], expected, atol=1e-3)


def test_of_equally_near_themes_the_smaller_number_comes_first():
    kept = reference(at(0, 90), np.array([9, 2], np.int32))
    assert [f.theme for f in nearest_themes(kept, at(45)[0])] == [2, 9]


def test_a_fit_without_themes_has_none_to_rank():
    assert nearest_themes(reference(at(0, 90), np.full(2, -1, np.int32)), at(45)[0]) == ()


def test_a_vector_of_another_encoder_is_refused(kept):
    with pytest.raises(TableError, match="A vector of width 2 is needed"):
        nearest_themes(kept, np.ones(3, np.float32))
