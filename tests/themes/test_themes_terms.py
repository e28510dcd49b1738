from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from narraframe.themes.terms import count_terms, theme_keywords, theme_name

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


@pytest.mark.parametrize(("a", "b"), [("iran", "iraq"), ("state", "station"), ("рф", "фрг")])
def test_different_words_are_not_thinned(a, b):
    assert sorted(terms([f"{a}, {b}"] * 2)[0]) == [a, b]


def test_there_are_no_more_keywords_than_asked_for():
    assert len(terms(["grain, ballot, clinic, stadium"] * 2, n_keywords=3)[0]) == 3


def test_a_name_is_the_first_keywords():
    keywords = (("sanctions", 0.5), ("unilateral measures", 0.4), ("economy", 0.3), ("oil", 0.2))
    assert theme_name(keywords) == "sanctions · unilateral measures · economy"
    assert theme_name(()) == ""
