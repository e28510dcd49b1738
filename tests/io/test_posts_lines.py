import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.io.posts import lines
from narraframe.io.posts.lines import Line, read_lines


def test_lines_lose_their_ends_of_either_kind():
    assert list(read_lines([b"a\r\nb\n\nc"])) == [
        Line(1, b"a", 2),
        Line(2, b"b", 1),
        Line(3, b"", 0),
        Line(4, b"c", 1),
    ]


@given(data=st.binary(max_size=80), size=st.integers(1, 7))
def test_lines_are_the_same_however_their_bytes_arrive(data, size):
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [line.data for line in read_lines(chunks)] == [e.removesuffix(b"\r") for e in expected]


def test_a_line_over_the_limit_is_counted_but_not_held(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    chunks = (b"x" * 100_000 for _ in range(500))
    tracemalloc.start()
    found = list(read_lines([b"short\n", *[b"y" * 400] * 4, b"\nlast"]))
    assert found == [Line(1, b"short", 5), Line(2, None, 1600), Line(3, b"last", 4)]
    assert list(read_lines(chunks)) == [Line(1, None, 50_000_000)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("size", [1000, 1001])
def test_the_limit_itself_is_allowed(monkeypatch, size):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    (line,) = read_lines([b"x" * size])
    assert (line.data is None) == (size > 1000)
