import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.posts.clean import clean, clean_text
from narraframe.records import Post

# Characters that cleaning treats specially, so that random texts reach its corners.
TRICKY = st.text(
    alphabet="aB\u0410\u043e\u0640 \t\n\r\x00\x85\u2028\u200b\u200c\u200d\u202e\ufe0f\ufeff"
    "\u0301\u0e01\u0915\u094d#_@*<>.|\U0001f468\U0001f3fd\U0001f1f7\U0001f3f4\U000e0067\U000e007f"
    "\ud800\u3164\u20e31",
    max_size=40,
)
LINES = st.lists(
    st.sampled_from(
        [
            "",
            "  ",
            "VIEW IN TELEGRAM",
            "Read in full",
            "#RussiaIndia talks",
            "The ministers met in the capital and agreed to meet again",
            "  The ministers met in the capital and agreed to meet again ",
            "They will sign two treaties on trade and on transport",
            "Long live the friendship",
        ]
    ),
    max_size=14,
).map("\n".join)


def post(text, **fields):
    return Post(post_id="1", text=text, **fields)


def test_control_zero_width_and_bidi_characters_are_removed():
    assert clean_text("a\x00b\u200bc\u202ed\u202c\ufeffe\u00adf\u2066g") == "abcdefg"


def test_lone_surrogates_are_removed_so_that_the_text_can_be_stored():
    assert clean_text("a\ud83db").encode("utf-8") == b"ab"


def test_every_kind_of_line_break_becomes_a_line_feed():
    assert clean_text("a\r\nb\rc\u2028d\x85e") == "a\nb\nc\nd\ne"


def test_letters_are_composed():
    assert clean_text("Кие\u0306в и\u0306") == unicodedata.normalize("NFC", "Кие\u0306в \u0439")


def test_trailing_spaces_go_and_indentation_stays():
    assert clean_text("a  \n  - b\t\nc") == "a\n  - b\nc"


def test_runs_of_blank_lines_become_one():
    assert clean_text("\n\na\n \n\u200b\n\nb\n\n") == "a\n\nb"


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧", "🤦🏽‍♂️", "👁️‍🗨️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "1️⃣"])
def test_emoji_sequences_stay_whole(emoji):
    assert clean_text(f"a {emoji} b") == f"a {emoji} b"


def test_joiners_stay_where_they_are_spelling():
    persian, hindi = "می\u200cخواهم", "क\u094d\u200dष"
    assert clean_text(f"{persian} {hindi} a\u200cb") == f"{persian} {hindi} ab"


def test_text_hidden_in_tag_characters_is_removed():
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore")
    assert clean_text(f"peace{hidden} talks") == "peace talks"


def test_media_markers_are_removed_as_whole_lines_only():
    text = "Media is too big\nVIEW IN TELEGRAM\nThe file: Media is too big\nVIEW IN TELEGRAM"
    assert clean_text(text) == "The file: Media is too big"


def test_a_doubled_body_is_kept_once():
    body = "The ministers met in the capital.\nThey will meet again in May."
    assert clean_text(f"Title\n{body}\n{body}") == f"Title\n{body}"


def test_a_doubled_body_is_found_across_a_media_marker_and_blank_lines():
    body = "The ministers met in the capital.\n\nThey will meet again in May."
    text = f"Title\n{body}\nVIEW IN TELEGRAM\n\n{body}\npreview"
    assert clean_text(text) == f"Title\n{body}\npreview"


def test_hashtags_are_distinct_in_order_and_of_any_script():
    tags = clean(
        post("#Мир and #ООН, ❗️#мир #联合国 #G20 (#UN_2024) &#39; a#b #2024 x/#c")
    ).hashtags
    assert tags == ("Мир", "ООН", "联合国", "G20", "UN_2024")


def test_hashtags_that_only_the_input_knew_come_last():
    tags = clean(post("#UN talks", hashtags=("#Sanctions", "un", "Trade"))).hashtags
    assert tags == ("UN", "Sanctions", "Trade")


def test_other_fields_are_untouched():
    before = post(
        "a",
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
        lang="ru",
        reactions={"👍": 2},
        media="photo",
        labels=("x",),
        duplicate_of="0",
    )
    after = clean(before)
    untouched = set(Post.__slots__) - {"model_text"}
    assert all(getattr(after, name) == getattr(before, name) for name in untouched)


def test_a_post_of_emoji_markers_and_calls_alone_has_no_model_text():
    cleaned = clean(post("🔥🔥\nVIEW IN TELEGRAM\nRead in full\nhttps://example.org/a"))
    assert cleaned.model_text == ""
    assert cleaned.text == "🔥🔥\nRead in full\nhttps://example.org/a"


@given(st.one_of(st.text(), TRICKY, LINES))
def test_cleaning_twice_changes_nothing(text):
    once = clean(post(text))
    assert clean(once) == once


@given(st.one_of(st.text(), TRICKY, LINES))
def test_a_cleaned_text_is_never_longer_than_its_composed_original(text):
    assert len(clean_text(text)) <= len(unicodedata.normalize("NFC", text))


@given(st.one_of(st.text(), TRICKY))
def test_no_control_format_or_surrogate_character_is_left(text):
    allowed = set("\n\t\u200c\u200d") | {chr(point) for point in range(0xE0020, 0xE0080)}
    invisible = {c for c in clean_text(text) if unicodedata.category(c) in ("Cc", "Cs")}
    assert invisible <= allowed


@given(st.one_of(TRICKY, LINES))
def test_the_model_text_has_no_blank_ends_no_blank_lines_and_no_double_spaces(text):
    model = clean(post(text)).model_text
    assert all(line and line == " ".join(line.split()) for line in model.split("\n") if model)
