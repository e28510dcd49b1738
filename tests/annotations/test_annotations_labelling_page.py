"""The labelling page as XML, and what another page asks otherwise."""

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest
from label_studio_sdk.label_interface import LabelInterface
from page_cases import FACETS, SIZES, codebook

from narraframe.annotations.labelling_page import (
    Control,
    labelling_page,
    page_controls,
    page_differences,
)
from narraframe.annotations.results import prediction_results
from narraframe.errors import CodebookError
from narraframe.records import Codebook, Facet, Label

BOOK = SIZES[8]


def elements(book, tag):
    return list(fromstring(labelling_page(book)).iter(tag))


@pytest.mark.parametrize("size", SIZES)
def test_label_studio_takes_the_page_and_all_labels_as_predictions(size):
    book = SIZES[size]
    interface = LabelInterface(labelling_page(book))
    interface.validate()
    once = dict.fromkeys((i for i in book.leaf_ids if not i.startswith("stance")), 0.9)
    result = prediction_results(once | {"stance.for": 0.8}, book)
    assert len(book.leaf_ids) == size
    assert interface.validate_prediction({"result": result}, return_errors=True) == []


def test_each_facet_is_a_question_in_the_order_of_the_codebook():
    controls = page_controls(labelling_page(SIZES[30]))
    assert list(controls) == ["evidence", "narrative", "frame", "stance", "note"]
    assert controls["evidence"].labels == {"narrative", "frame"}
    assert controls["narrative"].kind == "taxonomy"
    assert controls["frame"] == Control(
        "multiple choice", frozenset(f"frame.l{n}" for n in range(10))
    )
    assert controls["stance"].kind == "single-radio choice"
    assert controls["stance"].is_required
    assert elements(SIZES[30], "Header")[2].get("value") == FACETS[0].question


def test_more_than_twelve_labels_become_a_taxonomy_with_the_groups_as_branches():
    assert page_controls(labelling_page(codebook(12)))["narrative"].kind == "multiple choice"
    (taxonomy,) = elements(codebook(13), "Taxonomy")
    assert [group.get("alias") for group in taxonomy] == ["n0", "n1", "n2", "n3"]
    assert [leaf.get("alias") for leaf in taxonomy[3]] == ["n3.l12"]
    assert taxonomy.get("leafsOnly") == "true"


def test_groups_are_no_choices_where_the_labels_are_in_sight():
    assert "n0" not in page_controls(labelling_page(BOOK))["narrative"].labels


def test_no_key_is_given_twice_and_none_that_label_studio_needs():
    for book in (*SIZES.values(), codebook(12, 12)):
        keys = [c.get("hotkey") for c in elements(book, "Choice") + elements(book, "Label")]
        given = [key for key in keys if key]
        assert len(set(given)) == len(given)
        assert not set(given) & set("ruh")


def test_a_facet_has_keys_for_all_its_labels_or_for_none_and_evidence_keeps_its_own():
    facets = tuple(Facet(f"f{n}", f"F{n}") for n in range(4))
    labels = tuple(Label(f"f{n}.{i}", f"f{n}", f"{n} {i}") for n in range(4) for i in range(12))
    book = Codebook("1", "", facets, labels)
    assert all(label.get("hotkey") for label in elements(book, "Label"))
    by_facet = [[c.get("hotkey") for c in control] for control in elements(book, "Choices")]
    assert [sum(map(bool, keys)) for keys in by_facet] == [12, 12, 0, 0]


def test_a_hint_tells_what_the_label_means_and_when_not_to_use_it():
    label = Label("x", "f", "X", definition="A claim.", include="Use for a.", exclude="Not for b.")
    book = Codebook("1", "", (Facet("f", "F"),), (label, Label("y", "f", "Y")))
    x, y = elements(book, "Choice")
    assert x.get("hint") == "A claim.\nUse for a.\nNot for b."
    assert "hint" not in y.attrib


def test_names_with_markup_variables_or_twins_are_shown_as_they_are():
    labels = (
        Label("x", "f", "<b>&'\" Ünï 🌍"),
        Label("y", "f", "$text as a weapon, for $5 or $"),
        Label("z", "f", "Same"),
        Label("w", "f", "Same"),
    )
    book = Codebook("1", "", (Facet("f", "F", question="$channel?"),), labels)
    shown = [c.get("value") for c in elements(book, "Choice")]
    joined = "\u2060"
    assert shown == [
        "<b>&'\" Ünï 🌍",
        f"${joined}text as a weapon, for ${joined}5 or $",
        "Same (z)",
        "Same (w)",
    ]
    assert elements(book, "Header")[2].get("value") == f"${joined}channel?"


def test_a_codebook_without_multiple_choice_has_no_evidence():
    book = Codebook("1", "", (Facet("s", "S", choice="single"),), (Label("s.a", "s", "A"),))
    assert elements(book, "Labels") == []


def test_who_settles_disagreements_sees_the_answers():
    shown = [h.get("value") for h in fromstring(labelling_page(BOOK, answers=True)).iter("Header")]
    assert "$answers" in shown
    assert "$answers" not in labelling_page(BOOK)


def test_a_page_does_not_differ_from_itself_however_it_is_laid_out():
    assert page_differences(labelling_page(BOOK), BOOK) == ()
    assert page_differences(labelling_page(BOOK, answers=True), BOOK) == ()
    moved = labelling_page(BOOK).replace("\n", " ").replace('showInline="true"', "")
    assert page_differences(moved, BOOK) == ()
    renamed = replace(BOOK, labels=tuple(replace(x, name=f"New {x.name}") for x in BOOK.labels))
    assert page_differences(labelling_page(renamed), BOOK) == ()


def test_what_was_edited_in_the_browser_is_told_in_words():
    page = labelling_page(BOOK)
    for old, new in [
        ('alias="frame.l1"', 'alias="frame.l9"'),
        (' alias="stance.no"', ""),
        ('name="note"', 'name="comment"'),
        ('required="true"', 'required="false"'),
        ('choice="single-radio"', 'choice="single"'),
        ('value="$text"', 'value="$body"'),
    ]:
        assert old in page
        page = page.replace(old, new)
    assert page_differences(page, BOOK) == (
        "the post's text, named text, is not shown there",
        "note is missing there",
        "comment is there, but not in the codebook",
        "frame: label frame.l1 is missing there",
        "frame: label frame.l9 is there, but not in the codebook",
        "stance is a single choice there, not a single-radio choice",
        "stance need not be answered there",
        "stance: label stance.no is missing there",
        "stance: label No is there, but not in the codebook",
    )


def test_what_is_no_page_is_an_error():
    with pytest.raises(CodebookError, match="the labelling page is no XML"):
        page_controls("<View>")
