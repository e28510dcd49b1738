from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from narraframe.themes.assign import assign
from narraframe.themes.discover import Discovery, discover
from narraframe.themes.reference import to_arrays
from narraframe.themes.refit import Refit, graph_fingerprint, profiles, take_up
from narraframe.themes.settings import ThemeSettings
from narraframe.themes.state import ThemesState, state_from_arrays, state_to_arrays
from narraframe.themes.view import view

# At 1 a small round blob may fall in two.
SETTINGS = ThemeSettings(n_reruns=1, granularity=0.7)
REST = {"encoder": "e@1", "fingerprint": "f"}


@dataclass(frozen=True)
class Fit:
    """Posts (rows of a corpus), what was discovered in them, and what was taken up."""

    rows: np.ndarray
    discovery: Discovery
    refit: Refit

    @property
    def state(self) -> ThemesState:
        return self.refit.state

    def theme_of(self, subject: int) -> int:
        """Return the number of the theme that holds this subject of the corpus."""
        (number,) = set(self.state.theme[self.truth == subject].tolist())
        return number

    @property
    def truth(self) -> np.ndarray:
        return np.array([int(post_id.split("-")[1]) for post_id in self.state.post_ids])


@pytest.fixture(scope="module")
def corpus(make_corpus):
    """Posts of four subjects, whose ids say the subject."""
    made = make_corpus(60, 45, 35, 25)
    ids = [
        f"{post_id}-{subject}" for post_id, subject in zip(made.post_ids, made.truth, strict=True)
    ]
    return replace(made, post_ids=ids)


@pytest.fixture(scope="module")
def fit(corpus) -> Callable[..., Fit]:
    """Find the themes of some rows of the corpus, in that order, and take them up."""
    known: dict[bytes, Discovery] = {}

    def find(rows, previous: ThemesState | None = None, **options) -> Fit:
        rows = np.asarray(rows)
        ids, texts = ([column[i] for i in rows] for column in (corpus.post_ids, corpus.texts))
        vectors = corpus.vectors[rows]
        if rows.tobytes() not in known:
            known[rows.tobytes()] = discover(
                ids, vectors, texts, ["en"] * len(ids), ids, settings=SETTINGS
            )
        found = known[rows.tobytes()]
        columns = {"months": [None] * len(ids), "channels": [None] * len(ids)}
        return Fit(
            rows, found, take_up(found, vectors, previous=previous, **columns | REST | options)
        )

    return find


@pytest.fixture(scope="module")
def all_rows(corpus) -> np.ndarray:
    return np.arange(len(corpus.post_ids))


@pytest.fixture(scope="module")
def without(corpus) -> Callable[..., np.ndarray]:
    """Return the rows of all posts but those of some subjects."""
    return lambda *subjects: np.flatnonzero(~np.isin(corpus.truth, subjects))


@pytest.fixture(scope="module")
def first(fit, all_rows) -> Fit:
    return fit(all_rows)


def kinds(found: Fit) -> dict[int, str]:
    return {change.theme: change.kind for change in found.refit.changes}


def renumbered(state: ThemesState, numbers: dict[int, int]) -> ThemesState:
    """Return a state whose themes have other numbers; only what a refit looks at is kept right."""
    new = np.array([numbers.get(t, -1) for t in state.theme.tolist()], np.int32)
    themes = np.array(sorted(numbers.values()), np.int32)
    old = {new_number: old_number for old_number, new_number in numbers.items()}
    places = [state.reference.themes.tolist().index(old[t]) for t in themes.tolist()]
    kept = replace(state.reference, themes=themes, centroids=state.reference.centroids[places])
    return replace(state, theme=new, reference=kept, next_theme=max(numbers.values()) + 1)


# --- the first fit


def test_the_first_themes_are_numbered_by_size_from_the_next_free_number(first, fit, all_rows):
    assert [first.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]
    assert first.state.next_theme == 4
    later = fit(all_rows, next_theme=40)
    assert [later.theme_of(subject) for subject in range(4)] == [40, 41, 42, 43]
    assert later.state.next_theme == 44
    assert later.state.theme_stability.keys() == {40, 41, 42, 43}


def test_the_state_holds_the_columns_it_was_given(first, fit, all_rows):
    n = len(all_rows)
    months, channels = [f"2024-{1 + i % 3:02}" for i in range(n)], [None, "x"] * (n // 2) + ["y"]
    state = fit(all_rows, months=months, channels=channels[:n]).state
    assert (state.month, state.channel) == (tuple(months), tuple(channels[:n]))
    assert (state.encoder, state.fingerprint) == ("e@1", "f")


def test_the_state_says_the_same_after_it_was_saved_and_read(first):
    again = state_from_arrays(state_to_arrays(first.state))
    assert again.vectors.tobytes() == first.state.vectors.tobytes()
    assert repr(view(again).summaries) == repr(view(first.state).summaries)


# --- numbers hold


def test_the_same_posts_again_keep_their_numbers(first, fit, all_rows):
    again = fit(all_rows, previous=first.state)
    np.testing.assert_array_equal(again.state.theme, first.state.theme)
    assert set(kinds(again).values()) == {"same"}
    assert again.state.next_theme == 4


def test_posts_in_another_order_keep_their_numbers(first, fit, all_rows):
    order = np.random.default_rng(5).permutation(all_rows)
    again = fit(order, previous=first.state)
    before = dict(zip(first.state.post_ids, first.state.theme.tolist(), strict=True))
    assert [before[p] for p in again.state.post_ids] == again.state.theme.tolist()


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_posts_that_come_and_go_change_no_number(first, fit, all_rows, share):
    rng = np.random.default_rng(7)
    fewer = fit(np.sort(rng.permutation(all_rows)[: int(share * len(all_rows))]), first.state)
    more = fit(all_rows, fewer.state)
    for found in (fewer, more):
        assert [found.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]
        assert found.state.next_theme == 4


def test_a_theme_keeps_its_number_when_it_is_no_longer_the_largest(corpus, first, fit, all_rows):
    # Only ten posts of the largest subject are left.
    largest = np.flatnonzero(corpus.truth == 0)
    again = fit(np.setdiff1d(all_rows, largest[10:]), first.state)
    assert [again.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]
    assert kinds(again)[0] == "shrunk"


def test_a_new_subject_gets_a_number_that_no_theme_ever_had(fit, without, all_rows):
    before = fit(without(1))
    after = fit(all_rows, before.state)
    assert before.state.next_theme == 3
    assert after.theme_of(1) == 3
    assert kinds(after)[3] == "new"
    assert [after.theme_of(s) for s in (0, 2, 3)] == [before.theme_of(s) for s in (0, 2, 3)]


# --- gone and back


def test_a_theme_that_is_gone_comes_back_under_its_number(first, fit, without, all_rows):
    away = fit(without(1), first.state)
    assert kinds(away)[1] == "gone"
    assert [profile.theme for profile in away.state.gone] == [1]
    assert 1 not in away.state.theme
    back = fit(all_rows, away.state)
    assert back.theme_of(1) == 1
    assert kinds(back)[1] == "back"
    assert back.state.gone == ()


def test_a_theme_comes_back_after_several_fits_without_it(first, fit, without, all_rows):
    state = first.state
    for rows in (without(1), without(1, 2), without(1)):
        state = fit(rows, state).state
    assert [profile.theme for profile in state.gone] == [1]
    back = fit(all_rows, state)
    assert [back.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]


def test_gone_themes_come_back_from_a_saved_state_too(first, fit, without, all_rows):
    away = fit(without(1, 3), first.state)
    saved = state_from_arrays(state_to_arrays(away.state))
    back = fit(all_rows, saved)
    assert [back.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]


def test_the_number_of_a_gone_theme_is_given_to_no_other(first, fit, without):
    away = fit(without(1, 2), fit(without(0), first.state).state)
    assert {profile.theme for profile in away.state.gone} == {1, 2}
    assert (away.theme_of(0), away.theme_of(3)) == (0, 3)
    assert away.state.next_theme == 4


# --- what is never used again


def test_a_number_above_all_used_ones_is_kept_free(first, fit, without, all_rows):
    before = fit(without(1))
    split = replace(before.state, parts={3: np.eye(32)[0], 4: np.eye(32)[1]}, next_theme=5)
    after = fit(all_rows, split)
    assert after.theme_of(1) == 5
    assert after.state.next_theme == 6
    assert set(after.state.parts) == {3, 4}


def test_the_larger_of_both_next_numbers_holds(fit, without, all_rows):
    before = fit(without(1))
    assert fit(all_rows, before.state, next_theme=20).theme_of(1) == 20
    assert fit(all_rows, replace(before.state, next_theme=30), next_theme=20).theme_of(1) == 30


def test_without_a_fit_before_there_are_no_parts_and_none_are_gone(first):
    assert (first.state.parts, first.state.gone) == ({}, ())


# --- the reference is that of the numbers


ORDERS = ([3, 2, 1, 0], [7, 0, 9, 4], [1, 0, 3, 2])


@pytest.mark.parametrize("order", ORDERS)
def test_a_state_under_other_numbers_is_the_same_but_for_the_numbers(first, fit, all_rows, order):
    numbers = dict(enumerate(order))
    again = fit(all_rows, renumbered(first.state, numbers)).state
    assert again.theme.tolist() == [numbers[t] for t in first.state.theme.tolist()]
    assert again.theme_stability == {numbers[t]: v for t, v in first.state.theme_stability.items()}
    assert again.reference.themes.tolist() == sorted(order)
    by_number = dict(zip(again.reference.themes.tolist(), again.reference.centroids, strict=True))
    kept = first.state.reference
    for old, centroid in zip(kept.themes.tolist(), kept.centroids, strict=True):
        np.testing.assert_array_equal(by_number[numbers[old]], centroid)


@pytest.mark.parametrize("order", ORDERS)
def test_posts_are_assigned_alike_whatever_the_themes_are_called(
    corpus, first, fit, all_rows, order
):
    numbers = dict(enumerate(order)) | {-1: -1}
    again = fit(all_rows, renumbered(first.state, dict(enumerate(order)))).state
    rng = np.random.default_rng(3)
    between = corpus.vectors[rng.permutation(all_rows)] + corpus.vectors
    vectors = np.concatenate([corpus.vectors, between, rng.normal(size=(60, 32))])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    before, after = (assign(state.reference, vectors) for state in (first.state, again))
    assert {-1, 0, 1, 2, 3} == set(before.theme.tolist())
    for field in fields(before):
        one, other = getattr(before, field.name), getattr(after, field.name)
        if field.name in ("theme", "suggested"):
            one = np.array([numbers[t] for t in one.tolist()])
        np.testing.assert_array_equal(other, one, err_msg=field.name)


@pytest.mark.parametrize("order", ORDERS)
def test_the_posts_of_the_fit_are_assigned_to_their_own_themes(first, fit, all_rows, order):
    state = fit(all_rows, renumbered(first.state, dict(enumerate(order)))).state
    found = assign(state.reference, state.vectors, novel_share=0.0)
    np.testing.assert_array_equal(found.theme, state.theme_of_distinct)


def test_the_same_fit_is_the_same_bytes(first, fit, all_rows):
    one, other = (state_to_arrays(fit(all_rows, first.state).state) for _ in range(2))
    assert {n: a.tobytes() for n, a in one.items()} == {n: a.tobytes() for n, a in other.items()}
    kept = to_arrays(first.state.reference)
    assert kept["vectors"].shape == (165, 32)


# --- what a fit is known by


def test_a_profile_holds_all_posts_of_a_theme_copies_included(corpus):
    ids = [*corpus.post_ids, "copy-0"]
    first_of_0 = int(np.flatnonzero(corpus.truth == 0)[0])
    vectors = np.vstack([corpus.vectors, corpus.vectors[first_of_0]])
    found = discover(
        ids,
        vectors,
        [*corpus.texts, corpus.texts[first_of_0]],
        ["en"] * len(ids),
        [*corpus.post_ids, corpus.post_ids[first_of_0]],
        settings=SETTINGS,
    )
    nothing = {"months": [None] * len(ids), "channels": [None] * len(ids)}
    state = take_up(found, vectors, **nothing | REST).state
    known = {profile.theme: profile for profile in profiles(state)}
    assert known[0].post_ids == {"copy-0"} | {i for i in corpus.post_ids if i.endswith("-0")}
    assert known[0].keywords.keys() & {"harvest", "grain", "wheat", "barley", "tractor", "field"}
    np.testing.assert_array_equal(known[0].centroid, state.reference.centroids[0])


def test_a_fit_without_themes_is_taken_up_and_taken_over(first, fit, all_rows):
    nothing = fit(all_rows[:5], first.state)
    assert (nothing.state.theme == -1).all()
    assert nothing.state.theme_stability == {}
    assert {profile.theme for profile in nothing.state.gone} == {0, 1, 2, 3}
    back = fit(all_rows, nothing.state)
    assert [back.theme_of(subject) for subject in range(4)] == [0, 1, 2, 3]


def test_the_fingerprint_is_that_of_vectors_groups_and_neighbours_only(corpus):
    ids, vectors = corpus.post_ids, corpus.vectors
    known = graph_fingerprint(vectors, ids, SETTINGS)
    assert graph_fingerprint(vectors.copy(order="F"), list(ids), SETTINGS) == known
    for same in (replace(SETTINGS, engine="graph"), replace(SETTINGS, granularity=2.0, seed=9)):
        assert graph_fingerprint(vectors, ids, same) == known
    others = (
        (vectors[::-1], ids, SETTINGS),
        (vectors, ids[::-1], SETTINGS),
        (vectors, [ids[0], *ids[:-1]], SETTINGS),
        (vectors, ids, replace(SETTINGS, n_neighbors=9)),
    )
    assert len({known, *(graph_fingerprint(*other) for other in others)}) == 5
