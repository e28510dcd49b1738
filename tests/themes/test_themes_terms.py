from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import InputError
from narraframe.themes.stopwords import stop_words
from narraframe.themes.terms import (
    ThemeTerms,
    count_terms,
    keywords_of,
    merge_themes,
    theme_keywords,
    theme_name,
    theme_terms,
)
from narraframe.themes.tokens import tokenise

TEXTS = [
    "grain harvest", "grain price", "wheat harvest", "ballot count", "ballot fraud", "fraud claim",
]  # fmt: skip
THEME = np.array([0, 0, 0, 1, 1, 1], np.int32)


def matrix(texts, langs=None, **options):
    return count_terms(texts, langs or ["en"] * len(texts), **options)


def terms(texts, theme=None, **options):
    theme = np.zeros(len(texts), np.int32) if theme is None else np.asarray(theme, np.int32)
    return [[term for term, _ in k] for k in theme_keywords(matrix(texts), theme, **options)]


def test_counts_stand_under_their_term():
    counted = matrix(["grain, grain, wheat", "wheat"])
    assert counted.terms == ("grain", "wheat")
    assert counted.counts.toarray().tolist() == [[2, 1], [0, 1]]


def test_rare_terms_are_left_out_of_larger_corpora():
    assert matrix(["grain"] * 2 + ["wheat"] + ["barley"] * 20).terms == ("barley", "grain")
    assert matrix(["grain", "wheat"], min_df=2).terms == ()


PIECES = [
    "grain",
    "Grain,",
    "wheat",
    "the",
    "и",
    "зерно",
    "зерна",
    "制裁单边",
    "a-b",
    "x/y",
    "U.S.",
]
POSTS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(PIECES)).map(" ".join),
        st.sampled_from(["en", "ru", "zh", None, ""]),
    )
)


@given(POSTS, st.sampled_from([None, 1, 2, 3]))
def test_counts_are_those_of_a_slow_count(posts, min_df):
    texts, langs = [text for text, _ in posts], [lang for _, lang in posts]
    stop = stop_words(langs)
    rows = [Counter(tokenise(text, stop[lang or None])) for text, lang in posts]
    held_by = Counter(term for row in rows for term in row)
    least = min_df or (1 if len(posts) < 15 else 2)
    counted = count_terms(texts, langs, min_df=min_df)
    assert counted.terms == tuple(sorted(term for term, n in held_by.items() if n >= least))
    expected = [[row[term] for term in counted.terms] for row in rows]
    assert counted.counts.toarray().tolist() == expected


def test_many_batches_count_as_one(monkeypatch):
    texts = [random.Random(i).choice(PIECES) + f" word{i % 7}" for i in range(200)]
    whole = matrix(texts)
    monkeypatch.setattr("narraframe.themes.counting._BATCH", 16)
    parts = matrix(texts)
    assert parts.terms == whole.terms
    assert (parts.counts != whole.counts).nnz == 0


@pytest.mark.parametrize("texts", [[], ["", "the of"], ["2024 !"]])
def test_texts_without_terms_give_a_matrix_without_columns(texts):
    counted = matrix(texts)
    assert counted.counts.shape == (len(texts), 0)
    assert theme_keywords(counted, np.zeros(len(texts), np.int32)) == ((),) * bool(texts)


def test_weights_are_those_of_a_slow_count():
    theme = np.array([0, 0, 0, 1, 1, -1], np.int32)
    counted = matrix(TEXTS)
    found = theme_keywords(counted, theme, n_keywords=50)
    by_theme = {t: Counter() for t in (0, 1, -1)}
    for row, t in enumerate(theme):
        for column, term in enumerate(counted.terms):
            if n := counted.counts[row, column]:
                by_theme[t][term] += 1 + np.log2(n)
    overall = sum(by_theme.values(), Counter())
    mean_size = sum(overall.values()) / 3
    for t in (0, 1):
        for term, weight in found[t]:
            share = by_theme[t][term] / sum(by_theme[t].values())
            assert weight == pytest.approx(share * np.log(1 + mean_size / overall[term]))


def crowd(n=300, n_themes=6, seed=0):
    rng = np.random.default_rng(seed)
    words = np.array([f"{a}{b}o" for a in "bcdfghjklm" for b in "aeiouy"])
    texts = [" ".join(rng.choice(words, rng.integers(1, 9))) for _ in range(n)]
    return texts, rng.integers(-1, n_themes, n).astype(np.int32)


def test_the_order_of_posts_changes_no_keyword_nor_weight():
    texts, theme = crowd()
    order = np.random.default_rng(1).permutation(len(texts))
    shuffled = matrix([texts[i] for i in order])
    assert theme_keywords(shuffled, theme[order]) == theme_keywords(matrix(texts), theme)


def test_copies_of_all_posts_change_no_keyword_nor_weight():
    texts, theme = crowd()
    two = theme_keywords(matrix(texts * 2, min_df=4), np.tile(theme, 2))
    assert theme_keywords(matrix(texts * 4, min_df=8), np.tile(theme, 4)) == two


def test_keywords_of_ids_with_gaps_come_in_their_order():
    theme = np.array([12, 12, 12, 5, 5, 5], np.int32)
    assert terms(TEXTS, theme) == terms(TEXTS, THEME)[::-1]
    assert theme_terms(matrix(TEXTS), theme).themes.tolist() == [5, 12]


def same(a: ThemeTerms, b: ThemeTerms) -> bool:
    return (
        a.themes.tolist() == b.themes.tolist()
        and (a.counts != b.counts).nnz == 0
        and (a.posts != b.posts).nnz == 0
    )


@given(st.integers(0, 99), st.lists(st.integers(-2, 7), min_size=6, max_size=6))
def test_merged_sums_are_to_the_bit_those_counted_anew(seed, into):
    texts, theme = crowd(60, seed=seed)
    theme[:6] = np.arange(6)
    counted = matrix(texts)
    merged = merge_themes(theme_terms(counted, theme), np.array(into, np.int32))
    anew = theme_terms(counted, np.array([*into, -1], np.int32)[theme])
    assert same(merged, anew)
    assert keywords_of(merged) == keywords_of(replace(anew, rarity=merged.rarity))


def test_a_merge_leaves_the_keywords_of_other_themes_alone():
    texts, theme = crowd()
    before = theme_terms(matrix(texts), theme)
    after = merge_themes(before, np.array([0, 1, 1, 3, 4, 5], np.int32))
    assert keywords_of(after, themes=[0, 3, 4, 5]) == keywords_of(before, themes=[0, 3, 4, 5])


def test_keywords_of_a_theme_that_there_is_not_are_refused():
    with pytest.raises(InputError, match=r"there is no such theme \(got 7\)"):
        keywords_of(theme_terms(matrix(TEXTS), THEME), themes=[0, 7])


def test_keywords_set_a_theme_apart_from_the_others():
    common = [f"news {text}" for text in TEXTS]
    assert terms(TEXTS, THEME) == [["grain", "harvest"], ["ballot", "fraud"]]
    assert "news" not in {listed[0] for listed in terms(common, THEME)}


def test_a_term_of_one_post_only_is_not_a_keyword_of_its_theme():
    assert terms(["grain", "grain", "zebra"]) == [["grain"]]


def test_terms_of_single_posts_serve_where_there_are_no_others():
    assert terms(["grain", "ballot"]) == [["ballot", "grain"]]


def test_one_long_post_does_not_name_the_theme():
    assert terms(["spam, " * 30, "spam, grain", "grain", "grain", "grain"])[0][0] == "spam"
    assert terms(["spam, " * 7, "spam, grain", "grain", "grain", "grain", "grain"])[0][0] == "grain"


def test_a_pair_takes_the_place_of_words_that_hardly_stand_alone():
    texts = ["unilateral measures, grain", "unilateral measures, grain, grain"]
    assert sorted(terms(texts)[0]) == ["grain", "unilateral measures"]


def test_words_that_stand_alone_as_well_keep_the_pair_out():
    texts = [
        "measures, grain",
        "measures, grain",
        "measures, grain",
        "strict measures",
        "strict measures",
    ]
    assert "measures" in terms(texts)[0]
    assert "strict measures" not in terms(texts)[0]


@pytest.mark.parametrize(
    ("lang", "a", "b"),
    [
        ("en", "sanction", "sanctions"),
        ("ru", "санкции", "санкциями"),
        ("uk", "україна", "україни"),
        ("zh", "制裁", "裁制"),
    ],
)
def test_inflections_and_overlaps_are_thinned_to_the_best(lang, a, b):
    counted = matrix([f"{a}. {b}", f"{a}. {b}", a], [lang] * 3)
    (listed,) = theme_keywords(counted, np.zeros(3, np.int32))
    assert [term for term, _ in listed] == [a]


def test_a_pair_in_two_inflections_takes_the_place_of_its_words_as_well():
    texts = ["colour revolution, grain", "colour revolutions, grain", "grain"] * 2
    assert terms(texts)[0] == ["grain", "colour revolution"]


@pytest.mark.parametrize(("a", "b"), [("iran", "iraq"), ("state", "station"), ("рф", "фрг")])
def test_different_words_are_not_thinned(a, b):
    assert sorted(terms([f"{a}, {b}"] * 2)[0]) == [a, b]


def test_there_are_no_more_keywords_than_asked_for():
    assert len(terms(["grain, ballot, clinic, stadium"] * 2, n_keywords=3)[0]) == 3


def test_a_name_is_the_first_keywords():
    keywords = (("sanctions", 0.5), ("unilateral measures", 0.4), ("economy", 0.3), ("oil", 0.2))
    assert theme_name(keywords) == "sanctions · unilateral measures · economy"
    assert theme_name(()) == ""
