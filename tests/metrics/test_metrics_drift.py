import itertools
import math

import numpy as np
import pytest

from narraframe.metrics.drift import NewPosts, drift
from narraframe.metrics.energy import energy_test
from narraframe.metrics.farness import far_test
from narraframe.records import DriftReference


def unit(rng, n, *, d=8, towards=0.0):
    rows = rng.normal(size=(n, d))
    rows[:, 0] += towards
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def reference(vectors, *, languages=(("en", 200),), positive=(40, 100), decided=(200, 200)):
    return DriftReference(
        "mini@1",
        vectors,
        tuple(languages),
        ("order", "peace"),
        np.array(decided),
        np.array(positive),
    )


def new(vectors, *, languages=None, shares=(0.2, 0.5), rng=None):
    n = len(vectors)
    rng = rng or np.random.default_rng(9)
    return NewPosts(
        n_posts=n + 5,
        n_without_text=5,
        n_unknown_language=0,
        languages=("en",) * n if languages is None else languages,
        vectors=vectors,
        decided=np.ones((n, 2), dtype=bool),
        carries=rng.random((n, 2)) < shares,
    )


def slow_energy(x, y):
    def mean(a, b, pairs):
        return sum(float(np.linalg.norm(p - q)) for p in a for q in b) / pairs

    between = mean(x, y, len(x) * len(y))
    inside = mean(x, x, len(x) * (len(x) - 1)) + mean(y, y, len(y) * (len(y) - 1))
    return (2 * between - inside) / (2 * between)


def test_the_coefficient_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    x, y = unit(rng, 12), unit(rng, 9, towards=3)
    found = energy_test(x, y, n_permutations=99)
    assert found.coefficient == pytest.approx(slow_energy(x, y), abs=1e-4)


def test_posts_that_share_nothing_have_the_smallest_p():
    x = np.tile(np.eye(4, dtype=np.float32)[0], (30, 1))
    y = np.tile(np.eye(4, dtype=np.float32)[1], (30, 1))
    found = energy_test(x, y, n_permutations=99)
    assert (found.coefficient, found.p) == (1.0, 0.01)


def test_equal_rows_have_no_energy_and_p_one():
    x = np.tile(np.eye(4, dtype=np.float32)[0], (5, 1))
    assert energy_test(x, x, n_permutations=99) == energy_test(x, x, n_permutations=99, seed=1)
    assert energy_test(x, x, n_permutations=99).p == 1.0


def test_one_row_is_too_few():
    with pytest.raises(ValueError, match="two rows"):
        energy_test(np.eye(2)[:1], np.eye(2))


def test_false_alarms_of_the_energy_test_are_as_rare_as_stated():
    rng = np.random.default_rng(1)
    p = [energy_test(unit(rng, 40), unit(rng, 25), n_permutations=99, seed=i).p for i in range(400)]
    # 400 draws at 0.05: 20 expected, at most 34 in 999 of 1,000 cases
    assert 8 <= sum(x <= 0.05 for x in p) <= 34


def test_false_alarms_of_a_whole_run_are_at_most_alpha():
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(150):
        before = reference(
            unit(rng, 100),
            languages=(("en", 90), ("uk", 10)),
            positive=rng.binomial(200, (0.2, 0.5)),
        )
        spoken = tuple(rng.choice(["en", "uk"], p=[0.9, 0.1], size=80))
        after = new(unit(rng, 80), languages=spoken, rng=rng)
        alarms += drift(before, after, model="m", alpha=0.1, n_permutations=199).drifted
    # 15 expected at most; 26 or more would come by chance in 3 of 1,000 runs
    assert alarms <= 25


def test_a_shift_of_the_vectors_is_found_and_named():
    rng = np.random.default_rng(3)
    found = drift(reference(unit(rng, 200)), new(unit(rng, 200, towards=1.0)), model="m")
    assert found.drifted
    assert [test.name for test in found.tests if test.drifted] == ["embedding"]
    assert found.verdict.startswith("drift: embedding")


def test_posts_far_from_all_training_posts_are_found():
    rng = np.random.default_rng(4)
    narrow, strange = unit(rng, 300, towards=8), unit(rng, 30, towards=-8)
    usual = unit(rng, 270, towards=8)
    found = drift(reference(narrow), new(np.concatenate([usual, strange])), model="m")
    assert found.far >= 0.1
    (far,) = (test for test in found.tests if test.name == "far")
    assert far.drifted


def test_false_alarms_of_the_far_test_are_as_rare_as_stated():
    rng = np.random.default_rng(7)
    p = [far_test(unit(rng, 60), unit(rng, 40), n_permutations=199, seed=i).p for i in range(400)]
    # 400 draws at 0.05: 20 expected, at most 34 in 999 of 1,000 cases
    assert sum(x <= 0.05 for x in p) <= 34
    assert sum(x <= 0.5 for x in p) >= 140


def test_far_ranks_are_those_of_the_definition():
    rng = np.random.default_rng(8)
    x, y = unit(rng, 40, d=3), unit(rng, 3, d=3, towards=2)
    found = far_test(x, y, n_permutations=999)
    usual = [min(1 - float(a @ b) for j, b in enumerate(x) if j != i) for i, a in enumerate(x)]
    new = [min(1 - float(a @ b) for b in x) for a in y]
    of_all = np.array(usual + new)
    rank = [(of_all < d - 1e-6).sum() + ((abs(of_all - d) < 1e-6).sum() + 1) / 2 for d in of_all]
    score = [math.log(1 - (r - 0.5) / 43) ** 2 for r in rank]
    observed = sum(score[40:])
    dealt = [sum(some) for some in itertools.combinations(score, 3)]
    exact = np.mean([s >= observed - 1e-9 for s in dealt])
    assert found.p == pytest.approx(exact, abs=0.05)
    assert found.share == np.mean([d > max(usual) - 1e-7 for d in new])


def test_a_few_posts_of_another_kind_are_found_by_ranks():
    """Sixteen of 200: too few for the energy test to be sure of."""
    rng = np.random.default_rng(9)
    before, usual = unit(rng, 200, d=40, towards=8), unit(rng, 184, d=40, towards=8)
    now = np.concatenate([usual, unit(rng, 16, d=40, towards=1.5)])
    assert far_test(before, now).p <= 0.0025 < energy_test(before, now).p
    assert far_test(before, usual).p > 0.05


def test_the_far_distance_is_the_greatest_that_one_training_post_in_a_hundred_has():
    rng = np.random.default_rng(5)
    before = unit(rng, 200)
    found = drift(reference(before), new(unit(rng, 50)), model="m")
    alike = before @ before.T - 2 * np.eye(200)
    assert found.far_distance == pytest.approx(np.sort(1 - alike.max(axis=1))[-2], abs=1e-6)


def test_a_shift_of_the_labels_is_found_where_the_texts_are_alike():
    rng = np.random.default_rng(6)
    found = drift(reference(unit(rng, 200)), new(unit(rng, 200), shares=(0.2, 0.8)), model="m")
    assert [test.name for test in found.tests if test.drifted] == ["labels"]
    order, peace = found.labels
    assert (peace.label_id, peace.before) == ("peace", 0.5)
    assert peace.now == pytest.approx(0.8, abs=0.1)
    assert order.p > 0.05


def test_another_language_is_found():
    rng = np.random.default_rng(7)
    spoken = ("en",) * 150 + ("uk",) * 50
    found = drift(reference(unit(rng, 200)), new(unit(rng, 200), languages=spoken), model="m")
    assert [test.name for test in found.tests if test.drifted] == ["languages"]
    assert set(found.languages) == {("en", 1.0, 0.75), ("uk", 0.0, 0.25)}


def test_a_model_without_a_reference_leaves_drift_unknown():
    found = drift(None, new(unit(np.random.default_rng(8), 30)), model="m")
    assert not found.known
    assert not found.drifted
    assert "keeps no reference" in found.verdict
    assert "drift.detected" not in found.as_metrics()
    assert found.as_metrics()["drift.posts"] == 35.0


def test_too_few_posts_are_not_compared_and_it_is_said_so():
    rng = np.random.default_rng(9)
    empty = new(np.zeros((0, 8), np.float32), languages=())
    found = drift(reference(unit(rng, 100)), empty, model="m")
    assert found.verdict == "unknown: too few posts to compare"
    assert all(math.isnan(test.p) and "not tested" in test.what for test in found.tests)


def test_metrics_are_numbers_under_names_that_a_store_takes():
    rng = np.random.default_rng(10)
    figures = drift(reference(unit(rng, 50)), new(unit(rng, 50)), model="m").as_metrics()
    assert figures["drift.detected"] == 0.0
    assert figures["drift.without_text_share"] == pytest.approx(5 / 55)
    assert figures["drift.share_before.order"] == 0.2
    assert all(isinstance(v, float) and not math.isnan(v) for v in figures.values())


def test_what_could_not_be_tested_is_not_called_without_drift():
    """A handful of posts moves no exact test; posts without a score have no vectors."""
    rng = np.random.default_rng(3)
    before = reference(unit(rng, 200))
    few = drift(before, new(unit(rng, 3)), model="m")
    assert few.verdict == "unknown: too few posts to compare"
    assert "drift.detected" not in few.as_metrics()
    unscored = drift(before, new(unit(rng, 0), languages=("en",) * 50), model="m")
    assert unscored.verdict == "no drift found, but not tested: embedding, far, labels"
    assert drift(before, new(unit(rng, 50)), model="m").verdict == "no drift found"
