"""What a change of the codebook means for the annotations there."""

from dataclasses import replace

import pytest

from narraframe.annotations.codebook_diff import Change, difference
from narraframe.records import Codebook, Facet, Label, Retired

OLD = Codebook(
    "1.0.0",
    "",
    (Facet("f", "F"), Facet("s", "S", choice="single")),
    (
        Label("g", "f", "G"),
        Label("g.a", "f", "A", parent="g"),
        Label("b", "f", "B"),
        Label("c", "f", "C"),
        Label("s.x", "s", "X"),
    ),
)
USES = {"g.a": 7, "b": 1, "f": 20, "s": 9}


def new(*, drop=(), add=(), retired=(), facets=OLD.facets, version="1.1.0", **changed):
    labels = [replace(x, **changed.get(x.label_id.replace(".", "_"), {})) for x in OLD.labels]
    kept = tuple(x for x in labels if x.label_id not in drop)
    return Codebook(version, "", facets, kept + tuple(add), tuple(retired))


def changes(book):
    return [(c.kind, c.subject) for c in difference(OLD, book, USES).changes]


def test_a_codebook_does_not_differ_from_itself():
    assert difference(OLD, OLD, USES).changes == ()


@pytest.mark.parametrize(
    ("book", "kind", "meaning"),
    [
        (
            new(drop=["b"], add=[Label("z", "f", "Z", since="1.1.0")],
                retired=[Retired("b", "f", ("z",))]),
            "renamed to z",
            "takes 1 annotation with it",
        ),
        (new(drop=["b"], retired=[Retired("b", "f", ("c",))]), "merged into c", "takes 1"),
        (new(drop=["b"], retired=[Retired("b", "f")]), "dropped", "loses 1 annotation"),
        (
            new(drop=["b"], retired=[Retired("b", "f", ("c", "g.a"))]),
            "split into c and g.a",
            "leaves open which part applies in 1 annotation",
        ),
    ],
)  # fmt: skip
def test_a_retired_label_tells_what_became_of_it(book, kind, meaning):
    (found,) = [c for c in difference(OLD, book, USES).changes if c.subject == "b"]
    assert (found.kind, found.n, found.is_fault) == (kind, 1, False)
    assert meaning in found.meaning
    assert difference(OLD, book, USES).faults == ()


def test_two_labels_that_become_one_new_one_are_merged():
    add = [Label("z", "f", "Z", since="1.1.0")]
    book = new(drop=["b", "c"], add=add, retired=[Retired(x, "f", ("z",)) for x in "bc"])
    assert ("merged into z", "b") in changes(book)
    assert ("merged into z", "c") in changes(book)


def test_a_label_that_vanishes_would_orphan_its_annotations():
    assert difference(OLD, new(drop=["g.a"]), USES).faults == (
        Change(
            "vanished",
            "g.a",
            "would orphan 7 annotations: list it under [[retired]]",
            n=7,
            is_fault=True,
        ),
    )


def test_what_was_retired_before_must_stay_so():
    old = replace(OLD, retired=(Retired("x", "f", ("b",)),))
    (fault,) = difference(old, new(), {"x": 2}).faults
    assert (fault.subject, fault.n) == ("x", 2)
    assert difference(old, new(retired=old.retired), {"x": 2}).faults == ()


def test_a_new_label_must_say_since_when():
    told, untold = (
        difference(OLD, new(add=[Label("z", "f", "Z", since=since)]), USES).changes
        for since in ("1.1.0", "")
    )
    assert [c.is_fault for c in (*told, *untold)] == [False, True]
    assert 'give it since = "1.1.0"' in untold[0].meaning
    stale = difference(OLD, new(add=[Label("z", "f", "Z", since="1.0")]), USES)
    assert stale.faults


def test_a_new_meaning_is_told_from_a_new_name():
    assert changes(new(b={"name": "Bee"})) == [("now called 'Bee'", "b")]
    (found,) = difference(OLD, new(b={"definition": "x", "exclude": "y"}), USES).changes
    assert found.kind == "redefined"
    assert found.meaning.startswith("has 1 annotation by the old definition and exclude")


def test_a_label_that_moves_is_told():
    assert changes(new(b={"parent": "g"})) == [("moved to g", "b")]
    assert changes(new(g_a={"parent": None})) == [("moved to the top", "g.a")]
    (found,) = difference(OLD, new(b={"facet_id": "s"}), USES).changes
    assert found.kind == "moved to facet s"
    assert found.is_fault
    assert not difference(OLD, new(b={"facet_id": "s", "since": "1.1.0"}), USES).faults


def test_a_label_that_gets_labels_below_it_can_no_longer_be_chosen():
    book = new(add=[Label("b.x", "f", "BX", parent="b", since="1.1.0")])
    assert changes(book) == [("added", "b.x"), ("now a group", "b")]


def test_changes_of_facets_are_told():
    f, s = OLD.facets
    assert changes(new(facets=(replace(f, choice="single"), s))) == [("now single choice", "f")]
    assert changes(new(facets=(replace(f, required=True), s))) == [("now required", "f")]
    assert changes(new(facets=(replace(f, question="?"), s))) == [("reworded", "f")]
    tone = Facet("t", "T", since="1.1.0")
    assert changes(new(facets=(f, s, tone))) == [("added", "t")]
    gone = difference(OLD, new(facets=(f,), drop=["s.x"]), USES)
    assert [(c.kind, c.subject, c.n) for c in gone.faults] == [
        ("vanished", "s", 9),
        ("vanished", "s.x", 0),
    ]
    retired = [Retired("s", "s"), Retired("s.x", "s")]
    book = new(facets=(f,), drop=["s.x"], retired=retired)
    assert changes(book) == [("dropped", "s"), ("dropped", "s.x")]


def test_a_changed_codebook_needs_a_later_version():
    book = new(b={"definition": "x"}, version="1.0.0")
    assert difference(OLD, book, USES).faults[0].kind == "version"
    assert difference(OLD, replace(OLD, version="1.0.0"), USES).faults == ()
