from __future__ import annotations

import pytest

from narraframe.themes.tokens import stop_words, tokenise


def words(text: str, lang: str | None = "en") -> list[str]:
    return [term for term in tokenise(text, stop_words([lang])[lang]) if " " not in term]


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "The Sanctions of 2024, and the G20's reply!", ["sanctions", "g20", "reply"]),
        ("en", "They don’t like Russia’s anti-war line", ["russia", "anti-war", "line"]),
        ("en", "𝗕𝗼𝗹𝗱 ＷＩＤＥ", ["bold", "wide"]),
        ("en", "see https://t.me/x/1 www.example.org/a?b=c now!", []),
        ("ru", "Санкции против России — это незаконно", ["санкции", "россии", "незаконно"]),
        ("uk", "здоров’я та обов'язок", ["здоров'я", "обов'язок"]),
        ("fr", "l’économie et l'ONU aujourd'hui", ["économie", "onu", "aujourd'hui"]),
        ("hi", "प्रधानमंत्री", ["प्रधानमंत्री"]),
        ("ko", "한국 정부", ["한국", "정부"]),
        ("zh", "单边制裁", ["单边", "边制", "制裁"]),
        ("ja", "テレビのニュース", ["テレビ", "ニュース"]),
    ],
)  # fmt: skip
def test_words_are_found_in_any_script(lang, text, expected):
    assert words(text, lang) == expected


def test_pairs_are_of_neighbouring_words_only():
    terms = tokenise("unilateral measures, trade of grain", stop_words(["en"])["en"])
    assert [term for term in terms if " " in term] == ["unilateral measures"]


def test_us_is_a_country_in_capitals_and_a_stop_word_otherwise():
    assert words("The US and the U.S. tell us") == ["US", "US", "tell"]


def test_each_language_has_its_own_stop_words():
    stop = stop_words(["en", "de", "de-AT", None])
    assert "die" in stop["de"]
    assert stop["de"] == stop["de-AT"]
    assert "die" not in stop["en"]
    assert stop[None] == stop["en"] | stop["de"]


def test_texts_of_unknown_language_get_english_stop_words_when_no_language_is_known():
    assert stop_words([None])[None] == stop_words(["en"])["en"]


def test_a_language_without_a_list_has_no_stop_words():
    assert stop_words(["xx"])["xx"] == frozenset()


def test_content_words_of_the_english_lists_are_kept():
    assert words("the system can fire a member state") == ["system", "fire", "member", "state"]
