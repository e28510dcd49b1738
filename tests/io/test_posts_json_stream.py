import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.io.posts import json_stream
from narraframe.io.posts.json_stream import (
    JsonBrokenError,
    JsonCursor,
    JsonFaultError,
    decode_json,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children),
    max_leaves=12,
)


def pieces(data, size):
    return [data[i : i + size] for i in range(0, len(data), size)]


@given(value=values, size=st.integers(1, 9), ascii_only=st.booleans())
def test_a_value_is_the_same_however_its_bytes_arrive(value, size, ascii_only):
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return
    cursor = JsonCursor(pieces(data, size))
    assert cursor.value() == value
    assert cursor.peek() == ""


@given(elements=st.lists(values, max_size=5), size=st.integers(1, 9))
def test_an_array_is_read_element_by_element(elements, size):
    cursor = JsonCursor(pieces(json.dumps(elements).encode(), size))
    assert [cursor.value() for _ in cursor.elements()] == elements


@given(content=st.dictionaries(st.text(), values, max_size=5), size=st.integers(1, 9))
def test_an_object_is_read_key_by_key(content, size):
    cursor = JsonCursor(pieces(json.dumps(content, indent=1).encode(), size))
    assert {key: cursor.value() for key in cursor.keys()} == content  # noqa: SIM118


@given(data=st.binary(max_size=60), size=st.integers(1, 9))
def test_any_bytes_end_in_a_value_or_a_named_fault(data, size):
    cursor = JsonCursor(pieces(data, size))
    try:
        while cursor.peek():
            try:
                cursor.value()
            except JsonFaultError:
                continue
    except JsonBrokenError:
        pass


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\x0Bb"', "a\x0bb"),
        (r'"a\\x0Bb"', r"a\x0Bb"),
        (r'"a\\\x1fb"', "a\\\x1fb"),
        (r'"\x01\u0041\n"', "\x01A\n"),
        ('"a\tb"', "a\tb"),
    ],
)
def test_x_escapes_are_read_unless_the_backslash_is_itself_escaped(text, value):
    assert decode_json(text) == value


def test_an_x_escape_is_read_across_two_pieces():
    assert JsonCursor([b'"a\\x', b'0Bb"']).value() == "a\x0bb"


def test_an_invalid_value_is_stepped_over():
    cursor = JsonCursor([b'[1, {"a": b c}, 2]'])
    read = []
    for _ in cursor.elements():
        try:
            read.append(cursor.value())
        except JsonFaultError as fault:
            read.append(str(fault))
    assert read == [1, "invalid JSON: Expecting value at character 7", 2]


def test_the_place_of_a_break_is_counted_in_bytes():
    cursor = JsonCursor(['["żółw"'.encode(), b"  x"])
    with pytest.raises(JsonBrokenError, match=r"'\]' is missing at byte 12$"):
        [cursor.value() for _ in cursor.elements()]


def test_a_mark_of_byte_order_is_no_part_of_the_text():
    assert JsonCursor([b"\xef\xbb\xbf[]"]).value() == []


def test_a_value_over_the_limit_breaks_the_reading_off(monkeypatch):
    monkeypatch.setattr(json_stream, "MAX_VALUE_CHARS", 100)
    cursor = JsonCursor(pieces(b'"' + b"a" * 1000 + b'"', 50))
    with pytest.raises(JsonBrokenError, match="larger than 100 characters"):
        cursor.value()


def test_text_behind_the_only_value_is_a_fault():
    with pytest.raises(JsonFaultError, match="more text follows the value at character 4"):
        decode_json("{} {}")


def test_a_key_that_cannot_be_read_hides_its_own_value_only():
    cursor = JsonCursor([b'{"a": 1, "\xff": 2, "b": 3}'])
    assert {key: cursor.value() for key in cursor.keys()} == {"a": 1, "": 2, "b": 3}  # noqa: SIM118
