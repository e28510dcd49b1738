from __future__ import annotations

import numpy as np
import pytest

from narraframe.errors import ConfigError, TableError
from narraframe.themes.hierarchy import (
    Merge,
    ThemeTree,
    groups_at,
    n_top_groups,
    outline,
    theme_tree,
)
from narraframe.themes.terms import count_terms, theme_terms


def at(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)])


def chain(*heights: float) -> ThemeTree:
    """A tree in which each theme joins those before it."""
    t = len(heights) + 1
    merges = [Merge(0 if k == 0 else t + k - 1, k + 1, h, k + 2) for k, h in enumerate(heights)]
    return ThemeTree(tuple(range(t)), (1,) * t, tuple(merges))


TREE = theme_tree([4, 7, 9, 2], at(0, 10, 90, 105), [5, 1, 10, 30])


def test_the_nearest_themes_are_joined_first():
    assert [(m.a, m.b, m.n_posts) for m in TREE.merges] == [(0, 1, 6), (2, 3, 40), (4, 5, 46)]
    assert TREE.merges[0].height == pytest.approx(2 * np.sin(np.radians(5)), abs=1e-6)
    heights = [m.height for m in TREE.merges]
    assert heights == sorted(heights)


def test_the_length_of_a_centroid_does_not_count():
    longer = theme_tree([4, 7, 9, 2], at(0, 10, 90, 105) * [[1], [5], [0.1], [2]], [5, 1, 10, 30])
    assert longer == TREE


def test_groups_are_numbered_by_their_posts():
    assert groups_at(TREE, 1).tolist() == [0, 0, 0, 0]
    assert groups_at(TREE, 2).tolist() == [1, 1, 0, 0]
    assert groups_at(TREE, 4).tolist() == [2, 3, 1, 0]


def test_groups_of_more_levels_lie_within_those_of_fewer():
    vectors = np.random.default_rng(0).normal(size=(30, 8))
    tree = theme_tree(range(30), vectors, [1] * 30)
    for n in range(1, 30):
        coarse, fine = groups_at(tree, n), groups_at(tree, n + 1)
        assert len(set(zip(coarse.tolist(), fine.tolist(), strict=True))) == n + 1


@pytest.mark.parametrize("n_groups", [0, 5])
def test_a_cut_that_the_tree_has_not_is_refused(n_groups):
    with pytest.raises(ConfigError, match="4 themes cannot be put into so many groups"):
        groups_at(TREE, n_groups)


@pytest.mark.parametrize(
    ("heights", "n"),
    [
        ([1, 1, 1, 1, 1, 1, 5, 5], 3),
        ([1, 1, 1, 1, 1, 5, 5, 5], 4),
        ([1, 1, 1, 1, 1, 1, 1, 5], 2),
        ([1] * 8, 2),
        ([0.0] * 8, 2),
        ([1, 5], 3),
        ([], 1),
    ],
)
def test_the_clearest_gap_gives_the_number_of_groups(heights, n):
    assert n_top_groups(chain(*heights)) == n


def test_there_is_no_clear_gap_beyond_the_window_around_the_root():
    assert 2 <= n_top_groups(chain(*[1] * 2, *[9] * 13)) <= 6


TEXTS = ["grain price", "grain tax", "ballot fraud", "ballot count", "grain price", "goal"] * 2
OF_TEXT = np.array([4, 7, 9, 2, 4, 2] * 2, np.int32)


def lines(**options):
    terms = theme_terms(count_terms(TEXTS, ["en"] * len(TEXTS), min_df=1), OF_TEXT)
    return outline(TREE, terms, **options)


def test_an_outline_has_groups_with_their_themes_below_largest_first():
    found = [(branch.depth, branch.themes, branch.n_posts) for branch in lines(levels=[2])]
    assert found == [
        (0, (2, 9), 40), (1, (2,), 30), (1, (9,), 10), (0, (4, 7), 6), (1, (4,), 5), (1, (7,), 1),
    ]  # fmt: skip


def test_a_group_of_one_theme_is_that_theme_and_a_level_that_divides_nothing_no_line():
    found = [(branch.depth, branch.themes) for branch in lines(levels=[1, 3])]
    assert found == [(0, (2,)), (0, (9,)), (0, (4, 7)), (1, (4,)), (1, (7,))]


def test_a_group_is_named_from_the_summed_counts_of_its_themes():
    names = {branch.themes: branch.name for branch in lines(levels=[2])}
    assert names[(4, 7)].split(" · ")[0] == "grain price"
    assert names[(7,)] == "grain tax"
    assert "ballot" in names[(2, 9)]


def test_the_order_of_the_themes_does_not_change_the_outline():
    terms = theme_terms(count_terms(TEXTS, ["en"] * len(TEXTS), min_df=1), OF_TEXT)
    other = theme_tree([2, 4, 7, 9], at(105, 0, 10, 90), [30, 5, 1, 10])
    assert outline(other, terms) == outline(TREE, terms)


def test_one_theme_is_an_outline_of_its_own_and_none_an_empty_one():
    counted = count_terms(["grain"], ["en"])
    one = theme_terms(counted, np.array([3], np.int32))
    (branch,) = outline(theme_tree([3], at(0), [1]), one)
    assert (branch.depth, branch.name, branch.themes) == (0, "grain", (3,))
    none = theme_terms(counted, np.array([-1], np.int32))
    assert outline(theme_tree([], np.empty((0, 2)), []), none) == ()


def test_terms_of_other_themes_are_refused():
    terms = theme_terms(count_terms(TEXTS, ["en"] * len(TEXTS)), OF_TEXT + 1)
    with pytest.raises(TableError, match="not of the same themes"):
        outline(TREE, terms)


def test_columns_of_different_length_are_refused():
    with pytest.raises(TableError, match="tree of themes differ in length"):
        theme_tree([1, 2], at(0), [1, 1])
