from __future__ import annotations

import numpy as np
import pytest

from narraframe.errors import ConfigError, TableError
from narraframe.themes.assign import assign
from narraframe.themes.emerging import emerging
from narraframe.themes.reference import reference

D = 48


def around(axis: int, n: int, *, seed: int, spread: float = 0.1) -> np.ndarray:
    vectors = np.eye(D)[[axis] * n] + spread * np.random.default_rng(seed).normal(size=(n, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def scattered(n: int, *, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def kept():
    """A fit with two themes, around axes 0 and 1, and some posts of none."""
    vectors = np.concatenate(
        [around(0, 200, seed=0), around(1, 200, seed=1), scattered(300, seed=2)]
    )
    return reference(vectors, np.repeat([0, 1, -1], [200, 200, 300]).astype(np.int32))


def offered(kept, *parts, groups=None, **options):
    vectors = np.concatenate(parts)
    names = groups or [f"p{i:03d}" for i in range(len(vectors))]
    return emerging(vectors, assign(kept, vectors), names, **options)


def test_a_new_subject_is_offered_with_its_posts_and_no_others(kept):
    (found,) = offered(kept, around(0, 50, seed=3), around(5, 20, seed=4), scattered(40, seed=5))
    assert found.rows.tolist() == list(range(50, 70))
    assert sorted(found.representatives.tolist()) == found.rows.tolist()
    assert found.n_groups == 20


def test_posts_that_are_merely_scattered_are_not_offered(kept):
    assert offered(kept, scattered(300, seed=6)) == ()


def test_posts_of_known_themes_are_not_offered(kept):
    assert offered(kept, around(0, 100, seed=7), around(1, 100, seed=8)) == ()


def test_two_new_subjects_are_two_candidates_the_larger_first(kept):
    found = offered(kept, around(6, 12, seed=9), around(7, 30, seed=10))
    assert [c.rows.tolist() for c in found] == [list(range(12, 42)), list(range(12))]


def test_near_duplicates_count_once_and_do_not_make_a_candidate(kept):
    copies = np.repeat(around(5, 3, seed=11), 10, axis=0)
    groups = [f"g{i // 10}" for i in range(30)]
    assert offered(kept, copies, groups=groups) == ()


def test_copies_are_among_the_rows_of_a_candidate_but_not_its_representatives(kept):
    posts = around(5, 8, seed=12)
    groups = [*"abcdefgh", "c", "c"]
    (found,) = offered(kept, posts, posts[[2, 2]], groups=groups)
    assert found.rows.tolist() == list(range(10))
    assert sorted(found.representatives.tolist()) == list(range(8))


def test_representatives_run_from_the_middle_to_the_edge(kept):
    posts = around(5, 20, seed=13)
    (found,) = offered(kept, posts)
    alike = posts.astype(float) @ posts.T.astype(float)
    towards = (alike.sum(axis=1) - 1) / 19
    assert (np.diff(towards[found.representatives]) < 1e-3).all()
    assert found.cohesion == pytest.approx(towards.mean(), abs=1e-3)


def test_fewer_distinct_posts_than_asked_are_not_offered(kept):
    posts = around(5, 8, seed=14)
    assert len(offered(kept, posts, min_size=8)) == 1
    assert offered(kept, posts, min_size=9) == ()


def test_the_order_of_the_posts_does_not_matter(kept):
    vectors = np.concatenate(
        [around(6, 12, seed=9), around(7, 30, seed=10), scattered(60, seed=15)]
    )
    order = np.random.default_rng(0).permutation(len(vectors))
    straight, mixed = offered(kept, vectors), offered(kept, vectors[order])
    assert [set(c.rows) for c in straight] == [set(order[c.rows]) for c in mixed]


def test_a_subject_is_offered_even_if_the_fit_found_no_theme():
    vectors = scattered(300, seed=2)
    kept = reference(vectors, np.full(300, -1, np.int32))
    (found,) = offered(kept, around(5, 20, seed=4), scattered(40, seed=5))
    assert set(found.rows.tolist()) == set(range(20))


def test_no_new_posts_give_no_candidates(kept):
    assert offered(kept, np.zeros((0, D), np.float32)) == ()


def test_columns_of_different_length_are_refused(kept):
    vectors = around(5, 4, seed=0)
    with pytest.raises(TableError, match="differ in length"):
        emerging(vectors, assign(kept, vectors), ["a", "b"])


def test_a_candidate_of_one_post_cannot_be_asked_for(kept):
    with pytest.raises(ConfigError, match=r"min_size must be 2 or more \(got 1\)"):
        offered(kept, around(5, 4, seed=0), min_size=1)
