from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from narraframe.themes.quality import coherence, diversity, stability, theme_warnings
from narraframe.themes.terms import TermMatrix

GOOD = {
    "n_groups": 500,
    "n_themes": 12,
    "outlier_share": 0.1,
    "largest_share": 0.2,
    "relative_validity": 0.5,
    "stability": 0.8,
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


def test_stability_is_the_mean_agreement_of_all_pairs():
    one, other = np.array([0, 0, 1, 1, -1, -1]), np.array([1, 1, 0, 0, -1, -1])
    assert stability([one, other]) == 1.0
    assert stability([one, other, np.array([0, 1, 0, 1, 0, 1])]) < 0.5


def test_stability_of_one_run_or_of_runs_without_themes_is_undefined():
    assert np.isnan(stability([np.array([0, 1])]))
    assert np.isnan(stability([np.array([-1, -1]), np.array([-1, -1])]))


def test_good_themes_come_without_a_warning():
    assert theme_warnings(**GOOD) == ()
    assert theme_warnings(**GOOD | {"stability": float("nan")}) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_groups": 5}, "Only 5 distinct posts: below 15 no themes"),
        ({"n_groups": 57}, "first look"),
        ({"n_themes": 0, "outlier_share": 1.0, "stability": 0.1}, "No themes were found"),
        ({"largest_share": 0.6}, "One theme holds 60% of the posts"),
        ({"outlier_share": 0.7}, "70% of the posts belong to no theme"),
        ({"relative_validity": 0.1}, "relative validity 0.10"),
        ({"stability": 0.2}, "agreement 0.20"),
    ],
)
def test_each_doubt_is_said_in_words_and_alone(change, said):
    (warning,) = theme_warnings(**GOOD | change)
    assert said in warning
