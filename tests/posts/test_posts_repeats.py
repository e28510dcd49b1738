from hypothesis import given
from hypothesis import strategies as st

from narraframe.posts.repeats import SHORTEST, collapse_repeats

A = "The ministers met in the capital and spoke"
B = "They will sign two treaties on trade later"


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(line in rest for line in part)


def has_long_repeat(lines):
    """Slow: look at every block at every place."""
    body = [line.strip() for line in lines if line.strip()]
    return any(
        body[i : i + k] == body[i + k : i + 2 * k]
        and sum(map(len, set(body[i : i + k]))) >= SHORTEST
        for k in range(1, len(body) // 2 + 1)
        for i in range(len(body) - 2 * k + 1)
    )


def test_a_repeated_block_is_kept_once_wherever_it_stands():
    assert collapse_repeats(["title", A, B, A, B, "end"]) == ["title", A, B, "end"]


def test_a_body_in_three_copies_is_kept_once():
    assert collapse_repeats([A, B] * 3) == [A, B]


def test_a_short_repetition_is_deliberate():
    lines = ["Peace!", "Peace!", "Peace!", A]
    assert collapse_repeats(lines) == lines


def test_a_chant_stays_however_often_it_is_repeated():
    assert collapse_repeats(["Freedom!"] * 30) == ["Freedom!"] * 30


def test_lines_that_recur_apart_stay():
    lines = [A, "first", A, "second", A]
    assert collapse_repeats(lines) == lines


def test_blank_lines_between_and_within_the_copies_do_not_hide_them():
    assert collapse_repeats([A, "", B, "", "", A, B, "x"]) == [A, "", B, "x"]


@given(st.lists(st.sampled_from(["", "a", "bb", A, B, f" {A}"]), max_size=14))
def test_no_long_repeat_is_left_and_nothing_is_added(lines):
    kept = collapse_repeats(lines)
    assert is_subsequence(kept, lines)
    assert not has_long_repeat(kept)
    assert set(filter(None, map(str.strip, kept))) == set(filter(None, map(str.strip, lines)))
