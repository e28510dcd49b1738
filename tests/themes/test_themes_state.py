from __future__ import annotations

import io
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import scipy.sparse as sp
from state_cases import IDS, make_state

from narraframe.errors import TableError
from narraframe.themes.assign import assign
from narraframe.themes.reference import reference, to_arrays
from narraframe.themes.state import ThemesState, state_from_arrays, state_to_arrays

SAME = (
    *("post_ids", "month", "channel", "fingerprint", "theme_stability", "next_theme", "encoder"),
    *("theme", "membership", "xy", "row_of_post", "distinct"),
)


def fault(arrays) -> str:
    """Return what is said of the arrays, "" if they make a state."""
    try:
        state_from_arrays(arrays)
    except TableError as error:
        return str(error)
    return ""


def saved(state: ThemesState) -> dict[str, np.ndarray]:
    """Save the state to a file and read its arrays."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **state_to_arrays(state))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def state() -> ThemesState:
    return make_state()


@pytest.fixture(scope="module")
def back(state) -> ThemesState:
    return state_from_arrays(saved(state))


@pytest.mark.parametrize("name", SAME)
def test_a_column_comes_back_as_it_was(state, back, name):
    before, after = getattr(state, name), getattr(back, name)
    np.testing.assert_equal(after, before)
    assert type(after) is type(before)
    assert getattr(after, "dtype", None) == getattr(before, "dtype", None)


def test_matrices_come_back_as_they_were(state, back):
    assert back.terms.terms == state.terms.terms
    for before, after in ((state.terms.counts, back.terms.counts), (state.graph, back.graph)):
        assert after.dtype == before.dtype
        assert (after != before).nnz == 0


def test_vectors_that_fit_in_sixteen_bits_come_back_exactly(state, back):
    assert back.vectors.dtype == np.float32
    assert back.vectors.tobytes() == state.vectors.tobytes()


def test_finer_vectors_come_back_to_the_precision_of_sixteen_bits(state):
    rng = np.random.default_rng(1)
    fine = rng.uniform(-1, 1, size=state.vectors.shape).astype(np.float32)
    back = state_from_arrays(saved(replace(state, vectors=fine)))
    np.testing.assert_allclose(back.vectors, fine, rtol=2**-11, atol=1e-7)


def test_the_reference_comes_back_to_the_byte(state, back):
    before, after = to_arrays(state.reference), to_arrays(back.reference)
    assert [a.tobytes() for a in after.values()] == [a.tobytes() for a in before.values()]


def test_a_post_is_assigned_alike_before_and_after(state, back):
    before, after = (assign(s.reference, state.vectors) for s in (state, back))
    for field in fields(before):
        assert getattr(after, field.name).tobytes() == getattr(before, field.name).tobytes()


def test_parts_and_gone_themes_come_back_with_centroids_words_and_posts(state, back):
    assert list(back.parts) == [11, 12]
    for part, centroid in state.parts.items():
        np.testing.assert_array_equal(back.parts[part], centroid)
    (before,), (after,) = state.gone, back.gone
    np.testing.assert_array_equal(after.centroid, before.centroid)
    assert (after.theme, after.keywords, after.post_ids) == (
        before.theme,
        before.keywords,
        before.post_ids,
    )


def test_the_same_state_is_the_same_bytes_however_often_it_was_saved(state, back):
    first, second = state_to_arrays(state), state_to_arrays(back)
    assert {n: (a.dtype, a.tobytes()) for n, a in second.items()} == {
        n: (a.dtype, a.tobytes()) for n, a in first.items()
    }


def test_no_array_needs_pickling(state):
    assert not [name for name, array in state_to_arrays(state).items() if array.dtype.hasobject]


def test_ids_of_any_letters_come_back(state):
    ids = ("a\0b", "\n", "", " 🙂", "x" * 5000, *IDS[5:])
    assert state_from_arrays(saved(replace(state, post_ids=ids))).post_ids == ids


def test_a_state_without_any_theme_comes_back():
    plain, nothing = make_state(), np.full(11, -1, np.int32)
    state = replace(
        plain,
        theme=nothing,
        reference=reference(plain.vectors, nothing[:9]),
        theme_stability={},
        parts={},
        gone=(),
        next_theme=0,
    )
    back = state_from_arrays(saved(state))
    assert (back.theme_stability, back.parts, back.gone, back.next_theme) == ({}, {}, (), 0)
    assert back.reference.themes.shape == (0,)


@pytest.mark.parametrize("name", sorted(state_to_arrays(make_state())))
def test_a_missing_array_is_one_clear_error(state, name):
    arrays = saved(state)
    del arrays[name]
    with pytest.raises(TableError, match=r"lacks .*Find the themes again\."):
        state_from_arrays(arrays)


@pytest.mark.filterwarnings("ignore:Conversion of an array")
@pytest.mark.parametrize("name", sorted(state_to_arrays(make_state())))
@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: array[:-1] if array.ndim else np.array(-5),
        lambda array: array.astype("U3"),
        lambda array: array[None],
        lambda array: np.array(7.5),
    ],
    ids=["shorter", "text", "deeper", "a number"],
)
def test_an_odd_array_ends_in_nothing_worse_than_one_clear_error(state, name, spoil):
    arrays = saved(state)
    arrays[name] = spoil(arrays[name])
    # Some odd arrays cannot be told from sound ones.
    assert re.fullmatch(r"(the themes' state |arrays of the themes').*again\.|", fault(arrays))


def change(**arrays):
    """Return what replaces arrays of a saved state."""
    return {name.replace("__", "."): array for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (change(theme=np.zeros(10, np.int32)), "do not fit each other.*'theme'"),
        (change(theme=np.zeros(11)), "is damaged.*Cannot cast"),
        (change(theme=np.full(11, 12, np.int32)), "do not fit each other.*'reference'"),
        (change(membership=np.zeros(3, np.float32)), "do not fit each other.*'membership'"),
        (change(xy=np.zeros((11, 3), np.float32)), "do not fit each other.*'xy'"),
        (change(month__code=np.zeros(3, np.int32)), "do not fit each other.*'month'"),
        (change(channel__code=np.full(11, 99, np.int32)), "is damaged.*out of range"),
        (change(row_of_post=np.full(11, 9)), "do not fit each other.*'row_of_post'"),
        (change(row_of_post=np.full(11, -1)), "do not fit each other.*'row_of_post'"),
        (change(distinct=np.arange(3, 12)), "do not fit each other.*'distinct'"),
        (change(vectors=np.zeros((8, 6), np.float16)), "do not fit each other.*'vectors'"),
        (change(vectors=np.zeros((9, 5), np.float16)), "do not fit each other.*'vectors'"),
        (change(parts__centroid=np.zeros((2, 5), np.float32)), "fit each other.*'centroids'"),
        (change(parts__theme=np.array([1], np.int32)), "is damaged.*shorter|is damaged.*longer"),
        (change(next_theme=np.array(7)), "do not fit each other.*'next_theme'"),
        (change(graph__shape=np.array([8, 9])), "is damaged"),
        (change(graph__indices=np.full(99, 5000, np.int32)), "is damaged"),
        (change(post_ids=np.frombuffer(b"[1, 2", np.uint8)), "is damaged"),
        (change(post_ids=np.frombuffer(b"\xff\xfe", np.uint8)), "is damaged"),
        (change(reference__usual=np.zeros(7)), "do not fit each other"),
    ],
)
def test_arrays_that_do_not_fit_are_named(state, changes, message):
    with pytest.raises(TableError, match=f"{message}.*Find the themes again"):
        state_from_arrays(saved(state) | changes)


def test_a_column_beyond_the_matrix_is_found_before_it_is_read(state):
    arrays = saved(state)
    arrays["terms.indices"] = arrays["terms.indices"] + 10_000
    with pytest.raises(TableError, match="is damaged"):
        state_from_arrays(arrays)


def test_the_theme_of_a_distinct_post_is_that_of_its_post(state):
    assert state.theme_of_distinct.tolist() == [2, 5, 2, 7, 2, 5, 2, -1, 7]
    assert isinstance(state.graph, sp.csr_matrix)
