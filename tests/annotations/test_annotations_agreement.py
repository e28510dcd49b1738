"""Agreement by facet, label and pair of annotators."""

import math

import numpy as np
import pytest

from narraframe.annotations.agreement import (
    HOLDS,
    NEEDS_WORK,
    TOO_FEW,
    UNCLEAR,
    measure_agreement,
)
from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.label_sets import masi_distance
from narraframe.annotations.reliability import alpha
from narraframe.annotations.resampling import resample
from narraframe.errors import CodebookError
from narraframe.records import Annotation, Codebook, Facet, Label

BOOK = Codebook(
    "1.0.0",
    "",
    (Facet("frame", "Frame"), Facet("stance", "Stance", "single")),
    (
        Label("up", "frame", "Up"),
        Label("a", "frame", "A", parent="up"),
        Label("b", "frame", "B", parent="up"),
        Label("c", "frame", "C"),
        Label("yes", "stance", "Yes"),
        Label("no", "stance", "No"),
    ),
)


def said(post, who, ids, *, gold=False, design=""):
    """An answer on the facets of `ids`; "-" stands for a frame reviewed as empty."""
    facets = {BOOK.by_id[i].facet_id if i != "-" else "frame" for i in ids}
    rows = [(facet, int(ids != "-")) for facet in facets] + [(i, 1) for i in ids if i != "-"]
    return [
        Annotation(post_id=post, annotator=who, label_id=i, value=v, gold=gold, design=design)
        for i, v in rows
    ]


def posts(*answers, times=1):
    """Posts answered by x and y, and by z where there is a third answer."""
    return [
        row
        for t in range(times)
        for n, by in enumerate(answers)
        for who, ids in zip("xyz", by, strict=False)
        if ids
        for row in said(f"p{t:03}-{n}", who, ids)
    ]


def of_label(found, label_id):
    return next(label for label in found.labels if label.label_id == label_id)


def measure(rows, **options):
    return measure_agreement(rows, BOOK, n_resamples=200, **options)


def test_a_label_is_compared_on_the_posts_that_two_annotators_know():
    rows = [*posts(("a", "a"), ("a", "b"), ("-", "-"), ("a", ""), ("a", "b", "b"))]
    found = of_label(measure(rows), "a")
    counts = np.array([[0, 2], [1, 1], [2, 0], [2, 1]])
    assert found.alpha.value == alpha(counts, resample(4, n_resamples=2, seed=0)).value
    assert (found.alpha.n, found.n_yes, found.n_no) == (4, 3, 3)
    assert found.prevalence.value == 5 / 10
    assert found.prevalence.n == 5


def test_what_an_annotator_was_not_asked_is_no_answer():
    rows = [*posts(("a", "a"), ("-", "-")), *said("q", "x", ("a",)), *said("q", "y", ("yes",))]
    found = measure(rows)
    assert of_label(found, "a").alpha.n == 2
    assert of_label(found, "yes").alpha.n == 0
    assert math.isnan(of_label(found, "yes").alpha.value)
    assert (found.n_posts, found.n_overlap) == (3, 3)


def test_a_facet_of_several_labels_is_measured_by_their_sets():
    rows = posts(("ab", "a"), ("c", "c"), ("-", "-"), ("a", "b"))
    found = measure(rows).facets[0]
    sets = [frozenset(s) for s in ({1, 2}, {1}, {3}, (), {2})]
    counts = np.array([[1, 1, 0, 0, 0], [0, 0, 2, 0, 0], [0, 0, 0, 2, 0], [0, 1, 0, 0, 1]])
    draws = resample(4, n_resamples=2, seed=0)
    assert found.distance == "MASI"
    assert found.alpha.value == alpha(counts, draws, distance=masi_distance(sets)).value


def test_a_facet_of_one_choice_is_measured_by_the_choice():
    rows = posts((("yes",), ("yes",)), (("no",), ("yes",)), (("no",), ("no",)))
    found = measure(rows).facets[1]
    counts = np.array([[2, 0], [1, 1], [0, 2]])
    assert found.distance == "nominal"
    assert found.alpha.value == alpha(counts, resample(3, n_resamples=2, seed=0)).value
    assert found.alpha.n == 3


def test_gold_answers_are_no_independent_reading():
    rows = posts(("a", "b"), ("-", "-"))
    gold = said("p000-0", "judge", "a", gold=True)
    assert measure([*rows, *gold]) == measure(rows)


def test_second_looks_at_doubtful_posts_are_no_pairs():
    rows = posts(("a", "b"), ("-", "-"), ("a", ""))
    looks = [*said("p000-2", "y", "b", design=DOUBTFUL), *said("p000-0", "x", "c", design=DOUBTFUL)]
    assert measure([*rows, *looks]) == measure(rows)


def test_a_pair_is_counted_out_and_its_kappa_is_cohens():
    rows = posts(("a", "a"), ("a", "-"), ("a", "-"), ("-", "a"), *[("-", "-")] * 4)
    (pair,) = [p for p in measure(rows).label_pairs if p.label_id == "a"]
    assert (pair.first, pair.second) == ("x", "y")
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (1, 2, 1, 4)
    by_chance = (3 * 2 + 5 * 6) / 64
    assert pair.kappa.value == pytest.approx((5 / 8 - by_chance) / (1 - by_chance))


def test_pairs_that_share_no_post_are_left_out():
    rows = [*posts(("a", "b")), *said("q", "z", "a")]
    assert {(p.first, p.second) for p in measure(rows).label_pairs} == {("x", "y")}
    (pair,) = measure(rows).facet_pairs
    assert (pair.facet_id, pair.n_posts, pair.n_same, pair.measure) == ("frame", 1, 0, "alpha")


def test_labels_that_stand_in_each_others_place_are_named():
    rows = posts(("a", "b"), ("b", "a"), ("a", "c"), ("a", "-"))
    found = measure(rows)
    assert of_label(found, "a").mixed_up_with == ("b", 2)
    assert of_label(found, "c").mixed_up_with == ("a", 1)
    assert of_label(found, "up").mixed_up_with is None


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([("a", "-"), ("-", "a"), ("-", "-")], NEEDS_WORK),
        ([("a", "a"), ("-", "-")], HOLDS),
        ([("a", "a")] * 4 + [("-", "-")] * 4 + [("a", "-")] * 2, UNCLEAR),
    ],
)
def test_a_label_is_judged_by_the_whole_interval(answers, verdict):
    label = of_label(measure(posts(*answers, times=12 if verdict != UNCLEAR else 4)), "a")
    assert label.verdict == verdict


def test_a_label_on_few_posts_is_not_judged():
    rows = posts(*[("a", "-")] * 9, *[("-", "-")] * 40)
    assert of_label(measure(rows), "a").verdict == TOO_FEW
    more = posts(*[("a", "-")] * 10, *[("-", "-")] * 40)
    assert of_label(measure(more), "a").verdict == NEEDS_WORK


def test_parents_are_measured_but_not_judged():
    found = measure(posts(("a", "b"), ("-", "-"), times=20))
    assert of_label(found, "up").alpha.value == 1
    assert of_label(found, "up").verdict == ""
    assert [label.label_id for label in found.needs_work] == ["a", "b"]


def test_the_worst_label_comes_first():
    rows = posts(("c", "-"), ("-", "c"), ("a", "a"), ("a", "-"), ("a", "-"), times=12)
    assert [label.label_id for label in measure(rows).needs_work] == ["c", "a"]


def test_one_annotator_alone_agrees_with_nobody():
    found = measure([*said("p", "x", "a"), *said("q", "x", "b")])
    assert (found.n_posts, found.n_overlap) == (2, 0)
    assert found.label_pairs == found.facet_pairs == ()
    assert all(math.isnan(label.alpha.value) for label in found.labels)
    assert of_label(found, "a").prevalence.value == 0.5


def test_the_order_of_rows_does_not_matter():
    rows = posts(("a", "b"), ("ab", "b"), ("-", "c"), times=3)
    assert repr(measure(rows[::-1])) == repr(measure(rows))


def test_an_unknown_label_is_refused():
    strange = Annotation(post_id="p", annotator="x", label_id="d", value=1)
    with pytest.raises(CodebookError, match='"d"'):
        measure([strange])
