from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from narraframe.themes.quality import coherence, diversity, theme_warnings
from narraframe.themes.terms import TermMatrix

GOOD = {
    "n_groups": 500,
    "n_themes": 12,
    "outlier_share": 0.1,
    "largest_share": 0.2,
    "stability": 0.8,
    "stability_resampled": 0.7,
}


def held(*rows: str) -> TermMatrix:
    letters = sorted(set("".join(rows)))
    return TermMatrix(
        sp.csr_matrix([[row.count(x) for x in letters] for row in rows]), tuple(letters)
    )


def keywords(*themes: str) -> list[tuple[tuple[str, float], ...]]:
    return [tuple((term, 1.0) for term in theme) for theme in themes]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("ab", "ab", "c", "c"), 1.0),
        (("a", "b", "ab", ""), 0.0),
        (("a", "b", "c", "c"), -1.0),
        (("ab", "ab"), 1.0),
        (("aab", "a", "b", "c"), np.log(0.25 / 0.25) / -np.log(0.25)),
        (("ab", "ab", "a", "c"), np.log(0.5 / 0.375) / -np.log(0.5)),
    ],
)
def test_coherence_of_a_pair_is_its_normalised_mutual_information(rows, expected):
    assert coherence(held(*rows), keywords("ab")) == pytest.approx(expected)


def test_coherence_is_the_mean_over_all_pairs_of_all_themes():
    matrix = held("ab", "ab", "cd", "cd", "e", "f")
    assert coherence(matrix, keywords("ab", "ef")) == pytest.approx(0.0)


def test_coherence_without_a_pair_is_undefined():
    assert np.isnan(coherence(held("a"), keywords("a")))
    assert np.isnan(coherence(held("a"), []))


def test_diversity_is_the_share_of_distinct_keywords():
    assert diversity(keywords("abc", "cde")) == pytest.approx(5 / 6)
    assert np.isnan(diversity([]))


def test_good_themes_come_without_a_warning():
    assert theme_warnings(**GOOD) == ()
    unknown = {"stability": float("nan"), "stability_resampled": float("nan")}
    assert theme_warnings(**GOOD | unknown) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_groups": 5}, "Only 5 distinct posts: below 15 no themes"),
        ({"n_groups": 57}, "first look"),
        ({"n_themes": 0, "outlier_share": 1.0, "stability": 0.1}, "No themes were found"),
        ({"n_themes": 0, "outlier_share": 1.0, "stability_resampled": 0.1}, "too even"),
        ({"largest_share": 0.6}, "One theme holds 60% of the posts"),
        ({"outlier_share": 0.7}, "70% of the posts belong to no theme"),
        ({"stability": 0.2}, "Another seed gives rather different themes (agreement 0.20)"),
        (
            {"stability_resampled": 0.2},
            "Without a fifth of the posts the themes are rather different",
        ),
    ],
)
def test_each_doubt_is_said_in_words_and_alone(change, said):
    (warning,) = theme_warnings(**GOOD | change)
    assert said in warning


def test_all_doubts_are_said_except_those_about_themes_that_there_are_not():
    doubtful = {"n_groups": 60, "largest_share": 0.6, "outlier_share": 0.6, "stability": 0.1}
    assert len(theme_warnings(**GOOD | doubtful | {"stability_resampled": 0.1})) == 5
    nothing = {"n_themes": 0, "largest_share": 0.0, "outlier_share": 1.0, "stability": 0.0}
    assert len(theme_warnings(**GOOD | nothing)) == 1
