from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from narraframe.errors import InputError, TableError, UsageError
from narraframe.io.curation import Curation
from narraframe.themes.curate import (
    assign_parts,
    centroids_of_parts,
    check_curation,
    next_theme,
    replay,
    shown_themes,
    split_posts,
)

AT = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)
PRESENT = range(6)


def did(action: str, *themes: int, into: tuple[int, ...] | int = (), name: str = "") -> Curation:
    into = into if isinstance(into, tuple) else (into,)
    return Curation(at=AT, action=action, themes=themes, into=into, name=name, fit="one")


# ---- replay


def test_without_a_log_every_theme_is_shown_as_itself():
    curated = replay([], [3, 1])
    assert curated.shown == {1: 1, 3: 3}
    assert (curated.names, curated.hidden, curated.splits, curated.absent) == (
        {},
        frozenset(),
        {},
        {},
    )


def test_the_last_name_holds():
    log = [did("name", 1, name="Grain"), did("name", 1, name="Grain deal")]
    assert replay(log, PRESENT).names == {1: "Grain deal"}


def test_merges_chain():
    log = [did("merge", 1, into=2), did("merge", 2, into=3)]
    assert replay(log, PRESENT).shown == {0: 0, 1: 3, 2: 3, 3: 3, 4: 4, 5: 5}


def test_a_merge_keeps_the_name_of_its_target_unless_it_gives_one():
    named = [did("name", 1, name="one"), did("name", 2, name="two")]
    assert replay([*named, did("merge", 1, into=2)], PRESENT).names[2] == "two"
    assert replay([*named, did("merge", 1, into=2, name="both")], PRESENT).names[2] == "both"


def test_a_theme_taken_out_of_a_merge_has_its_own_name_again():
    log = [did("name", 1, name="one"), did("merge", 1, into=2), did("restore", 1)]
    curated = replay(log, PRESENT)
    assert (curated.shown[1], curated.names) == (1, {1: "one"})


def test_restore_first_undoes_what_took_a_theme_from_view_and_then_its_name():
    log = [did("name", 1, name="one"), did("hide", 1), did("restore", 1)]
    assert (replay(log, PRESENT).hidden, replay(log, PRESENT).names) == (frozenset(), {1: "one"})
    assert replay([*log, did("restore", 1)], PRESENT).names == {}


def test_of_hide_merge_and_split_the_last_line_holds():
    hide, merge, split = did("hide", 1), did("merge", 1, into=2), did("split", 1, into=(8, 9))
    assert replay([hide, merge], PRESENT).hidden == frozenset()
    curated = replay([split, merge], PRESENT)
    assert (curated.splits, curated.shown[1]) == ({}, 2)
    curated = replay([merge, split], PRESENT)
    assert (curated.splits, curated.shown[1]) == ({1: (8, 9)}, 1)


def test_what_was_merged_stays_under_its_name_when_the_machine_finds_the_target_no_more():
    log = [did("merge", 1, 3, into=2, name="Grain deal")]
    curated = replay(log, [0, 1, 3])
    assert curated.shown == {0: 0, 1: 2, 3: 2}
    assert curated.names[2] == "Grain deal"
    assert curated.absent == {}


def test_lines_on_themes_that_are_gone_change_nothing_and_are_reported():
    log = [
        did("name", 7, name="Floods"),
        did("merge", 8, into=1),
        did("hide", 9),
        did("split", 10, into=(11, 12)),
    ]
    curated = replay(log, [0, 1])
    assert curated.shown[0] == 0
    assert curated.shown[1] == 1
    assert curated.absent == {
        7: "named 'Floods'",
        8: "merged into T1",
        9: "hidden",
        10: "split into T11 and T12",
    }


def test_a_theme_that_comes_back_has_its_lines_again():
    log = [did("name", 7, name="Floods"), did("hide", 7)]
    curated = replay(log, [7])
    assert (curated.hidden, curated.absent) == (frozenset({7}), {})


def test_a_part_of_a_split_is_a_theme_like_others():
    log = [
        did("split", 1, into=(8, 9)),
        did("name", 8, name="Prices"),
        did("merge", 9, into=3),
    ]
    curated = replay(log, PRESENT)
    assert curated.splits == {1: (8, 9)}
    assert (curated.shown[8], curated.shown[9]) == (8, 3)
    assert curated.names == {8: "Prices"}


def test_a_restored_split_takes_with_it_what_was_done_to_its_parts():
    log = [
        did("split", 1, into=(8, 9)),
        did("split", 9, into=(10, 11)),
        did("name", 11, name="Prices"),
        did("merge", 2, into=8),
        did("restore", 1),
    ]
    assert replay(log, PRESENT) == replay([], PRESENT)


def test_a_circle_is_broken_at_the_target_of_the_last_line():
    log = [did("merge", 1, into=2), did("merge", 2, into=3), did("merge", 3, into=1)]
    assert replay(log, [1, 2, 3]).shown == {1: 1, 2: 1, 3: 1}


def test_a_part_merged_back_into_its_theme_ends_the_split():
    log = [did("split", 1, into=(8, 9)), did("merge", 8, into=1)]
    curated = replay(log, PRESENT)
    assert (curated.splits, curated.shown[1]) == ({}, 1)


# ---- properties

NUMBERS = st.integers(0, 9)


def well_formed() -> st.SearchStrategy[Curation]:
    some = st.lists(NUMBERS, min_size=1, max_size=3, unique=True)
    return st.one_of(
        st.builds(lambda t, n: did("name", t, name=n), NUMBERS, st.sampled_from("abc")),
        st.builds(lambda ts: did("hide", *ts), some),
        st.builds(lambda ts: did("restore", *ts), some),
        st.builds(lambda ts: did("merge", *ts[1:], into=ts[0]), some.filter(lambda t: t[1:])),
        st.builds(lambda ts: did("split", ts[0], into=tuple(ts[1:])), some.filter(lambda t: t[2:])),
    )


@st.composite
def allowed_logs(draw: st.DrawFn) -> list[Curation]:
    log: list[Curation] = []
    for line in draw(st.lists(well_formed(), max_size=8)):
        if line.action == "split":
            free = next_theme(log, [*PRESENT, *line.themes])
            line = did("split", *line.themes, into=(free, free + 1))
        try:
            check_curation(line, log, PRESENT)
        except UsageError:
            continue
        log.append(line)
    return log


@settings(deadline=None)
@given(allowed_logs(), NUMBERS)
def test_hide_then_restore_is_nothing(log, theme):
    try:
        check_curation(did("hide", theme), log, PRESENT)
    except UsageError:
        return
    there_and_back = [*log, did("hide", theme), did("restore", theme)]
    assert replay(there_and_back, PRESENT) == replay(log, PRESENT)


@settings(deadline=None)
@given(allowed_logs(), st.permutations(list(PRESENT)))
def test_a_chain_of_merges_equals_the_direct_merge(log, order):
    a, b, c, *_ = order
    chain = [did("merge", a, into=b), did("merge", b, into=c)]
    direct = [did("merge", a, b, into=c)]
    try:
        for i, line in enumerate(chain):
            check_curation(line, [*log, *chain[:i]], PRESENT)
    except UsageError:
        return
    assert replay([*log, *chain], PRESENT).shown == replay([*log, *direct], PRESENT).shown


@settings(deadline=None)
@given(st.lists(well_formed(), max_size=12), st.sets(NUMBERS))
def test_any_log_ends_in_shown_themes_without_circles(log, present):
    curated = replay(log, present)
    assert all(curated.shown.get(end, end) == end for end in curated.shown.values())
    theme = np.array([*sorted(present), -1], np.int32)
    vectors = np.eye(len(theme), 30, dtype=np.float32)
    centroids = {part: np.eye(30, dtype=np.float32)[part] for part in range(30)}
    ends = shown_themes(theme, vectors, curated, centroids).tolist()
    assert ends[-1] == -1
    assert not set(ends) & curated.splits.keys()


@settings(deadline=None)
@given(st.lists(well_formed(), max_size=12))
def test_everything_can_be_undone(log):
    while replay(log, []).absent:
        log = [*log, did("restore", *replay(log, []).absent)]
    assert replay(log, PRESENT) == replay([], PRESENT)


@settings(deadline=None)
@given(allowed_logs())
def test_an_allowed_log_leaves_no_line_waiting(log):
    curated = replay(log, PRESENT)
    assert curated.absent == {}


# ---- checking a new action

LOG = [
    did("hide", 2),
    did("merge", 3, into=4),
    did("split", 5, into=(6, 7)),
    did("name", 9, name="Floods"),
]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (did("name", 12, name="x"), r"no theme T12\. Did you mean T1 or T2\? There are T0-T7\."),
        (did("hide", 2), r"T2 is hidden\. Restore T2 first\."),
        (did("split", 2, into=(10, 11)), r"T2 is hidden\. Restore T2 first\."),
        (did("merge", 1, into=2), "T2 is hidden"),
        (did("hide", 3), r"T3 is merged into T4\. Restore T3 first\."),
        (did("merge", 1, into=5), r"T5 is split into T6 and T7\. Restore T5 first\."),
        (did("hide", 9), r"T9 is not among the present themes\. It is named 'Floods', which waits"),
        (did("split", 1, into=(8, 10)), r"new numbers \(got 'T8'\)\. The next free one is T10\."),
        (did("restore", 0), r"T0 has nothing to restore\. It is not hidden"),
        (did("restore", 4), r"T4 has nothing to restore\. To take out what was merged .* T3\."),
        (did("restore", 88), r"there is no theme T88\. There are T0-T7, T9\."),
    ],
)
def test_an_action_that_the_themes_do_not_allow_is_refused(new, message):
    with pytest.raises(UsageError, match=message):
        check_curation(new, LOG, PRESENT)


@pytest.mark.parametrize(
    "new",
    [
        did("name", 6, name="Prices"),
        did("merge", 0, 7, into=1),
        did("split", 4, into=(10, 11)),
        did("restore", 2, 3, 5),
        did("restore", 9),
        did("hide", 0, 1, 4),
    ],
)
def test_an_action_on_shown_themes_or_waiting_lines_is_allowed(new):
    check_curation(new, LOG, PRESENT)


def test_without_themes_the_error_says_so():
    with pytest.raises(UsageError, match=r"no theme T0\. There are none\."):
        check_curation(did("hide", 0), [], [])


def test_the_next_number_is_above_all_that_were_ever_given():
    assert next_theme([]) == 0
    assert next_theme([], [3, 8]) == 9
    assert next_theme([did("split", 1, into=(20, 21)), did("restore", 1)], [3, 8]) == 22


# ---- splits


def two_blobs(n: int = 40, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat([0, 1], [n, n // 2]))
    vectors = np.eye(16)[truth] + 0.2 * rng.normal(size=(len(truth), 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def test_a_split_finds_the_two_subjects_and_numbers_the_larger_first():
    vectors, truth = two_blobs()
    parts = split_posts(vectors, n_parts=2, seed=0)
    assert parts.dtype == np.int32
    np.testing.assert_array_equal(parts, truth)


def test_of_parts_of_one_size_that_with_the_first_post_comes_first():
    vectors = np.eye(2, dtype=np.float32)[[1, 0] * 5]
    assert split_posts(vectors, n_parts=2, seed=0).tolist() == [0, 1] * 5


def test_a_split_is_the_same_each_time_and_for_any_order_of_posts():
    vectors, _ = two_blobs()
    parts = split_posts(vectors, n_parts=3, seed=4)
    np.testing.assert_array_equal(split_posts(vectors, n_parts=3, seed=4), parts)
    order = np.random.default_rng(1).permutation(len(vectors))
    two = split_posts(vectors, n_parts=2, seed=0)
    assert adjusted_rand_score(split_posts(vectors[order], n_parts=2, seed=0), two[order]) == 1.0


def test_more_parts_than_different_posts_are_refused():
    vectors = np.eye(2, dtype=np.float32)[[0, 1, 1, 1]]
    with pytest.raises(InputError, match=r"into 3 parts \(got '2 different posts'\)"):
        split_posts(vectors, n_parts=3, seed=0)


def test_the_centroids_give_posts_their_parts_and_unseen_ones_too():
    vectors, truth = two_blobs()
    centroids = centroids_of_parts(vectors, truth.astype(np.int32))
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(assign_parts(vectors, centroids), truth)
    others, other_truth = two_blobs(seed=5)
    np.testing.assert_array_equal(assign_parts(others, centroids), other_truth)


def test_a_post_gets_its_part_whatever_it_is_asked_with():
    vectors, truth = two_blobs()
    centroids = centroids_of_parts(vectors, truth.astype(np.int32))
    alone = [int(assign_parts(vectors[i : i + 1], centroids)[0]) for i in range(len(vectors))]
    assert alone == assign_parts(vectors, centroids).tolist()


def test_posts_follow_merges_into_the_parts_of_a_split_and_on():
    log = [
        did("merge", 1, into=2),
        did("split", 2, into=(8, 9)),
        did("merge", 9, into=0),
        did("hide", 3),
    ]
    curated = replay(log, range(4))
    axes = np.eye(4, dtype=np.float32)
    theme = np.array([1, 1, 2, 2, 3, 0, -1, -2], np.int32)
    vectors = axes[[0, 1, 0, 1, 2, 3, 0, 0]]
    shown = shown_themes(theme, vectors, curated, {8: axes[0], 9: axes[1]})
    assert shown.tolist() == [8, 0, 8, 0, 3, 0, -1, -2]
    assert shown.dtype == np.int32


def test_a_split_without_its_centroids_is_an_error():
    curated = replay([did("split", 2, into=(8, 9))], [2])
    theme, vectors = np.array([2], np.int32), np.eye(1, 4, dtype=np.float32)
    with pytest.raises(TableError, match=r"centroid of T8, a part of T2, is lacking\. Restore T2"):
        shown_themes(theme, vectors, curated, {9: vectors[0]})
