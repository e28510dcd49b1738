"""What a labelling page asks, and what is left of ticks on a page that asks for less."""

import pytest

from narraframe.annotations.asked import asked_labels, on_page
from narraframe.annotations.labelling_page import labelling_page
from narraframe.annotations.results import prediction_results
from narraframe.errors import InputError
from narraframe.records import Codebook, Facet, Label

PAGE = """
<View>
  <Text name="text" value="$text"/>
  <Labels name="evidence" toName="text"><Label value="Frame" alias="frame"/></Labels>
  <Taxonomy name="tree" toName="text">
    <Choice value="Top" alias="top"><Choice value="X" alias="top.x"/></Choice>
  </Taxonomy>
  <Choices name="frame" toName="text"><Choice value="A" alias="a"/><Choice value="b"/></Choices>
</View>
"""


def result(name, kind, ticks):
    return {"from_name": name, "to_name": "text", "type": kind, "value": {kind: ticks}, "score": 1}


def test_each_control_asks_for_the_ids_of_its_choices():
    assert asked_labels(PAGE) == {
        "tree": {"taxonomy": {"top", "top.x"}},
        "frame": {"choices": {"a", "b"}},
    }


def test_what_fits_the_page_stays_as_it_is():
    results = [result("tree", "taxonomy", [["top", "top.x"]]), result("frame", "choices", ["a"])]
    assert on_page(results, asked_labels(PAGE)) == results


def test_ticks_that_the_page_has_no_place_for_are_left_out():
    results = [
        result("tree", "taxonomy", [["top", "top.x"], ["top", "top.y"]]),
        result("frame", "choices", ["c", "a"]),
        result("frame", "taxonomy", [["a"]]),
        result("stance", "choices", ["a"]),
        result("frame", "choices", ["c"]),
    ]
    assert on_page(results, asked_labels(PAGE)) == [
        result("tree", "taxonomy", [["top", "top.x"]]),
        result("frame", "choices", ["a"]),
    ]


@pytest.mark.parametrize("n_labels", [3, 30])
def test_the_page_made_from_a_codebook_has_a_place_for_all_its_leaves(n_labels):
    labels = [Label("top", "f", "Top")]
    labels += [Label(f"x{i}", "f", f"X {i}", parent="top") for i in range(n_labels)]
    book = Codebook("1", "", (Facet("f", "F"),), tuple(labels))
    results = prediction_results(dict.fromkeys(book.leaf_ids, 0.9), book)
    assert on_page(results, asked_labels(labelling_page(book))) == results


def test_a_page_that_is_not_xml_is_refused():
    with pytest.raises(InputError, match="label_config is not XML"):
        asked_labels("<View")
