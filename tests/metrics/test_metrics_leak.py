import numpy as np
import pytest

from narraframe.errors import TableError
from narraframe.metrics.leak import leak_table
from narraframe.metrics.paired import Predictions, paired_difference
from narraframe.records import HeldOut, align


def held_out(skill, *, seed, n=80):
    truth = np.random.default_rng(0)
    y = (truth.random((n, 2)) < 0.4).astype(np.int8)
    p = (skill * y + (1 - skill) * np.random.default_rng(seed).random((n, 2))).astype(np.float32)
    return HeldOut(
        post_ids=tuple(f"p{i}" for i in range(n)),
        label_ids=("a", "b"),
        y=y,
        mask=np.ones_like(y, bool),
        probability=p,
        decision=p >= 0.5,
        groups=np.arange(n) // 2,
        fold=np.arange(n) % 5,
    )


def test_each_split_is_compared_on_the_very_posts_it_tested():
    careless, by_group = held_out(0.6, seed=1), held_out(0.2, seed=2)
    later = align([f"p{i}" for i in range(79, 39, -1)], held_out(0.1, seed=3))
    table = leak_table(careless, {"group": by_group, "time": later}, seed=0, n_resamples=50)
    assert [(row.split, row.n_posts, row.figure) for row in table.rows] == [
        (split, n, figure)
        for split, n in (("group", 80), ("time", 40))
        for figure in ("micro F1", "macro F1", "mean average precision")
    ]
    same = align(later.post_ids, careless)
    expected = paired_difference(
        later.y, later.mask,
        Predictions(later.probability, later.decision),
        Predictions(same.probability, same.decision),
        later.groups, later.label_ids, seed=0, n_resamples=50,
    ).macro_f1  # fmt: skip
    row = table.rows[4]
    assert (row.honest, row.careless, row.flattery) == (
        expected.a,
        expected.b,
        expected.difference,
    )
    assert row.flattery.low > 0


def test_posts_that_the_careless_split_lacks_are_refused():
    honest = held_out(0.2, seed=2)
    with pytest.raises(TableError, match="no row for 1 of 80 posts"):
        leak_table(align(honest.post_ids[1:], honest), {"group": honest}, seed=0)


def test_other_labels_are_refused():
    one = held_out(0.2, seed=2)
    other = HeldOut(
        one.post_ids, ("a", "c"), one.y, one.mask, one.probability, one.decision, one.groups,
        one.fold,
    )  # fmt: skip
    with pytest.raises(ValueError, match="'group' was measured on other labels"):
        leak_table(one, {"group": other}, seed=0)
