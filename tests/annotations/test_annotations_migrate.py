"""Annotations in terms of the labels that the codebook still has."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.annotations.answers import AnswerSheet, read_answer
from narraframe.annotations.migrate import migrate
from narraframe.records import Annotation, Codebook, Facet, Label, Retired

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
OLD = Codebook(
    "1.0.0",
    "",
    (Facet("f", "F"), Facet("s", "S", choice="single")),
    tuple(Label(i, "f", i) for i in "abcde") + tuple(Label(i, "s", i) for i in ("s.x", "s.y")),
)


def changed(*retired, new=(), facets=None):
    """The old codebook without the retired labels, with `new` ones."""
    gone = {old.label_id for old in retired}
    labels = tuple(label for label in OLD.labels if label.label_id not in gone)
    return Codebook("1.1.0", "", facets or OLD.facets, labels + tuple(new), retired)


def row(label_id, value, *, at=NOON, post="p", annotator="ann", **more):
    more = {"codebook_version": "1.0.0", "annotated_at": at} | more
    return Annotation(post_id=post, annotator=annotator, label_id=label_id, value=value, **more)


def brief(migrated):
    return [(a.label_id, a.value) for a in migrated.annotations]


RENAMED = changed(Retired("a", "f", ("z",)), new=[Label("z", "f", "z", since="1.1.0")])
MERGED = changed(Retired("a", "f", ("b",)))
DROPPED = changed(Retired("a", "f"))
SPLIT = changed(
    Retired("a", "f", ("y", "z")),
    new=[Label("y", "f", "y", since="1.1.0"), Label("z", "f", "z", since="1.1.0")],
)


def test_a_renamed_label_keeps_its_row():
    before = row("a", 1, spans=((3, 9),), origin="accepted", design="audit")
    done = migrate([row("f", 1), before], RENAMED)
    assert done.annotations == (row("f", 1), replace(before, label_id="z"))
    assert done.changed == Counter(a=1)


def test_a_reviewed_post_without_the_renamed_label_does_not_have_the_new_one():
    assert brief(migrate([row("f", 1), row("b", 1)], RENAMED)) == [("f", 1), ("z", 0), ("b", 1)]
    assert brief(migrate([row("f", 0)], RENAMED)) == [("f", 0), ("z", 0)]


def test_of_two_merged_rows_the_positive_one_the_later_time_and_all_evidence_stay():
    later = NOON + timedelta(hours=1)
    rows = [row("a", 1, spans=((3, 9),)), row("b", 1, spans=((0, 2),), at=later)]
    assert migrate(rows, MERGED).annotations == (row("b", 1, spans=((0, 2), (3, 9)), at=later),)
    assert brief(migrate([row("a", 1), row("b", 0)], MERGED)) == [("b", 1)]
    assert brief(migrate([row("a", 0), row("b", 1)], MERGED)) == [("b", 1)]


def test_a_zero_of_one_label_is_no_zero_of_the_label_it_was_merged_into():
    assert brief(migrate([row("a", 0), row("c", 1)], MERGED)) == [("c", 1)]


def test_a_dropped_label_leaves_an_empty_but_reviewed_facet():
    rows = [row("f", 1, spans=((0, 4),)), row("a", 1), row("s", 1), row("s.x", 1)]
    done = migrate(rows, DROPPED)
    assert done.annotations == (row("f", 0), row("s", 1), row("s.x", 1))
    assert brief(migrate([row("f", 1), row("a", 1), row("b", 1)], DROPPED)) == [("f", 1), ("b", 1)]


def test_where_a_split_label_applied_its_parts_are_unknown_and_the_others_are_not():
    done = migrate([row("f", 1), row("a", 1), row("b", 1)], SPLIT)
    assert Counter(brief(done)) == Counter([("b", 1), ("c", 0), ("d", 0), ("e", 0)])
    assert done.unknown == Counter(a=1)
    alone = migrate([row("f", 1, spans=((0, 4),)), row("a", 1)], SPLIT)
    assert alone.annotations[0] == row("f", 1, spans=((0, 4),))
    sheet = AnswerSheet.of(SPLIT)
    value = dict(zip(SPLIT.label_ids, read_answer(alone.annotations, sheet).value, strict=True))
    assert value == {"b": 0, "c": 0, "d": 0, "e": 0, "y": -1, "z": -1, "s.x": -1, "s.y": -1}


def test_where_a_split_label_did_not_apply_no_part_does():
    done = migrate([row("f", 1), row("b", 1)], SPLIT)
    assert brief(done) == [("f", 1), ("y", 0), ("z", 0), ("b", 1)]
    assert done.added == Counter(y=1, z=1)
    assert brief(migrate([row("a", 0)], SPLIT)) == [("y", 0), ("z", 0)]


def test_what_was_annotated_with_the_new_codebook_stays():
    rows = [row("f", 1, codebook_version="1.1.0"), row("y", 1, codebook_version="1.1.0")]
    assert migrate(rows, SPLIT).annotations == tuple(rows)


def test_a_choice_that_is_dropped_still_says_that_the_others_were_not_chosen():
    book = changed(Retired("s.x", "s"))
    assert brief(migrate([row("s.x", 1)], book)) == [("s.y", 0)]


def test_a_chain_is_followed_to_its_end():
    book = replace(RENAMED, retired=(Retired("a", "f", ("m",)), Retired("m", "f", ("z",))))
    assert brief(migrate([row("a", 1), row("m", 1, annotator="other")], book)) == [
        ("z", 1),
        ("z", 1),
    ]


def test_a_part_of_a_split_that_is_dropped_leaves_the_other_part_unknown():
    new = [Label("y", "f", "y", since="1.1.0")]
    book = changed(Retired("a", "f", ("y", "m")), Retired("m", "f"), new=new)
    assert ("y", 1) not in brief(migrate([row("f", 1), row("a", 1)], book))


def test_a_label_that_a_later_review_took_back_does_not_come_again():
    rows = [row("a", 1), row("f", 0, at=NOON + timedelta(days=1))]
    assert ("z", 1) not in brief(migrate(rows, RENAMED))


def test_a_row_on_a_dropped_label_alone_leaves_that_the_post_was_seen():
    assert migrate([row("a", 1)], DROPPED).annotations == (row("f", 1),)


def test_a_facet_may_be_renamed_or_dropped():
    facets = (Facet("g", "G"), OLD.facets[1])
    labels = tuple(replace(x, facet_id="g") if x.facet_id == "f" else x for x in OLD.labels)
    renamed = Codebook("1.1.0", "", facets, labels, (Retired("f", "f", ("g",)),))
    assert brief(migrate([row("f", 1), row("a", 1)], renamed)) == [("g", 1), ("a", 1)]
    gone = (Retired("s", "s"), Retired("s.x", "s"), Retired("s.y", "s"))
    dropped = Codebook("1.1.0", "", OLD.facets[:1], OLD.labels[:5], gone)
    rows = [row("f", 1), row("a", 1), row("s", 1), row("s.x", 1)]
    assert brief(migrate(rows, dropped)) == [("f", 1), ("a", 1)]


def test_gold_and_other_answers_of_one_person_do_not_mix():
    rows = [row("f", 1), row("a", 1), row("f", 0, gold=True)]
    assert brief(migrate(rows, DROPPED)) == [("f", 0), ("f", 0)]


@st.composite
def answers(draw):
    """Rows as annotators leave them: single labels, then reviews of the facet with its labels."""
    rows = []
    for post in draw(st.lists(st.sampled_from("pqr"), unique=True)):
        for annotator in draw(st.lists(st.sampled_from("xy"), unique=True)):
            who = {"post": post, "annotator": annotator}
            for n in range(draw(st.integers(0, 2))):
                at = {"at": NOON + timedelta(hours=n)}
                if n or draw(st.booleans()):
                    chosen = draw(st.lists(st.sampled_from("abcde"), unique=True))
                    rows.append(row("f", int(bool(chosen)), **who, **at))
                    rows += [row(i, 1, **who, **at) for i in chosen]
                else:
                    values = draw(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 1)))
                    rows += [row(i, value, **who, **at) for i, value in values.items()]
            if draw(st.booleans()):
                choice = draw(st.sampled_from(["s.x", "s.y"]))
                rows += [row("s", 1, **who), row(choice, 1, **who)]
    return draw(st.permutations(rows))


BOOKS = {
    "renamed": RENAMED,
    "merged": MERGED,
    "dropped": DROPPED,
    "split": SPLIT,
    "split in two ways": changed(
        Retired("a", "f", ("y", "z")),
        Retired("b", "f", ("z",)),
        Retired("d", "f", ("c",)),
        new=[Label("y", "f", "y", since="1.1.0"), Label("z", "f", "z", since="1.1.0")],
    ),
    "split into one that was there": changed(
        Retired("a", "f", ("b", "z")), new=[Label("z", "f", "z", since="1.1.0")]
    ),
    "merged into a new one, and dropped": changed(
        Retired("a", "f", ("z",)),
        Retired("b", "f", ("z",)),
        Retired("c", "f"),
        Retired("s.x", "s"),
        new=[Label("z", "f", "z", since="1.1.0")],
    ),
}


def values(rows, book):
    sheet = AnswerSheet.of(book)
    by_answer = {}
    for a in rows:
        by_answer.setdefault((a.post_id, a.annotator), []).append(a)
    return {
        key: dict(zip(book.label_ids, map(int, read_answer(of, sheet).value), strict=True))
        for key, of in by_answer.items()
    }


def expected(old, book):
    """What each label of the new codebook is, told from the values of the old one."""
    is_there = set(OLD.label_ids)
    value = {}
    for label_id in book.label_ids:
        sources = [r for r in book.retired if label_id in r.into]
        parts = [(old[r.label_id], len(r.into) == 1) for r in sources]
        if label_id in is_there:
            parts.append((old[label_id], True))
        if any(v == 1 and is_sure for v, is_sure in parts):
            value[label_id] = 1
        elif all(v == 0 for v, _ in parts) or (
            # a zero that somebody wrote stays, though another label was merged in
            old.get(label_id) == 0 and all(v != 1 for v, _ in parts)
        ):
            value[label_id] = 0
        else:
            value[label_id] = -1
    return value


@pytest.mark.parametrize("name", BOOKS)
@given(rows=answers())
def test_every_label_is_known_as_far_as_the_old_answers_tell(rows, name):
    book = BOOKS[name]
    before, after = values(rows, OLD), values(migrate(rows, book).annotations, book)
    assert after == {key: expected(old, book) for key, old in before.items()}


@pytest.mark.parametrize("name", BOOKS)
@given(rows=answers())
def test_twice_is_once_no_answer_is_lost_and_no_retired_label_is_left(rows, name):
    once = migrate(rows, BOOKS[name])
    again = migrate(once.annotations, BOOKS[name])
    assert again.annotations == once.annotations
    assert not again.changed
    assert not again.added
    answered = {(a.post_id, a.annotator) for a in rows}
    assert {(a.post_id, a.annotator) for a in once.annotations} == answered
    known = {*BOOKS[name].label_ids, "f", "s"}
    assert {a.label_id for a in once.annotations} <= known


@given(rows=answers())
def test_without_retired_labels_nothing_changes(rows):
    assert migrate(rows, OLD).annotations == tuple(rows)


@given(rows=answers())
def test_rows_on_other_facets_stay_as_they_are_and_where_they_are(rows):
    others = [a for a in rows if a.label_id in ("s", "s.x", "s.y")]
    done = migrate(rows, MERGED).annotations
    assert [a for a in done if a.label_id in ("s", "s.x", "s.y")] == others
