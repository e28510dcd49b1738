from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from state_cases import (
    CHANNEL,
    IDS,
    MONTH,
    ROW_OF_POST,
    TEXTS,
    THEME_OF_DISTINCT,
    make_state,
)

from narraframe.themes.state import ThemesState
from narraframe.themes.terms import count_terms, theme_keywords
from narraframe.themes.view import View, view


@dataclass(frozen=True)
class Did:
    """A line of the curation log."""

    action: str
    themes: tuple[int, ...]
    into: tuple[int, ...] = ()
    name: str = ""


SPLIT = Did("split", (2,), (11, 12))


@pytest.fixture(scope="module")
def state() -> ThemesState:
    return make_state()


@pytest.fixture
def look(state) -> partial[View]:
    return partial(view, state)


def summaries(seen: View) -> dict:
    return {summary.theme: summary for summary in seen.summaries}


def posts_of(seen: View, theme: int) -> list[str]:
    return [p for p, t in zip(seen.themes.post_ids, seen.themes.theme, strict=True) if t == theme]


def expected_keywords(theme: np.ndarray, number: int) -> list[tuple[str, float]]:
    """Count all texts anew, with the themes as they are to be shown."""
    _, provisional = np.unique(theme, return_inverse=True)
    counted = count_terms(TEXTS, ["en"] * len(TEXTS), min_df=1)
    labels = np.where(theme < 0, -1, provisional - int((theme < 0).any())).astype(np.int32)
    listed = theme_keywords(counted, labels, n_keywords=10)
    return list(listed[sorted(set(theme[theme >= 0].tolist())).index(number)])


def assert_same_keywords(found, expected) -> None:
    assert [term for term, _ in found] == [term for term, _ in expected]
    np.testing.assert_allclose([w for _, w in found], [w for _, w in expected], rtol=1e-6)


# --- without a log


def test_without_a_log_the_themes_of_the_machine_are_shown(look, state):
    seen = look()
    assert seen.themes.post_ids == IDS
    np.testing.assert_array_equal(seen.themes.theme, state.theme)
    np.testing.assert_array_equal(seen.themes.membership, state.membership)
    np.testing.assert_array_equal(seen.themes.xy, state.xy)


def test_the_largest_theme_comes_first_and_of_equals_that_with_the_smaller_number(look):
    assert [(s.theme, s.n_posts, s.n_groups) for s in look().summaries] == [
        (2, 5, 4),
        (7, 3, 2),
        (5, 2, 2),
    ]


def test_months_and_channels_are_counted_by_post_copies_included(look):
    found = summaries(look())
    assert found[2].months == (("2024-01", 2), ("2024-02", 1), ("2024-03", 1))
    assert found[2].channels == (("Farm", 3), ("Echo", 2))
    assert found[5].months == (("2024-02", 1),)
    assert found[7].months == (("2024-01", 1), ("2024-03", 2))


@pytest.mark.parametrize("theme", [2, 5, 7])
def test_months_and_channels_are_those_of_the_posts(look, theme):
    seen = look()
    rows = [IDS.index(post_id) for post_id in posts_of(seen, theme)]
    for column, counted in (
        (MONTH, summaries(seen)[theme].months),
        (CHANNEL, summaries(seen)[theme].channels),
    ):
        values = [column[i] for i in rows if column[i] is not None]
        assert dict(counted) == {value: values.count(value) for value in values}


def test_months_are_in_order_and_channels_by_size(look):
    for summary in look().summaries:
        assert list(summary.months) == sorted(summary.months)
        sizes = [n for _, n in summary.channels]
        assert sizes == sorted(sizes, reverse=True)


def test_confidence_is_the_mean_over_distinct_posts(look, state):
    for theme, summary in summaries(look()).items():
        rows = np.flatnonzero(theme == THEME_OF_DISTINCT)
        expected = state.membership[state.distinct[rows]].mean()
        assert summary.confidence == pytest.approx(expected, abs=1e-6)


def test_stability_is_that_of_the_theme_and_unknown_stays_unknown(look):
    found = summaries(look())
    assert (found[2].stability, found[5].stability) == (0.75, 1.0)
    assert math.isnan(found[7].stability)


def test_representatives_are_distinct_posts_of_the_theme(look):
    seen = look(n_representatives=3)
    for summary in seen.summaries:
        rows = [ROW_OF_POST[IDS.index(p)] for p in summary.representative_post_ids]
        assert len(set(rows)) == len(rows) == min(3, summary.n_groups)
        assert {int(THEME_OF_DISTINCT[row]) for row in rows} == {summary.theme}
        first = [ROW_OF_POST.index(row) for row in rows]
        assert [IDS[i] for i in first] == list(summary.representative_post_ids)


def test_as_many_keywords_and_representatives_as_asked(look):
    seen = look(n_representatives=1)
    assert [len(s.keywords) for s in look(n_keywords=1).summaries] == [1, 1, 1]
    assert {len(s.representative_post_ids) for s in seen.summaries} == {1}


def test_a_theme_without_words_is_called_by_its_number(state):
    seen = view(make_state(terms=count_terms([""] * 9, ["en"] * 9, min_df=1)))
    assert [s.name for s in seen.summaries] == ["theme 2", "theme 7", "theme 5"]


# --- with one


def test_a_name_is_the_analysts_and_the_keywords_stay(look):
    plain, named = summaries(look()), summaries(look([Did("name", (7,), name="Care")]))
    assert named[7].name == "Care"
    assert named[7].keywords == plain[7].keywords
    assert named[2] == plain[2]


def test_a_merged_theme_has_the_posts_of_both_and_its_keywords_are_counted_anew(look):
    plain, seen = look(), look([Did("merge", (7,), (5,))])
    found = summaries(seen)
    assert set(found) == {2, 5}
    assert posts_of(seen, 5) == sorted(posts_of(plain, 5) + posts_of(plain, 7))
    merged = np.where(THEME_OF_DISTINCT == 7, 5, THEME_OF_DISTINCT)
    assert_same_keywords(found[5].keywords, expected_keywords(merged, 5))
    assert (found[5].n_posts, found[5].n_groups) == (5, 4)
    assert found[5].months == (("2024-01", 1), ("2024-02", 1), ("2024-03", 2))


def test_without_a_log_too_the_keywords_are_those_counted_anew(look):
    for theme, summary in summaries(look()).items():
        assert_same_keywords(summary.keywords, expected_keywords(THEME_OF_DISTINCT, theme))


def test_figures_of_a_merged_theme_are_means_over_its_distinct_posts(state):
    state = make_state(theme_stability={2: 0.75, 5: 1.0, 7: 0.5})
    merged = summaries(view(state, [Did("merge", (5,), (2,))]))[2]
    assert merged.stability == pytest.approx((4 * 0.75 + 2 * 1.0) / 6, abs=1e-6)
    rows = np.flatnonzero(np.isin(THEME_OF_DISTINCT, [2, 5]))
    expected = state.membership[state.distinct[rows]].mean()
    assert merged.confidence == pytest.approx(expected, abs=1e-6)


def test_the_stability_of_a_merger_with_an_unknown_one_is_unknown(look):
    assert math.isnan(summaries(look([Did("merge", (7,), (5,))]))[5].stability)


def test_what_was_merged_into_a_theme_that_is_gone_is_shown_under_its_number(look):
    seen = look([Did("merge", (7,), (4,), "Health")])
    assert summaries(seen)[4].name == "Health"
    assert posts_of(seen, 4) == posts_of(look(), 7)


def test_posts_of_a_hidden_theme_are_noise_without_membership(look):
    plain, seen = look(), look([Did("hide", (2,))])
    assert 2 not in summaries(seen)
    hidden = plain.themes.theme == 2
    assert (seen.themes.theme[hidden] < 0).all()
    assert (seen.themes.membership[hidden] == 0).all()
    np.testing.assert_array_equal(seen.themes.theme[~hidden], plain.themes.theme[~hidden])
    np.testing.assert_array_equal(seen.themes.membership[~hidden], plain.themes.membership[~hidden])


def test_hiding_all_themes_leaves_none(look):
    seen = look([Did("hide", (2, 5, 7))])
    assert seen.summaries == ()
    assert (seen.themes.theme == -1).all()
    assert len(seen.terms.themes) == 0


def test_a_theme_merged_into_a_hidden_one_is_hidden(look):
    seen = look([Did("merge", (5,), (7,)), Did("hide", (7,))])
    assert set(summaries(seen)) == {2}


def test_the_parts_of_a_split_hold_the_posts_nearest_to_them(look):
    seen = look([SPLIT])
    found = summaries(seen)
    assert set(found) == {5, 7, 11, 12}
    assert posts_of(seen, 11) == ["p00", "p02", "p04"]
    assert posts_of(seen, 12) == ["p05", "p07"]
    assert found[12].keywords[0][0] in ("grapes", "wine")
    parted = np.where(THEME_OF_DISTINCT == 2, [11, 0, 11, 0, 12, 0, 12, 0, 0], THEME_OF_DISTINCT)
    assert_same_keywords(found[11].keywords, expected_keywords(parted, 11))


def test_a_part_has_the_stability_of_the_whole(look):
    found = summaries(look([SPLIT]))
    assert found[11].stability == found[12].stability == 0.75


def test_a_part_can_be_named_hidden_and_merged(look):
    seen = look([SPLIT, Did("name", (12,), name="Wine"), Did("merge", (11,), (5,))])
    assert {s.theme: s.n_posts for s in seen.summaries} == {5: 5, 7: 3, 12: 2}
    assert summaries(seen)[12].name == "Wine"
    hidden = look([SPLIT, Did("hide", (12,))])
    assert (hidden.themes.theme[[5, 7]] == -1).all()


def test_what_was_undone_is_as_if_it_had_not_been(look):
    log = [SPLIT, Did("hide", (5,)), Did("merge", (7,), (11,)), Did("restore", (7, 5, 2))]
    plain, seen = look(), look(log)
    np.testing.assert_array_equal(seen.themes.theme, plain.themes.theme)
    np.testing.assert_equal([repr(s) for s in seen.summaries], [repr(s) for s in plain.summaries])


def test_copies_are_always_shown_where_their_original_is(look):
    logs = ([], [SPLIT], [Did("merge", (2,), (7,))], [Did("hide", (7,))])
    for log in logs:
        theme = look(log).themes.theme
        assert theme[0] == theme[4]
        assert theme[3] == theme[10]


def test_noise_stays_noise(look):
    for log in ([], [SPLIT], [Did("merge", (2, 5), (7,))]):
        assert look(log).themes.theme[8] == -1


def test_a_state_of_noise_alone_has_no_themes(state):
    nothing = make_state(theme=np.full(11, -1, np.int32))
    seen = view(nothing, [Did("name", (2,), name="Farms"), SPLIT])
    assert seen.summaries == ()
    assert (seen.themes.membership == 0).all()
    assert seen.curated.absent == {2: "split into T11 and T12, named 'Farms'"}


def test_the_state_itself_is_left_as_it_was(state):
    before = state.theme.copy(), state.membership.copy()
    view(state, [Did("merge", (5,), (2,)), Did("hide", (7,))])
    np.testing.assert_array_equal(state.theme, before[0])
    np.testing.assert_array_equal(state.membership, before[1])
