import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.report import shown
from narraframe.report.languages import language, with_language_names

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
any_text = st.text(st.characters(codec=None, categories=None))


def test_overrides_are_named_instead_of_obeyed():
    assert shown.inert("a\u202egnp.exe\u202c") == "a⟦RLO⟧gnp.exe⟦PDF⟧"


def test_marks_are_dropped_and_right_to_left_letters_stay():
    assert shown.inert("\u200fسلام\u200e") == "سلام"


def test_controls_become_pictures_and_lone_surrogates_a_replacement():
    assert shown.inert("a\x00b\x1b[1m\x7f\ud800") == "a␀b␛[1m␡\ufffd"


def test_line_ends_become_one_kind_and_tabs_stay():
    assert shown.inert("a\r\nb\rc\td\x85e") == "a\nb\nc\td\ne"


@given(any_text)
def test_inert_text_holds_nothing_that_acts_and_can_be_stored(text):
    quiet = shown.inert(text)
    quiet.encode("utf-8")
    assert not set(quiet) & set(BIDI)
    assert not any(ord(c) < 32 and c not in "\t\n" for c in quiet)
    assert shown.inert(quiet) == quiet


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0 %"), (0.004, "under 1 %"), (0.125, "12 %"), (1.0, "100 %"), (math.nan, "not known")],
)
def test_shares_are_written_in_per_cent(value, written):
    assert shown.share(value) == written


def test_an_unknown_figure_is_not_written_as_a_number():
    assert shown.figure(math.nan) == "not known"
    assert shown.figure(-0.125) == "−0.12"


def test_counts_have_thousands_separators():
    assert shown.number(1234567) == "1,234,567"
    assert shown.plural(1, "post") == "1 post"
    assert shown.plural(2000, "post") == "2,000 posts"


def test_a_part_has_the_verb_that_fits_it():
    assert shown.some_of(1, 6, "post") == "1 of 6 posts is"
    assert shown.some_of(1, 1, "post", "was", "were") == "1 of 1 post was"
    assert shown.some_of(0, 2000, "post", "belongs", "belong") == "0 of 2,000 posts belong"


def test_moments_are_written_in_utc():
    moment = datetime.fromisoformat("2024-03-31T23:30:00-02:00")
    assert shown.minute(moment) == "1 Apr 2024, 01:30 UTC"
    assert shown.day(datetime(2024, 3, 1, tzinfo=UTC)) == "1 Mar 2024"


def test_a_run_of_months_is_written_as_a_span():
    assert shown.month("2024-03") == "Mar 2024"
    assert shown.month("1970-02/2024-02") == "Feb 1970 to Feb 2024"


def test_an_excerpt_says_that_it_was_cut():
    assert shown.excerpt("abc", 3) == "abc"
    assert shown.excerpt("abcd", 3) == "abc…"


def test_languages_are_named_and_unknown_codes_shown_as_they_are():
    assert [language(code) for code in ("uk", "tlh", None, "")] == [
        "Ukrainian",
        "tlh",
        "not known",
        "not known",
    ]


def test_reasons_name_languages_instead_of_codes():
    reason = "language 'ru' is not one that the model learnt"
    assert with_language_names(reason) == "language Russian is not one that the model learnt"
    assert with_language_names("languages 'uk', 'qq'") == "languages Ukrainian, qq"
    assert with_language_names("no text") == "no text"
    assert with_language_names("the answer 'no' is too short") == "the answer 'no' is too short"
