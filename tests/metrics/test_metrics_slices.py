"""Slices in which a classifier fails, and labels that it takes for others."""

import math

import numpy as np
import pytest

from narraframe.metrics.quality import measure
from narraframe.metrics.slices import confused_pairs, slice_quality
from narraframe.records import HeldOut

LABELS = ("war", "peace", "stance.for")
FACETS = {"war": "narrative", "peace": "narrative", "stance.for": "stance"}


def held_out(y, decision, *, mask=None, groups=None) -> HeldOut:
    y = np.asarray(y, np.int8)
    return HeldOut(
        post_ids=tuple(f"p{i}" for i in range(len(y))),
        label_ids=LABELS[: y.shape[1]],
        y=y,
        mask=np.ones(y.shape, np.bool_) if mask is None else np.asarray(mask),
        probability=np.full(y.shape, 0.5, np.float32),
        decision=np.asarray(decision, np.bool_),
        groups=np.arange(len(y)) if groups is None else np.asarray(groups),
        fold=np.zeros(len(y), np.intp),
    )


def test_each_slice_has_the_figure_that_its_posts_alone_have():
    rng = np.random.default_rng(0)
    y, decision = rng.integers(0, 2, (90, 3)), rng.integers(0, 2, (90, 3))
    mask, groups = rng.random((90, 3)) < 0.8, rng.integers(0, 40, 90)
    names = np.array(["en", "uk", None], dtype=object)[rng.integers(0, 3, 90)]
    table = held_out(y, decision, mask=mask, groups=groups)
    for found in slice_quality(table, list(names), least=1, seed=3, n_resamples=50):
        rows = names == found.name
        alone = measure(
            table.y[rows],
            table.mask[rows],
            table.probability[rows],
            table.decision[rows],
            table.groups[rows],
            LABELS,
            np.zeros(3),
            how="",
            seed=3,
            n_resamples=50,
        )
        assert found.micro_f1 == alone.micro_f1
        assert found.n_posts == rows.sum()


def test_the_worst_slice_comes_first_and_one_without_positives_last():
    names = ["en"] * 3 + ["uk"] * 3 + ["ru"] * 3
    y = [[1], [1], [1]] * 2 + [[0], [0], [0]]
    decision = [[1], [1], [1], [1], [0], [0], [0], [0], [0]]
    found = slice_quality(held_out(y, decision), names, least=3, n_resamples=10)
    assert [s.name for s in found] == ["uk", "en", "ru"]
    assert [s.micro_f1.value for s in found[:2]] == [0.5, 1.0]
    assert math.isnan(found[2].micro_f1.value)


def test_small_slices_and_posts_of_no_known_slice_are_left_out():
    table = held_out([[1]] * 5, [[1]] * 5)
    found = slice_quality(table, ["en", "en", "uk", None, ""], least=2, n_resamples=10)
    assert [(s.name, s.n_posts) for s in found] == [("en", 2)]


def test_a_label_is_taken_for_another_where_it_was_missed_and_that_one_wrongly_decided():
    y = [[1, 0, 0]] * 4 + [[0, 1, 0]] * 2
    decision = [[0, 1, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]]
    (first, second) = confused_pairs(held_out(y, decision), FACETS, least=1)
    assert (first.label_id, first.taken_for, first.n_posts, first.share) == ("war", "peace", 2, 0.5)
    assert (second.label_id, second.taken_for, second.n_posts) == ("peace", "war", 1)


def test_pairs_on_few_posts_and_unknown_cells_do_not_count():
    y, decision = [[1, 0, 0]] * 3, [[0, 1, 0]] * 3
    (pair,) = confused_pairs(held_out(y, decision), FACETS)
    assert (pair.n_posts, pair.share) == (3, pytest.approx(1))
    mask = np.ones((3, 3), np.bool_)
    mask[0, 1] = False
    assert confused_pairs(held_out(y, decision, mask=mask), FACETS) == ()
