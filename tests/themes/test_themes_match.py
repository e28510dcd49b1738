from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.errors import TableError
from narraframe.themes.match import KEPT, Matching, ThemeProfile, match_themes

GRAIN = ("grain", "wheat", "harvest")
VOTE = ("ballot", "election", "turnout")
DOSE = ("vaccine", "clinic", "dose")


def profile(theme: int, axis: int, words=(), posts=()) -> ThemeProfile:
    return ThemeProfile(
        theme=theme,
        centroid=np.eye(8, dtype=np.float32)[axis],
        keywords=dict.fromkeys(words, 1.0),
        post_ids=frozenset(f"p{i}" for i in posts),
    )


def said(matching: Matching, kind: str) -> list[str]:
    return [str(change) for change in matching.changes if change.kind == kind]


def test_a_theme_keeps_its_number_whatever_the_refit_calls_it():
    before = [profile(3, 0, GRAIN, range(40)), profile(7, 1, VOTE, range(40, 70))]
    after = [profile(0, 1, VOTE, range(40, 70)), profile(1, 0, GRAIN, range(40))]
    matching = match_themes(before, after, next_theme=8)
    assert matching.numbers == {0: 7, 1: 3}
    assert matching.next_theme == 8
    assert [(c.kind, c.theme, c.similarity) for c in matching.changes] == [
        ("same", 3, 1.0),
        ("same", 7, 1.0),
    ]


def test_growth_and_shrinking_are_said_with_their_share():
    before = [profile(0, 0, GRAIN, range(40)), profile(1, 1, VOTE, range(100, 200))]
    after = [profile(0, 0, GRAIN, range(62)), profile(1, 1, VOTE, range(100, 160))]
    matching = match_themes(before, after, next_theme=2)
    assert said(matching, "grown") == ["T0 grew from 40 to 62 posts (+55%)"]
    assert said(matching, "shrunk") == ["T1 shrank from 100 to 60 posts (-40%)"]


def test_a_tenth_more_or_less_is_the_same_size():
    before = [profile(0, 0, GRAIN, range(100))]
    assert said(match_themes(before, [profile(0, 0, GRAIN, range(110))], next_theme=1), "same")
    assert said(match_themes(before, [profile(0, 0, GRAIN, range(111))], next_theme=1), "grown")


def test_new_themes_are_numbered_by_size_from_the_next_free_number():
    before = [profile(0, 0, GRAIN, range(10))]
    after = [
        profile(0, 1, VOTE, range(20, 25)),
        profile(1, 2, DOSE, range(30, 60)),
        profile(2, 0, GRAIN, range(10)),
    ]
    matching = match_themes(before, after, next_theme=12)
    assert matching.numbers == {0: 13, 1: 12, 2: 0}
    assert matching.next_theme == 14
    assert said(matching, "new") == ["T12 is new (30 posts)", "T13 is new (5 posts)"]


def test_a_theme_that_nothing_continues_is_gone_and_its_number_stays_unused():
    before = [profile(0, 0, GRAIN, range(10)), profile(1, 1, VOTE, range(20, 32))]
    after = [profile(0, 0, GRAIN, range(10)), profile(1, 2, DOSE, range(50, 60))]
    matching = match_themes(before, after, next_theme=2)
    assert matching.numbers == {0: 0, 1: 2}
    assert said(matching, "gone") == ["T1 is gone (12 posts)"]


def test_a_split_theme_keeps_its_number_on_the_part_most_like_it():
    before = [profile(4, 0, GRAIN, range(50))]
    after = [profile(0, 0, GRAIN, range(30)), profile(1, 0, GRAIN, range(30, 50))]
    matching = match_themes(before, after, next_theme=5)
    assert matching.numbers == {0: 4, 1: 5}
    assert said(matching, "split") == ["T4 was split: 30 and 20 of its posts are in T4 and T5"]


def test_a_crumb_that_falls_off_is_no_split():
    before = [profile(4, 0, GRAIN, range(50))]
    after = [profile(0, 0, GRAIN, range(42)), profile(1, 0, VOTE, range(42, 50))]
    assert not said(match_themes(before, after, next_theme=5), "split")


def test_merged_themes_keep_one_number_and_the_other_says_where_its_posts_are():
    before = [profile(0, 0, GRAIN, range(50)), profile(1, 1, VOTE, range(50, 80))]
    both = ThemeProfile(
        theme=0,
        centroid=np.array([0.8, 0.6, 0, 0, 0, 0, 0, 0], np.float32),
        keywords=dict.fromkeys((*GRAIN, *VOTE), 1.0),
        post_ids=frozenset(f"p{i}" for i in range(80)),
    )
    matching = match_themes(before, [both], next_theme=2)
    assert matching.numbers == {0: 0}
    assert said(matching, "merged") == ["T0 holds most of T0 and T1 (50 and 30 of their posts)"]
    assert said(matching, "gone") == ["T1 is gone (30 posts, most are in T0)"]
    merged = next(change for change in matching.changes if change.kind == "merged")
    assert (merged.others, merged.posts) == ((0, 1), (50, 30))


def test_themes_that_share_no_posts_are_matched_by_centroid_and_keywords():
    before = [profile(0, 0, GRAIN, range(9)), profile(1, 1, VOTE, range(10, 19))]
    after = [profile(0, 1, VOTE, range(100, 109)), profile(1, 0, GRAIN, range(200, 209))]
    matching = match_themes(before, after, next_theme=2)
    assert matching.numbers == {0: 1, 1: 0}
    assert {change.similarity for change in matching.changes} == {1.0}


def test_many_shared_posts_outweigh_keywords_and_few_do_not():
    def numbers(n: int) -> dict[int, int]:
        before = [profile(0, 0, GRAIN, range(n)), profile(1, 0, VOTE, range(n, 2 * n))]
        after = [profile(0, 0, VOTE, range(n)), profile(1, 0, GRAIN, range(n, 2 * n))]
        return dict(match_themes(before, after, next_theme=2).numbers)

    assert numbers(100) == {0: 0, 1: 1}
    assert numbers(5) == {0: 1, 1: 0}


def test_posts_of_one_fit_only_do_not_count_against_a_theme():
    before = [profile(0, 0, GRAIN, range(100))]
    after = [profile(0, 0, GRAIN, range(90, 300))]
    assert match_themes(before, after, next_theme=1).changes[0].similarity == 1.0


def test_a_pair_below_the_minimum_is_not_matched():
    # Half the keywords and nothing else: (0 + 0.5) / 2.
    before = [profile(0, 0, ("grain", "wheat"), range(5))]
    after = [profile(0, 1, ("grain", "ballot"), range(10, 15))]
    assert match_themes(before, after, next_theme=1).numbers == {0: 1}


def test_the_assignment_is_the_best_for_all_themes_together():
    # Similarities (1, 5/8) and (1/2, 1/8, too low): the best pair alone would leave two unmatched.
    before = [profile(0, 0, "abcd", range(5)), profile(1, 1, "abcd", range(10, 15))]
    after = [profile(0, 0, "abcd", range(20, 25)), profile(1, 0, "axyz", range(30, 35))]
    matching = match_themes(before, after, next_theme=2)
    assert matching.numbers == {0: 1, 1: 0}
    assert [change.similarity for change in matching.changes] == [0.625, 0.5]


def test_a_theme_of_an_earlier_fit_comes_back_under_its_number():
    before = [profile(0, 0, GRAIN, range(30))]
    gone = [profile(1, 1, VOTE, range(40, 60))]
    after = [profile(0, 1, VOTE, range(45, 70)), profile(1, 0, GRAIN, range(30))]
    matching = match_themes(before, after, next_theme=2, gone=gone)
    assert matching.numbers == {0: 1, 1: 0}
    assert said(matching, "back") == ["T1 is back (25 posts, 20 when last seen)"]


def test_a_theme_of_the_last_fit_goes_before_one_of_an_earlier_fit():
    before, gone = [profile(0, 0, GRAIN, range(30))], [profile(1, 0, GRAIN, range(30))]
    matching = match_themes(before, [profile(5, 0, GRAIN, range(30))], next_theme=2, gone=gone)
    assert matching.numbers == {5: 0}


def test_a_first_fit_has_new_themes_only_and_an_empty_one_has_gone_ones_only():
    themes = [profile(0, 0, GRAIN, range(30)), profile(1, 1, VOTE, range(30, 40))]
    first = match_themes([], themes, next_theme=0)
    assert first.numbers == {0: 0, 1: 1}
    assert [change.kind for change in first.changes] == ["new", "new"]
    last = match_themes(themes, [], next_theme=2)
    assert last.numbers == {}
    assert [change.kind for change in last.changes] == ["gone", "gone"]


def test_a_theme_without_keywords_or_posts_is_matched_by_its_centroid():
    matching = match_themes([profile(6, 2)], [profile(0, 2)], next_theme=7)
    assert matching.numbers == {0: 6}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_neither_the_order_nor_the_provisional_numbers_change_the_result(data):
    n_posts = data.draw(st.integers(0, 30))
    words = [*GRAIN, *VOTE, *DOSE]

    def fit(n: int) -> list[ThemeProfile]:
        owner = data.draw(st.lists(st.integers(-1, n - 1), min_size=n_posts, max_size=n_posts))
        made = []
        for theme in range(n):
            posts = [i for i, t in enumerate(owner) if t == theme] or [100 + theme]
            chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4))
            made.append(profile(theme, data.draw(st.integers(0, 2)), chosen, posts))
        return made

    before, after = fit(data.draw(st.integers(1, 5))), fit(data.draw(st.integers(1, 5)))
    straight = match_themes(before, after, next_theme=9)
    order = data.draw(st.permutations(after))
    renamed = [
        ThemeProfile(number, p.centroid, p.keywords, p.post_ids) for number, p in enumerate(order)
    ]
    mixed = match_themes(data.draw(st.permutations(before)), renamed, next_theme=9)
    assert mixed.changes == straight.changes
    assert mixed.next_theme == straight.next_theme
    assert [mixed.numbers[i] for i in range(len(order))] == [
        straight.numbers[p.theme] for p in order
    ]
    numbers = list(straight.numbers.values())
    assert len(set(numbers)) == len(numbers)
    kept = [c for c in straight.changes if c.kind in KEPT]
    assert all(c.similarity >= 0.35 for c in kept)


@pytest.mark.parametrize(
    ("before", "next_theme", "message"),
    [
        ([profile(1, 0), profile(1, 1)], 2, r"a theme number is given twice \(got 'T1'\)"),
        ([profile(4, 0)], 4, r"the next theme number must be above T4 \(got 'T4'\)"),
    ],
)
def test_numbers_that_would_be_used_twice_are_refused(before, next_theme, message):
    with pytest.raises(TableError, match=message):
        match_themes(before, [profile(0, 0)], next_theme=next_theme)


def test_themes_of_another_encoder_are_refused():
    other = ThemeProfile(0, np.ones(3, np.float32), {}, frozenset())
    with pytest.raises(TableError, match="embeddings of different length"):
        match_themes([profile(0, 0)], [other], next_theme=1)
