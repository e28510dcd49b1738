"""Which posts annotators disagree on."""

from dataclasses import replace

from narraframe.annotations.disputes import Dispute, disputes
from narraframe.records import Annotation, Codebook, Facet, Label

BOOK = Codebook(
    "1.0.0",
    "",
    (Facet("frame", "Frame"), Facet("stance", "Stance", "single")),
    (
        Label("up", "frame", "Up"),
        Label("a", "frame", "A", parent="up"),
        Label("b", "frame", "B", parent="up"),
        Label("yes", "stance", "Yes"),
        Label("no", "stance", "No"),
    ),
)


def said(post, who, *ids, facets=("frame",), gold=False):
    chosen = {facet: [i for i in ids if BOOK.by_id[i].facet_id == facet] for facet in facets}
    rows = [(facet, int(bool(of))) for facet, of in chosen.items()] + [(i, 1) for i in ids]
    return [
        Annotation(post_id=post, annotator=who, label_id=i, value=v, gold=gold) for i, v in rows
    ]


def test_a_label_that_one_chose_and_another_did_not_is_in_dispute():
    found = disputes([*said("p", "x", "a", "b"), *said("p", "y", "b")], BOOK)
    assert found.n_compared == 1
    assert found.disputes == (Dispute("p", ("a",), {"x": ("a", "b"), "y": ("b",)}),)


def test_agreement_single_answers_and_the_unknown_are_no_disputes():
    agreed = [*said("p", "x", "a"), *said("p", "y", "a")]
    alone = said("q", "x", "b")
    unknown = [*said("r", "x", "a"), *said("r", "y", "yes", facets=("stance",))]
    found = disputes([*agreed, *alone, *unknown], BOOK)
    assert (found.n_compared, found.disputes) == (2, ())


def test_gold_settles_its_facet_and_no_other():
    both = (*said("p", "x", "a", "yes", facets=("frame", "stance")),)
    other = (*said("p", "y", "b", "no", facets=("frame", "stance")),)
    gold = said("p", "z", "a", gold=True)
    assert disputes([*both, *other], BOOK).disputes[0].labels == ("a", "b", "yes", "no")
    (left,) = disputes([*both, *other, *gold], BOOK).disputes
    assert left.labels == ("yes", "no")
    assert set(left.chosen) == {"x", "y"}


def test_the_most_disputed_come_first():
    rows = [
        *said("p", "x", "a"), *said("p", "y"),
        *said("q", "x", "a"), *said("q", "y", "b"),
    ]  # fmt: skip
    assert [d.post_id for d in disputes(rows, BOOK).disputes] == ["q", "p"]


def test_gold_settles_what_it_was_asked_and_labels_it_has_rows_on():
    book = replace(BOOK, labels=(*BOOK.labels, Label("new", "frame", "New", since="1.1.0")))
    old = [replace(row, codebook_version="1.0.0") for row in said("p", "z", "a", gold=True)]
    now = {"codebook_version": "1.1.0"}
    rows = [
        *(replace(r, **now) for r in said("p", "x", "a")),
        *(replace(r, **now) for r in said("p", "y", "a")),
        Annotation(post_id="p", annotator="x", label_id="new", value=1, **now),
    ]
    (left,) = disputes([*rows, *old], book).disputes
    assert left.labels == ("new",)
    own = Annotation(post_id="p", annotator="z", label_id="new", value=0, gold=True)
    assert disputes([*rows, *old, own], book).disputes == ()
