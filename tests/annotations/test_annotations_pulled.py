"""Tasks, as the API lists them and as an export holds them, become annotations."""

import copy
from datetime import UTC, datetime

import pytest

from narraframe.annotations.doubt import DOUBTFUL
from narraframe.annotations.pulled import Page, pseudonym, read_tasks
from narraframe.records import Codebook, Facet, Label

BOOK = Codebook(
    "2.0.0", "", (Facet("frame", "Frame"),), (Label("a", "frame", "A"), Label("b", "frame", "B"))
)
DATA = {"post_id": "p1", "text": "…", "design": "audit", "inclusion_probability": 0.25}


def choose(*ids, origin=None):
    result = {"from_name": "frame", "type": "choices", "value": {"choices": list(ids)}}
    return result | ({"origin": origin} if origin else {})


def said(user, *results, at="2026-03-01T10:00:00.000001Z", **rest):
    return {"completed_by": user, "result": list(results), "updated_at": at} | rest


def task(*annotations, data=DATA, **rest):
    return {"id": 1, "data": data, "annotations": list(annotations), "predictions": []} | rest


def read(*tasks, pages=(), gold=False):
    return read_tasks(tasks, BOOK, pages=pages, server_key="ab", gold=gold)


def labels(found):
    return {(r.post_id, r.annotator, r.label_id): r.value for r in found.annotations}


def test_the_latest_of_several_answers_of_one_user_counts():
    found = read(
        task(
            said(7, choose("b"), at="2026-03-02T10:00:00Z"),
            said(7, choose("a"), at="2026-03-01T10:00:00Z"),
            said(9, choose("a")),
        )
    )
    assert labels(found) == {
        ("p1", "ann-ab-07", "frame"): 1,
        ("p1", "ann-ab-07", "b"): 1,
        ("p1", "ann-ab-09", "frame"): 1,
        ("p1", "ann-ab-09", "a"): 1,
    }
    assert found.n_answers == 2


def test_a_skip_is_no_answer_even_after_one():
    found = read(
        task(
            said(7, choose("b"), at="2026-03-01T10:00:00Z"),
            said(7, at="2026-03-02T10:00:00Z", was_cancelled=True),
        )
    )
    assert (found.annotations, found.skips, found.n_answers) == ([], [("p1", "ann-ab-07")], 0)


def test_an_answer_after_a_skip_counts():
    skip = said(7, at="2026-03-01T10:00:00Z", was_cancelled=True)
    assert read(task(skip, said(7, choose("a"), at="2026-03-02T10:00:00Z"))).n_answers == 1


def test_a_skip_of_one_task_takes_no_answer_to_another_of_the_same_post():
    skip = said(7, at="2026-03-02T10:00:00Z", was_cancelled=True)
    found = read(task(said(7, choose("a"))), task(skip))
    assert (found.n_answers, found.skips) == (1, [])


def test_drafts_are_counted_and_left_out():
    found = read(task(drafts=[{"result": [choose("a")]}]))
    assert (found.annotations, found.n_drafts) == ([], 1)


def test_one_post_in_two_tasks_is_one_answer_for_each_user():
    later = said(7, choose("b"), at="2026-03-02T10:00:00Z")
    assert labels(read(task(later), task(said(7, choose("a"))))) == {
        ("p1", "ann-ab-07", "frame"): 1,
        ("p1", "ann-ab-07", "b"): 1,
    }


def test_a_second_look_by_the_same_user_leaves_the_first_answer():
    again = task(said(7, choose("b"), at="2026-03-02T10:00:00Z"), data=DATA | {"design": DOUBTFUL})
    found = read(again, task(said(7, choose("a")), said(9, was_cancelled=True)))
    chosen = {(row.label_id, row.design) for row in found.annotations if row.label_id in "ab"}
    assert chosen == {("a", "audit"), ("b", DOUBTFUL)}
    assert (found.n_answers, found.skips) == (2, [("p1", "ann-ab-09")])


def test_design_and_inclusion_probability_come_from_the_task():
    (row, _) = read(task(said(7, choose("a")))).annotations
    assert (row.design, row.inclusion_probability) == ("audit", 0.25)


def test_where_the_pre_annotation_was_held_back_the_answer_is_blind():
    found = read(task(said(7, choose("a")), data=DATA | {"held_back": ["frame"]}))
    assert {row.origin for row in found.annotations} == {"blind"}


PREDICTION = {"id": 4, "result": [choose("a")], "model_version": "m/1"}


@pytest.mark.parametrize(
    ("kept", "annotation"),
    [
        ({"predictions": [PREDICTION]}, {"parent_prediction": 4}),
        ({"predictions": [4]}, {"parent_prediction": 4, "prediction": PREDICTION}),
    ],
)
def test_the_api_and_an_export_tell_alike_what_was_shown(kept, annotation):
    accepted = read(task(said(7, choose("a"), **annotation), **kept))
    changed = read(task(said(7, choose("b"), **annotation), **kept))
    assert [row.origin for row in accepted.annotations] == ["accepted", "accepted"]
    assert [row.origin for row in changed.annotations] == ["changed", "changed"]


def test_a_prediction_on_the_task_that_the_annotator_did_not_see_is_none():
    found = read(task(said(7, choose("a")), predictions=[PREDICTION]))
    assert {row.origin for row in found.annotations} == {"manual"}


@pytest.mark.parametrize(
    ("origin", "is_now"), [("prediction", "accepted"), ("prediction-changed", "changed")]
)
def test_without_the_prediction_its_results_tell_by_their_origin(origin, is_now):
    found = read(task(said(7, choose("a", origin=origin), parent_prediction=4)))
    assert {row.origin for row in found.annotations} == {is_now}


def test_ground_truth_and_adjudication_are_gold():
    assert {r.gold for r in read(task(said(7, choose("a"), ground_truth=True))).annotations} == {
        True
    }
    assert {r.gold for r in read(task(said(7, choose("a"))), gold=True).annotations} == {True}
    assert {r.gold for r in read(task(said(7, choose("a")))).annotations} == {False}


def test_an_answer_is_of_the_page_that_was_there_at_its_time():
    pages = [
        Page("1.0.0", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        Page("1.1.0", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ]
    at = ("2026-03-01T08:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z")
    tasks = [task(said(7, at=t), data=DATA | {"post_id": t}) for t in at]
    versions = [row.codebook_version for row in read(*tasks, pages=pages).annotations]
    assert versions == ["1.0.0", "1.0.0", "1.1.0"]
    assert {r.codebook_version for r in read(*tasks).annotations} == {""}


def test_without_a_page_of_its_time_an_answer_is_of_the_codebook_of_its_task():
    pages = [Page("1.1.0", datetime(2026, 3, 2, tzinfo=UTC))]
    made = task(said(7, choose("a")), data=DATA | {"codebook_version": "0.9.0"})
    for known in ((), pages):
        assert {r.codebook_version for r in read(made, pages=known).annotations} == {"0.9.0"}


def test_a_later_touch_of_an_answer_is_no_reading_of_a_later_page():
    pages = [
        Page("1.0.0", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        Page("1.1.0", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    ]
    times = {"created_at": "2026-03-01T10:00:00Z", "at": "2026-03-03T10:00:00Z"}
    starred = task(said(7, choose("a"), ground_truth=True, **times))
    assert {r.codebook_version for r in read(starred, pages=pages).annotations} == {"1.0.0"}


def test_a_model_that_does_not_speak_of_a_facet_is_not_accepted_in_it():
    made = task(said(7, parent_prediction=4), predictions=[PREDICTION | {"result": []}])
    origins = {
        spoken: {
            row.origin
            for row in read_tasks(
                [made], BOOK, pages=(), server_key="ab", facets_of_model={"m/1": frozenset(spoken)}
            ).annotations
        }
        for spoken in [("frame",), ()]
    }
    assert origins == {("frame",): {"accepted"}, (): {"manual"}}


def test_a_user_is_a_number_and_one_who_is_gone_has_a_name_of_its_own():
    assert [pseudonym(u, "ab") for u in (7, {"id": 12, "email": "x@y.z"}, None)] == [
        "ann-ab-07",
        "ann-ab-12",
        "ann-ab-gone",
    ]
    assert read(task(said(None, choose("a")))).n_nobody == 1


def test_notes_are_apart_and_on_one_line():
    note = {"from_name": "note", "value": {"text": ["not sure:", "irony?\nor not"]}}
    assert read(task(said(7, choose("a"), note))).notes == [
        ("p1", "ann-ab-07", "not sure: irony? or not")
    ]


def test_tasks_of_others_are_counted_and_strange_labels_named():
    found = read(task(said(7, choose("z"))), task(data={"text": "…"}), task(data={"post_id": 5}))
    assert found.foreign == 2
    assert found.strangers == {"z": 1}
    assert set(found.posts) == {"p1"}


def test_the_order_of_tasks_does_not_matter_and_nothing_is_changed_in_them():
    tasks = [task(said(u, choose("a")), data=DATA | {"post_id": f"p{u}"}) for u in (3, 1, 2)]
    before = copy.deepcopy(tasks)
    assert read(*tasks).annotations == read(*reversed(tasks)).annotations
    assert tasks == before
