"""Themes beside labels, as the page shows them."""

from dataclasses import replace

import numpy as np
import pytest
from report_cases import codebook, whole

from narraframe.records import ThemesAgainstLabels
from narraframe.report.coverage import facet_name, label_rows, theme_rows
from narraframe.report.page import render
from narraframe.report.rows import report_tables
from narraframe.report.shown import sentence

NAN = float("nan")


def against():
    """Two themes, three labels: the first theme all trade, the second nearly without labels."""
    n = np.array([[8, 2, 0], [0, 1, 0]])
    decided = np.array([[10, 10, 10], [40, 38, 40]])
    with np.errstate(invalid="ignore"):
        of_label = n / n.sum(axis=0)
    return ThemesAgainstLabels(
        themes=(4, 7), theme_names=("Ports", "<b>Songs</b>"),
        label_ids=("trade", "warm", "never"), label_names=("Trade", "Warm", "Never"),
        n=n, decided=decided, share_of_theme=n / decided, share_of_label=of_label,
        outside=np.array([3, 0, 0]), small_theme=np.array([True, False]),
        small_label=np.array([False, True, True]), spread=np.array([0.0, 0.92, NAN]),
        mixture=np.array([0.5, 0.0]), dependence=0.25, few=20,
    )  # fmt: skip


def test_a_theme_names_its_labels_the_most_frequent_first_and_none_below_a_twentieth():
    songs, ports = theme_rows(against())
    assert (songs.tag, songs.posts, songs.labels, songs.few) == ("T7", 40, (), False)
    assert (ports.tag, ports.posts, ports.few) == ("T4", 10, True)
    assert ports.labels == (("Trade", "80 %"), ("Warm", "20 %"))


def test_a_label_names_its_themes_and_one_that_no_post_carries_is_left_out():
    trade, warm = label_rows(against())
    assert (trade.name, trade.inside, trade.outside, trade.spread) == ("Trade", 8, 3, "0.00")
    assert trade.themes == (("T4", "100 %"),)
    assert warm.themes == (("T4", "67 %"), ("T7", "33 %"))
    assert warm.few


def test_without_themes_or_labels_there_are_no_rows():
    empty = replace(against(), label_ids=(), label_names=(), n=np.zeros((2, 0), int))
    assert theme_rows(None) == label_rows(None) == theme_rows(empty) == ()
    assert facet_name(None, codebook()) == facet_name(against(), None) == ""


def test_the_facet_of_the_labels_is_named():
    book = codebook()
    of = {facet.facet_id: facet.name for facet in book.facets}
    assert facet_name(against(), book) == of[book.by_id["trade"].facet_id]


def test_the_page_shows_both_tables_and_texts_stay_texts():
    page = render(replace(whole(), against=against()))
    assert "Labels of each theme" in page
    assert "Themes of each label" in page
    assert "settles 25 %" in page
    assert "&lt;b&gt;Songs&lt;/b&gt;" in page
    assert "<b>Songs</b>" not in page
    assert "Labels of each theme" not in render(whole())


def test_an_undefined_dependence_is_not_spoken_of():
    assert "settles" not in render(replace(whole(), against=replace(against(), dependence=NAN)))


def test_the_page_says_what_it_leaves_out_and_why():
    page = render(replace(whole(), left_out={"drift": "the <model> is not here"}))
    assert "What this page leaves out" in page
    assert "the &lt;model&gt; is not here" in page
    assert "What this page leaves out" not in render(whole())


def test_the_tables_hold_every_cell_and_what_was_left_out():
    report = replace(whole(), against=against(), left_out={"drift": "no model"})
    tables = {table.name: table for table in report_tables(report)}
    assert tables["themes_and_labels"].rows[0] == ("T4", "trade", 8, 10, 0.8, 1.0)
    assert tables["themes_and_labels"].rows[2] == ("T4", "never", 0, 10, 0.0, None)
    assert tables["left_out"].rows == (("drift", "no model"),)


@pytest.mark.parametrize(
    ("text", "written"), [("no drift found", "No drift found."), ("Yes!", "Yes!")]
)
def test_a_remark_is_written_as_a_sentence(text, written):
    assert sentence(text) == written
