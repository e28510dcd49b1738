from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.stability import agreement, mean_agreement, recovery


def themes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=40))
def test_agreement_is_the_adjusted_rand_index_with_noise_as_a_class(pairs):
    a, b = np.array(pairs, np.int32).T
    if max(a.max(), b.max()) < 0:
        assert np.isnan(agreement(a, b))
    else:
        assert agreement(a, b) == pytest.approx(adjusted_rand_score(a, b))


def test_the_names_of_the_themes_do_not_matter():
    assert agreement(themes(0, 0, 1, 1, -1), themes(7, 7, 3, 3, -1)) == 1.0


def test_agreement_holds_for_as_many_posts_as_there_may_be():
    half = np.repeat([0, 1], 500_000).astype(np.int32)
    assert agreement(half, half) == 1.0
    assert agreement(half, np.tile(themes(0, 1), 500_000)) == pytest.approx(0, abs=1e-5)


def test_agreement_without_posts_or_without_themes_is_undefined():
    assert np.isnan(agreement(themes(), themes()))
    assert np.isnan(agreement(themes(-1, -1), themes(-1, -1)))


def test_themes_that_all_vanish_do_not_agree():
    assert agreement(themes(0, 0, 1, 1), themes(-1, -1, -1, -1)) == 0.0


def test_the_mean_agreement_is_over_all_pairs():
    runs = [themes(0, 0, 1, 1, -1, -1), themes(1, 1, 0, 0, -1, -1), themes(0, 1, 0, 1, 0, 1)]
    pairs = [agreement(runs[0], runs[1]), agreement(runs[0], runs[2]), agreement(runs[1], runs[2])]
    assert mean_agreement(runs) == pytest.approx(sum(pairs) / 3)
    assert mean_agreement(runs[:2]) == 1.0


@pytest.mark.parametrize("n_runs", [0, 1])
def test_the_mean_agreement_of_fewer_than_two_runs_is_undefined(n_runs):
    assert np.isnan(mean_agreement([themes(0, 1)] * n_runs))


@pytest.mark.parametrize(
    ("theme", "again", "n_themes", "expected"),
    [
        (themes(0, 0, 1, 1), themes(1, 1, 0, 0), 2, [1.0, 1.0]),
        (themes(0, 0, 0, 0, 1), themes(0, 0, 0, 1, 1), 2, [3 / 4, 1 / 2]),
        (themes(0, 0, 0, 0), themes(0, 0, 1, 1), 1, [1 / 2]),
        (themes(0, 0, 1, 1), themes(0, 0, 0, 0), 2, [1 / 2, 1 / 2]),
        (themes(0, 0, -1, -1), themes(0, 0, 0, -1), 1, [2 / 3]),
        (themes(0, 0, 0, -1), themes(0, -1, -1, -1), 1, [1 / 3]),
        (themes(0, 0), themes(-1, -1), 1, [0.0]),
        (themes(0, 0, 0, 0, 1), themes(0, -1, -1, -1, 1), 2, [1 / 4, 1.0]),
        (themes(0, -1, -1, -1, 1), themes(0, 0, 0, 0, 1), 2, [1 / 4, 1.0]),
        (themes(-1, -1), themes(0, 0), 0, []),
        (themes(0, 2), themes(0, 1), 4, [1.0, 0.0, 1.0, 0.0]),
    ],
)
def test_a_theme_comes_back_as_far_as_it_overlaps_with_one_theme(theme, again, n_themes, expected):
    assert recovery(theme, again, n_themes=n_themes).tolist() == pytest.approx(expected)
