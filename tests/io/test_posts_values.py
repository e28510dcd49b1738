import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.io.posts.values import (
    as_name,
    joined_text,
    parse_names,
    parse_reactions,
    reaction_pairs,
)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, None),
        ("", None),
        (float("nan"), None),
        ([], ()),
        ("[]", ()),
        (["a", "b"], ("a", "b")),
        (("a", "b"), ("a", "b")),
        ('["a", "b, c"]', ("a", "b, c")),
        ("a; b|c", ("a", "b", "c")),
        ("one label, with a comma", ("one label, with a comma",)),
        (["a", "a", "", "b"], ("a", "b")),
        ([1, 2.0], ("1", "2")),
        (3, ("3",)),
    ],
)
def test_labels_are_read_from_each_notation(value, names):
    assert parse_names(value) == names


@pytest.mark.parametrize("value", [{"a": 1}, [["a"]], [None], [True], "[1", True])
def test_what_is_no_list_of_labels_is_refused(value):
    with pytest.raises(ValueError, match=r"list|delimiter"):
        parse_names(value)


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (None, None),
        ("", None),
        ([], {}),
        ({}, {}),
        ({"👍": 2}, {"👍": 2}),
        ([("👍", 2), ("❤", 1)], {"👍": 2, "❤": 1}),
        ('{"👍": 2}', {"👍": 2}),
        ([{"type": "emoji", "emoji": "👍", "count": 2}], {"👍": 2}),
        ([{"type": "custom_emoji", "document_id": "7", "count": 2}], {"custom:7": 2}),
        ([{"type": "paid", "count": 5}], {"paid": 5}),
        ({"results": [{"reaction": {"emoticon": "👍"}, "count": 2}]}, {"👍": 2}),
        ({"results": [{"reaction": "👍", "count": 2}]}, {"👍": 2}),
        ({"reactions": [{"_": "Reaction", "emoji": "💯", "count": 2}]}, {"💯": 2}),
        ("👍👍❤️👩‍🚀🇪🇺", {"👍": 2, "❤️": 1, "👩‍🚀": 1, "🇪🇺": 1}),
        ("👍8❤3👏2", {"👍": 8, "❤": 3, "👏": 2}),
        ("👍 1.2K 🔥 3", {"👍": 1200, "🔥": 3}),
    ],
)
def test_reactions_are_read_from_each_notation(value, counts):
    assert parse_reactions(value) == counts


@pytest.mark.parametrize(
    "value", ["15", 15, "nice", [3], {"👍": "x"}, {"👍": -1}, "{'count': 1}, "]
)
def test_what_is_no_reactions_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        parse_reactions(value)


@pytest.mark.parametrize("line", ["", "8", "👍", "2024", "© 2024", "Top 8", "👍8 people", "#1"])
def test_a_line_with_anything_else_is_no_line_of_reactions(line):
    assert reaction_pairs(line) is None


@given(line=st.text() | st.text(alphabet="👍❤🔥0123456789.KM "))
def test_no_line_raises(line):
    counts = reaction_pairs(line)
    assert counts is None or all(count >= 0 for count in counts.values())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (" Harbour ", "Harbour"),
        ("", None),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (float("nan"), None),
        (True, None),
        (None, None),
        ({"id": 5, "title": "Harbour"}, "Harbour"),
        ({"id": 5}, "5"),
        ([], None),
    ],
)
def test_a_name_is_read_from_text_number_or_object(value, name):
    assert as_name(value) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a", "a"),
        (5, "5"),
        (["a", {"type": "bold", "text": "b"}, "c"], "abc"),
        ({"_": "TextWithEntities", "text": "a"}, "a"),
        ({"no": "text"}, None),
        (["a", ["b", 7]], "ab7"),
        (["a", True], None),
        (True, None),
    ],
)
def test_text_is_joined_from_its_parts(value, text):
    assert joined_text(value) == text
