from __future__ import annotations

import re
import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from narraframe.themes.stopwords import stop_words
from narraframe.themes.tokens import tokenise


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


def test_a_language_without_a_list_has_no_stop_words_but_the_remains_of_markup():
    assert words("the lt gt of http", "xx") == ["the", "of"]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "&lt;br&gt; &amp; https"),
        ("ru", "из-за которых, заявил среди этих 10 млн"),
        ("uk", "щодо якої, повідомляє понад 10 тис"),
    ],
)
def test_function_words_and_markup_are_no_terms(lang, text):
    assert [word for word in words(text, lang) if word != "br"] == []


def test_the_english_list_is_that_of_scikit_learn_less_its_content_words():
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    content = {"bill", "cry", "detail", "fill", "fire", "interest", "mill", "system", "top"}
    assert ENGLISH_STOP_WORDS - stop_words(["en"])["en"] == content


def test_content_words_of_the_english_lists_are_kept():
    assert words("the system can fire a member state") == ["system", "fire", "member", "state"]


def test_a_mark_left_of_an_emoji_is_no_part_of_the_word_after_it():
    assert words("❗\ufe0fНа ❗\ufe0fМарсианские планы", "ru") == ["марсианские", "планы"]


# Today's words found the slow way, one text at a time: what `chunk_words` must agree with.
_RUN = regex.compile(
    r"(?P<han>[\p{Han}々]+)|(?P<katakana>[\p{Katakana}ー]{2,})"
    r"|(?P<word>(?!\p{M})(?:(?![\p{Han}\p{Katakana}\p{Hiragana}])[\p{L}\p{M}\p{N}])+"
    r"(?:['\-](?!\p{M})(?:(?![\p{Han}\p{Katakana}\p{Hiragana}])[\p{L}\p{M}\p{N}])+)*)"
)


def slowly(text: str, stop: frozenset[str]) -> list[str]:
    text = unicodedata.normalize("NFKC", text)
    text = regex.sub(r"(?:https?://|www\.)[^\s\x1c-\x1f]+", " | ", text, flags=regex.IGNORECASE)
    text = regex.sub(r"[\u2018\u2019\u02bc\uff07`]", "'", text)
    text = regex.sub(r"\b(?:\p{Lu}\.){2,}", lambda match: match[0].replace(".", ""), text)
    terms, before, end = [], "", -1
    for match in _RUN.finditer(text):
        if match["word"] is None:
            run = match["han"] or ""
            found = [run[i : i + 2] for i in range(len(run) - 1)] or [match["katakana"] or ""]
            terms += [term for term in found if term and term not in stop]
            before = ""
            continue
        word = slow_word(match["word"], stop)
        if word:
            terms.append(word)
            if before and text[end : match.start()].isspace():
                terms.append(f"{before} {word}")
        before, end = word, match.end()
    return terms


def slow_word(written: str, stop: frozenset[str]) -> str:
    if written in {"US", "WHO"}:
        return written
    word = written.lower()
    if word in stop:
        return ""
    elided = r"^(?:[cdjlmnst]|qu|un|dell|nell|all|sull|dall)'(?=\p{L}{2})"
    word = regex.sub(elided, "", word).removesuffix("'s")
    if len(word) < 2 or word in stop or not regex.search(r"\p{L}", word):
        return ""
    return word


PIECES = [
    "The", "the", "grain", "Harvest", "US", "us", "U.S.", "U.S", "don't", "don’t", "Russia’s",
    "l'économie", "dell'ONU", "qu`il", "anti-war", "2024", "G20", "F-16", "x", "санкции", "России",
    "и", "обов'язок", "здоров’я", "А.Б.В.", "й", "и\u0306", "а\u0301", "制裁", "单边制裁", "々",
    "テレビ", "ー", "カ", "の", "한국", "प्रधान", "שלום", "ﬁne", "𝗕𝗼𝗹𝗱", "º", "´s", "ﷺ", "❗\ufe0f",
    "🇺🇦", "_", "#tag", "@name", "http://", "https://t.me/x", "HTTPS://A", "www.", "www.a-b.c", "xhttp://y",
    "://", "|", "/", ".", ",", "-", "'", "`", "…", "—", "«", "(", "&amp;", "\0", "\x1c",
]  # fmt: skip
TEXTS = st.lists(
    st.tuples(st.sampled_from(PIECES) | st.text(max_size=4), st.sampled_from(["", " ", " ", "\n"]))
).map(lambda parts: "".join(piece + gap for piece, gap in parts))


@given(TEXTS)
@example("see\x1chttp://a\x1cb grain")
def test_words_are_those_found_the_slow_way(text):
    stop = stop_words(["en", "ru"])[None]
    assert tokenise(text, stop) == slowly(text, stop)


def test_where_text_is_plain_a_word_is_a_run_of_letters_and_numbers_in_both_ways_of_looking():
    plain = re.compile(r"[\0-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u203a]")
    spaced = regex.compile(r"[\p{L}\p{M}\p{N}]")
    differ = [
        character
        for character in map(chr, range(0x2100))
        if plain.match(character)
        and unicodedata.is_normalized("NFKC", character)
        and bool(re.match(r"[^\W_]", character)) != bool(spaced.match(character))
    ]
    assert differ == []
