"""How often pre-annotations were accepted, and whether they moved the answers."""

import math

import pytest

from narraframe.annotations.preannotation import measure_preannotation
from narraframe.records import Annotation, Codebook, Facet, Label

BOOK = Codebook(
    "1.0.0",
    "",
    (Facet("frame", "Frame"), Facet("stance", "Stance", "single")),
    (
        Label("a", "frame", "A"),
        Label("b", "frame", "B"),
        Label("yes", "stance", "Yes"),
        Label("no", "stance", "No"),
    ),
)


def said(post, who, ids, origin, *, facet="frame", gold=False, at=None):
    rows = [(facet, int(bool(ids))), *((i, 1) for i in ids)]
    return [
        Annotation(
            post_id=post, annotator=who, label_id=i, value=v, origin=origin, gold=gold,
            annotated_at=at,
        )
        for i, v in rows
    ]  # fmt: skip


def measure(rows):
    return measure_preannotation(rows, BOOK, n_resamples=200)


def effect(found, what, unit_id):
    return next(e for e in found.effects if (e.what, e.unit_id) == (what, unit_id))


def test_acceptance_is_counted_by_facet_and_together():
    rows = [
        *said("p", "x", "a", "accepted"),
        *said("q", "x", "ab", "changed"),
        *said("r", "x", "", "accepted"),
        *said("p", "x", ("yes",), "changed", facet="stance"),
        *said("s", "x", "a", "manual"),
        *said("t", "x", "a", "blind"),
        *said("p", "judge", "a", "accepted", gold=True),
    ]
    together, frame, stance = measure(rows).acceptance
    assert (together.facet_id, together.n_shown, together.n_accepted) == ("", 4, 2)
    assert together.share.value == 0.5
    assert (frame.facet_id, frame.n_shown, frame.n_accepted, frame.n_empty) == ("frame", 3, 2, 1)
    assert (stance.n_shown, stance.n_accepted, stance.share.value) == (1, 0, 0)


def test_nothing_shown_is_no_acceptance_and_no_effect():
    found = measure([*said("p", "x", "a", "manual"), *said("q", "x", "a", "blind")])
    assert (found.acceptance, found.effects) == ((), ())
    assert (found.n_shown, found.n_blind) == (0, 1)


def test_prevalence_where_shown_is_compared_with_blind_posts_and_no_others():
    rows = []
    for n in range(40):
        rows += said(f"s{n:02}", "x", "a" if n % 2 else "b", "accepted")
        rows += said(f"b{n:02}", "x", "a" if n % 4 == 0 else "", "blind")
        rows += said(f"m{n:02}", "x", "a", "manual")
    found = measure(rows)
    of_a = effect(found, "prevalence", "a")
    assert (of_a.shown.value, of_a.blind.value, of_a.difference.value) == (0.5, 0.25, 0.25)
    assert (of_a.shown.n, of_a.blind.n) == (40, 40)
    of_facet = effect(found, "prevalence", "frame")
    assert (of_facet.shown.value, of_facet.blind.value) == (1, 0.25)
    assert of_facet.seen
    assert (found.n_shown, found.n_blind) == (40, 40)


def test_agreement_where_shown_is_compared_with_blind_posts():
    rows = []
    for n in range(20):
        rows += said(f"s{n:02}", "x", "ab", "accepted") + said(f"s{n:02}", "y", "ab", "accepted")
        rows += said(f"b{n:02}", "x", "ab", "blind") + said(f"b{n:02}", "y", "a", "blind")
    found = effect(measure(rows), "agreement", "frame")
    assert (found.shown.value, found.blind.value) == (1, pytest.approx(1 / 3))
    assert found.difference.value == pytest.approx(2 / 3)
    assert found.seen


def test_no_effect_is_told_from_few_posts():
    rows = [row for n in range(30) for row in said(f"s{n:02}", "x", "a", "accepted")]
    rows += [row for n in range(9) for row in said(f"b{n}", "x", "", "blind")]
    found = effect(measure(rows), "prevalence", "a")
    assert found.difference.value == 1
    assert not found.enough
    assert not found.seen
    again = measure([*rows, *said("b9", "x", "", "blind")])
    assert effect(again, "prevalence", "a").seen


def test_a_label_never_seen_on_few_blind_posts_may_well_be_as_frequent_there():
    """Resampling twelve posts without the label would never show it."""
    rows = [row for n in range(12) for row in said(f"b{n:02}", "x", "", "blind")]
    for n in range(200):
        rows += said(f"s{n:03}", "x", "a" if n < 30 else "", "accepted")
    found = effect(measure(rows), "prevalence", "a")
    assert found.difference.value == 0.15
    assert found.enough
    assert not found.seen


def test_agreement_needs_two_answers_of_a_kind():
    rows = [*said("p", "x", "a", "blind"), *said("p", "y", "a", "accepted")]
    found = effect(measure(rows), "agreement", "frame")
    assert (found.shown.n, found.blind.n) == (0, 0)
    assert math.isnan(found.difference.value)
    assert not found.seen
