from dataclasses import replace

import numpy as np
import pytest
from report_cases import posts, summaries, themes, whole

from narraframe.report.steadiness import verdict, warning
from narraframe.report.tables import corpus
from narraframe.report.theme_cards import theme_cards, themes_of
from narraframe.report.theme_names import title

KNOWN = corpus(posts())
NAN = float("nan")


def two_themes(**first):
    """Theme 4 holds p3 and its copy-free neighbour p4; theme 7 holds p1 and its copy p2, and p6."""
    known = replace(themes(), theme=np.array([4, 7, 7, 4, 7], dtype=np.int32))
    listed = (replace(summaries()[0], **first), replace(summaries()[0], theme=7, name="theme 7"))
    return replace(whole(), themes=known, summaries=listed)


def test_themes_are_listed_by_the_posts_that_are_shown_beside_them():
    report = two_themes(n_posts=999, n_groups=999)
    cards = theme_cards(KNOWN, report.themes, themes_of(report, KNOWN))
    assert [(card.tag, card.n_posts, card.n_groups) for card in cards] == [
        ("T7", 3, 1),
        ("T4", 2, 2),
    ]


def test_of_equally_large_themes_the_older_comes_first():
    report = two_themes()
    fewer = replace(report, posts=posts()[:4])
    listed = themes_of(fewer, corpus(posts()[:4]))
    assert [(theme.theme, theme.n_posts) for theme in listed] == [(4, 2), (7, 2)]


def test_a_name_that_only_repeats_the_number_is_left_out():
    assert title(summaries()[0]) == "T4 Ports"
    assert title(replace(summaries()[0], name="Theme 4")) == "T4"
    assert title(replace(summaries()[0], name="Theme 5")) == "T4 Theme 5"


@pytest.mark.parametrize(
    ("stability", "words", "warned"),
    [
        (1.0, "stable", False),
        (0.75, "stable", False),
        (0.74, "partly stable", False),
        (0.5, "partly stable", False),
        (0.49, "not stable", True),
        (0.0, "not stable", True),
        (NAN, "", False),
    ],
)
def test_stability_in_words_follows_hennig(stability, words, warned):
    assert verdict(stability)[0] == words
    assert bool(verdict(stability)[1]) == bool(words)
    assert bool(warning(stability)) == warned


def test_the_warning_says_how_much_came_back():
    assert warning(0.004).startswith("Do not build on this theme: under 1 % of it was found again")
