"""Skops files read without skops: the same values, and nothing but plain ones."""

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from narraframe.io.plain_parts import NotPlainError, read_plain

plain = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text() | st.floats(-9, 9)
nested = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(max_examples=30, deadline=None)
@given(value=nested)
def test_plain_values_are_what_skops_reads(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("parts") / "parts.skops"
    skops.io.dump({"a": value}, path)
    assert read_plain(path) == skops.io.load(path, trusted=[]) == {"a": value}


@pytest.mark.parametrize(
    "array",
    [
        np.eye(3, dtype=np.float32),
        np.array(["a", "ß"]),
        np.zeros((0, 2), np.int64),
        np.float32([1]),
    ],
)
def test_arrays_keep_type_and_shape(tmp_path, array):
    skops.io.dump({"x": array, "again": array}, tmp_path / "parts.skops")
    found = read_plain(tmp_path / "parts.skops")
    for name in ("x", "again"):
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert (found[name] == array).all()


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {1, 2}}, {"a": np.random.default_rng(0)}, int])
def test_anything_else_is_left_to_skops(tmp_path, value):
    skops.io.dump(value, tmp_path / "parts.skops")
    with pytest.raises(NotPlainError):
        read_plain(tmp_path / "parts.skops")


def test_a_file_that_is_no_archive_is_left_to_skops(tmp_path):
    (tmp_path / "parts.skops").write_bytes(b"no archive")
    with pytest.raises(NotPlainError):
        read_plain(tmp_path / "parts.skops")
