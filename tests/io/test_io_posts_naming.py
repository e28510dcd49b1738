import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.io.posts import shown_names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ([], []),
        (["a/x.csv", "a/y.csv"], ["x.csv", "y.csv"]),
        (["a/x.csv", "b/x.csv", "y.csv"], ["a/x.csv", "b/x.csv", "y.csv"]),
        (["1/a/x.csv", "2/a/x.csv"], ["1/a/x.csv", "2/a/x.csv"]),
        (["x.csv", "./x.csv", "x.csv"], ["x.csv", "x.csv (2)", "x.csv (3)"]),
        (["-", "-"], ["standard input", "standard input (2)"]),
    ],
)
def test_an_input_is_called_by_what_tells_it_from_the_others(paths, names):
    assert shown_names(paths) == names


part = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.lists(part, min_size=1, max_size=4).map("/".join), max_size=8))
def test_no_two_inputs_are_called_alike(paths):
    names = shown_names(paths)
    assert len(set(names)) == len(paths)
    assert all(p.rsplit("/")[-1] in n for p, n in zip(paths, names, strict=True))
