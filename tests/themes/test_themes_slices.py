from __future__ import annotations

import numpy as np
import pytest

from narraframe.errors import TableError
from narraframe.themes.slices import slice_keywords
from narraframe.themes.terms import count_terms, theme_keywords

TEXTS = [
    "grain harvest", "grain harvest", "grain price", "grain price", "ballot count", "ballot fraud",
    "weather",
]  # fmt: skip
THEME = np.array([3, 3, 3, 3, 8, 8, -1], np.int32)
MONTHS = ["2024-01", "2024-01", "2024-02", "2024-02", "2024-02", None, "2024-01"]


def matrix(texts=TEXTS):
    return count_terms(texts, ["en"] * len(texts), min_df=1)


def listed(slices):
    return [[[term for term, _ in k] for k in row] for row in slices.keywords]


def test_posts_are_counted_by_theme_and_slice():
    slices = slice_keywords(matrix(), THEME, MONTHS)
    assert slices.themes == (3, 8)
    assert slices.slices == ("2024-01", "2024-02")
    assert slices.n_posts.tolist() == [[2, 2], [0, 1]]
    assert slices.n_all.tolist() == [3, 3]


def test_keywords_follow_what_the_theme_says_in_each_slice():
    assert listed(slice_keywords(matrix(), THEME, MONTHS)) == [
        [["grain harvest"], ["grain price"]],
        [[], ["ballot count"]],
    ]


def test_one_slice_of_all_is_the_whole():
    counted = matrix()
    slices = slice_keywords(counted, THEME, ["all"] * len(TEXTS))
    assert tuple(row[0] for row in slices.keywords) == theme_keywords(counted, THEME, n_keywords=5)


def test_slices_sum_to_the_whole():
    rng = np.random.default_rng(0)
    theme = rng.integers(-1, 5, 200).astype(np.int32)
    channels = rng.choice(list("abcd"), 200).tolist()
    slices = slice_keywords(matrix(["grain"] * 200), theme, channels)
    assert slices.n_posts.sum(axis=1).tolist() == np.bincount(theme[theme >= 0]).tolist()
    assert slices.n_all.tolist() == [channels.count(c) for c in "abcd"]


def test_posts_with_one_text_count_each_but_speak_once():
    row = np.array([0, 0, 0, 1, 2], np.intp)
    slices = slice_keywords(
        matrix(["spam", "grain, wheat", "grain"]),
        np.zeros(5, np.int32),
        ["a", "a", "b", "a", "a"],
        row_of_post=row,
    )
    assert slices.n_posts.tolist() == [[4, 1]]
    assert listed(slices) == [[["grain"], ["spam"]]]


def test_there_are_no_more_keywords_than_asked_for():
    slices = slice_keywords(matrix(["grain, ballot, clinic"] * 2), THEME[:2], "aa", n_keywords=2)
    assert len(slices.keywords[0][0]) == 2


def test_posts_without_a_theme_or_a_date_give_no_slices():
    slices = slice_keywords(matrix(), np.full(7, -1, np.int32), MONTHS)
    assert (slices.themes, slices.keywords, slices.n_all.tolist()) == ((), (), [3, 3])
    undated = slice_keywords(matrix(), THEME, [None] * 7)
    assert (undated.slices, undated.n_posts.shape) == ((), (2, 0))


def test_columns_of_different_length_are_refused():
    with pytest.raises(TableError, match="slices of themes differ in length"):
        slice_keywords(matrix(), THEME, MONTHS[1:])
