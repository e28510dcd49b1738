"""What the labelling page sends, as annotations, and decisions as what the page shows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from narraframe.annotations.answers import AnswerSheet, read_answer
from narraframe.annotations.results import (
    PreAnnotation,
    answer_rows,
    chosen_labels,
    evidence_spans,
    prediction_results,
)
from narraframe.records import Annotation, Codebook, Facet, Label, Retired

MANY = tuple(Label(f"story.n{i:02}", "story", f"N{i}", parent="story") for i in range(13))
BOOK = Codebook(
    "2.0.0",
    "",
    (
        Facet("narrative", "Story"),
        Facet("frame", "Frame"),
        Facet("stance", "Stance", "single", True),
    ),
    (
        Label("story", "narrative", "Story"),
        *(Label(n.label_id, "narrative", n.name, parent="story") for n in MANY),
        Label("money", "frame", "Money"),
        Label("law", "frame", "Law"),
        Label("for", "stance", "For"),
        Label("against", "stance", "Against"),
    ),
    (Retired("cash", "frame", ("money",)), Retired("angle", "angle", ("frame",))),
)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMON = Annotation(
    post_id="p", annotator="ann-03", label_id="", value=0, codebook_version="2.0.0", annotated_at=AT
)
STORY = {
    "from_name": "narrative",
    "type": "taxonomy",
    "value": {"taxonomy": [["story", "story.n01"]]},
}
FRAMES = {"from_name": "frame", "type": "choices", "value": {"choices": ["money", "law"]}}
FOR = {"from_name": "stance", "type": "choices", "value": {"choices": ["for"]}}


def marked(facet, start, end):
    value = {"start": start, "end": end, "text": "…", "labels": [facet]}
    return {"from_name": "evidence", "type": "labels", "value": value}


def rows(results, predicted=None, book=BOOK):
    shown = None if predicted is None else PreAnnotation(predicted)
    found = answer_rows(results, book, common=COMMON, shown=shown).rows
    return {row.label_id: row for row in found}


def test_a_choice_is_a_row_and_its_facet_was_reviewed():
    found = rows([STORY, FRAMES, FOR])
    assert {i: row.value for i, row in found.items()} == {
        "narrative": 1,
        "story.n01": 1,
        "frame": 1,
        "money": 1,
        "law": 1,
        "stance": 1,
        "for": 1,
    }
    assert {row.origin for row in found.values()} == {"manual"}
    assert found["money"].annotated_at == AT
    assert found["money"].codebook_version == "2.0.0"


def test_nothing_chosen_is_an_answer_but_not_of_a_required_question():
    found = rows([])
    assert {i: row.value for i, row in found.items()} == {"narrative": 0, "frame": 0}


def test_an_empty_answer_makes_zeros_and_an_unanswered_stance_stays_unknown():
    answer = read_answer(list(rows([]).values()), AnswerSheet.of(BOOK))
    value = dict(zip(BOOK.label_ids, answer.value.tolist(), strict=True))
    assert (value["money"], value["story.n05"], value["for"]) == (0, 0, -1)


def test_passages_go_to_their_facet_and_to_a_label_that_is_alone_in_it():
    found = rows([STORY, FRAMES, marked("narrative", 3, 9), marked("frame", 1, 2)])
    assert found["narrative"].spans == found["story.n01"].spans == ((3, 9),)
    assert found["frame"].spans == ((1, 2),)
    assert found["money"].spans == ()


def test_passages_are_sorted_and_counted_once():
    marks = [marked("frame", 7, 9), marked("frame", 1, 2), marked("frame", 7, 9)]
    assert evidence_spans(marks) == {"frame": ((1, 2), (7, 9))}


def test_what_was_shown_and_kept_is_accepted_and_the_rest_is_changed():
    shown = [STORY, {"from_name": "frame", "value": {"choices": ["money"]}}]
    found = rows([STORY, FRAMES, FOR], shown)
    assert {i: row.origin for i, row in found.items()} == {
        "narrative": "accepted",
        "story.n01": "accepted",
        "frame": "changed",
        "money": "accepted",
        "law": "changed",
        "stance": "manual",
        "for": "manual",
    }


def test_a_required_answer_for_which_nothing_was_ticked_is_the_annotators_own():
    assert rows([FOR], [STORY])["stance"].origin == rows([FOR], [STORY])["for"].origin == "manual"


def test_an_unticked_label_leaves_its_trace_on_the_facet():
    assert rows([FOR], [STORY, FOR])["narrative"].origin == "changed"
    assert rows([FOR], [FOR])["narrative"].origin == "accepted"


def test_retired_labels_are_kept_for_the_migration_and_strangers_are_named():
    chosen = {"from_name": "frame", "value": {"choices": ["cash", "pets"]}}
    mood = {"from_name": "mood", "value": {"choices": ["good"]}}
    found = answer_rows([chosen, mood], BOOK, common=COMMON)
    assert [row.label_id for row in found.rows] == ["cash"]
    assert found.strangers == ("mood: good", "pets")


def test_answers_to_a_facet_that_was_renamed_since_are_kept_for_the_migration():
    found = answer_rows(
        [{"from_name": "angle", "value": {"choices": ["law"]}}], BOOK, common=COMMON
    )
    assert [row.label_id for row in found.rows] == ["narrative", "frame", "angle", "law"]
    assert found.strangers == ()


def test_what_is_not_understood_denies_nothing():
    beside = {"from_name": "frame", "value": {"choices": ["money", "pets"]}}
    assert {i: row.value for i, row in rows([beside]).items()} == {"narrative": 0, "money": 1}
    renamed = {"from_name": "stories", "value": {"choices": ["story.n01"]}}
    assert {i: row.value for i, row in rows([renamed, FOR]).items()} == {"stance": 1, "for": 1}


def test_a_facet_of_a_later_codebook_was_not_asked():
    late = replace(BOOK, facets=(*BOOK.facets, Facet("tone", "Tone", since="2.1.0")))
    assert "tone" not in rows([FOR], book=late)


def test_a_facet_of_which_the_model_does_not_speak_is_the_annotators_own():
    shown = PreAnnotation([FRAMES], facets=frozenset({"frame"}))
    found = answer_rows([FRAMES], BOOK, common=COMMON, shown=shown).rows
    assert {row.label_id: row.origin for row in found} == {
        "narrative": "manual",
        "frame": "accepted",
        "money": "accepted",
        "law": "accepted",
    }


def test_only_facets_of_which_something_was_held_back_are_blind():
    found = answer_rows([FRAMES, FOR], BOOK, common=COMMON, held_back=["frame"]).rows
    origins = {row.label_id: row.origin for row in found}
    assert origins == {
        "narrative": "manual",
        "frame": "blind",
        "money": "blind",
        "law": "blind",
        "stance": "manual",
        "for": "manual",
    }


def test_a_facet_where_only_a_stranger_was_chosen_stays_unknown():
    chosen = {"from_name": "frame", "value": {"choices": ["pets"]}}
    answer = read_answer(list(rows([chosen]).values()), AnswerSheet.of(BOOK))
    value = dict(zip(BOOK.label_ids, answer.value.tolist(), strict=True))
    assert (value["money"], value["law"]) == (-1, -1)


def test_decisions_are_shown_as_the_page_shows_them_and_read_back():
    decided = {"story": 0.9, "story.n01": 0.9, "story.n12": 0.61234, "law": 0.7, "for": 0.8}
    results = prediction_results(decided, BOOK)
    assert [(r["from_name"], r["type"], r["score"]) for r in results] == [
        ("narrative", "taxonomy", 0.9),
        ("frame", "choices", 0.7),
        ("stance", "choices", 0.8),
    ]
    assert results[0]["value"] == {"taxonomy": [["story", "story.n01"], ["story", "story.n12"]]}
    assert chosen_labels(results) == {
        "narrative": ("story.n01", "story.n12"),
        "frame": ("law",),
        "stance": ("for",),
    }
    assert {row.origin for row in rows(results, results).values()} == {"accepted"}


@pytest.mark.parametrize(
    "results", [[{"from_name": "frame"}], [{"from_name": "frame", "value": {}}]]
)
def test_results_without_a_value_say_nothing(results):
    assert chosen_labels(results) == {}
