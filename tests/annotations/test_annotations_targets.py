from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.annotations.targets import build_targets
from narraframe.errors import CodebookError, ConfigError
from narraframe.records import Annotation, Codebook, Facet, Label

CODEBOOK = Codebook(
    version="1.2.0",
    title="test",
    facets=(Facet("narrative", "Narrative"), Facet("stance", "Stance", choice="single")),
    labels=(
        Label("order", "narrative", "Order"),
        Label("order.multipolar", "narrative", "Multipolar", parent="order"),
        Label("order.charter", "narrative", "Charter", parent="order"),
        Label("trade", "narrative", "Trade"),
        Label("stance.for", "stance", "For"),
        Label("stance.neutral", "stance", "Neutral"),
        Label("stance.against", "stance", "Against"),
    ),
)
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def says(label_id, value, *, post="p", by="ann", at=NOON):
    return Annotation(post_id=post, annotator=by, label_id=label_id, value=value, annotated_at=at)


def cells(*rows, consensus="majority", post="p"):
    """The row of one post as {label_id: 0, 1 or None for unknown}."""
    targets = build_targets(rows, CODEBOOK, consensus=consensus).targets
    i = targets.post_ids.index(post)
    return {
        label_id: int(targets.y[i, j]) if targets.mask[i, j] else None
        for j, label_id in enumerate(targets.label_ids)
    }


def only(**known):
    named = {key.replace("_", "."): value for key, value in known.items()}
    return dict.fromkeys(CODEBOOK.label_ids) | named


def test_unannotated_cells_stay_unknown():
    assert cells(says("trade", 1)) == only(trade=1)


def test_a_reviewed_facet_makes_its_labels_without_rows_known_zeros():
    assert cells(says("narrative", 1), says("trade", 1)) == only(
        order=0, order_multipolar=0, order_charter=0, trade=1
    )


def test_a_facet_reviewed_as_empty_is_all_known_zeros():
    assert cells(says("narrative", 0)) == only(
        order=0, order_multipolar=0, order_charter=0, trade=0
    )


def test_a_review_that_says_some_apply_but_names_none_says_nothing():
    assert cells(says("narrative", 1)) == only()


def test_the_latest_row_of_an_annotator_on_a_label_counts():
    assert cells(says("trade", 1, at=LATER), says("trade", 0)) == only(trade=1)
    assert cells(says("trade", 1), says("trade", 0, at=LATER)) == only(trade=0)


def test_a_row_without_time_is_older_than_any_other():
    assert cells(says("trade", 1, at=None), says("trade", 0)) == only(trade=0)


def test_times_without_zone_are_taken_as_utc():
    naive = LATER.replace(tzinfo=None)
    assert cells(says("trade", 1, at=naive), says("trade", 0)) == only(trade=1)


def test_rows_of_the_same_time_that_disagree_leave_the_label_unknown_and_are_counted():
    rows = [says("trade", 1), says("trade", 0), says("trade", 1), says("narrative", 0)]
    report = build_targets(rows, CODEBOOK)
    column = CODEBOOK.label_ids.index("trade")
    assert not report.targets.mask[0, column]
    assert report.contradicted[column] == 1
    assert report.contradicted.sum() == 1


def test_a_later_row_settles_an_earlier_contradiction():
    assert cells(says("trade", 1), says("trade", 0), says("trade", 1, at=LATER)) == only(trade=1)


def test_a_positive_row_beside_a_review_that_says_none_contradicts_it():
    report = build_targets([says("narrative", 0), says("trade", 1)], CODEBOOK)
    assert report.contradicted.tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert cells(says("narrative", 0), says("trade", 1))["trade"] is None


def test_a_later_review_replaces_older_rows_of_its_facet():
    rows = [
        says("narrative", 1),
        says("trade", 1),
        says("narrative", 1, at=LATER),
        says("order.charter", 1, at=LATER),
    ]
    assert cells(*rows) == only(order=1, order_multipolar=0, order_charter=1, trade=0)


def test_a_later_review_that_says_none_replaces_older_rows():
    assert cells(says("trade", 1), says("narrative", 0, at=LATER))["trade"] == 0


def test_a_review_stamped_after_its_own_rows_keeps_them():
    assert cells(says("trade", 1), says("narrative", 1, at=LATER))["trade"] == 1


def test_a_parent_applies_where_a_child_does():
    assert cells(says("order.charter", 1)) == only(order=1, order_charter=1)


def test_a_parent_is_a_known_zero_only_where_all_its_leaves_are():
    assert cells(says("order.charter", 0)) == only(order_charter=0)
    assert cells(says("order.charter", 0), says("order.multipolar", 0)) == only(
        order=0, order_charter=0, order_multipolar=0
    )


def test_a_parent_chosen_itself_applies_without_children():
    assert cells(says("narrative", 1), says("order", 1)) == only(
        order=1, order_multipolar=0, order_charter=0, trade=0
    )


def test_a_parents_own_zero_holds_below_it_unless_a_child_says_otherwise():
    assert cells(says("order", 0)) == only(order=0, order_multipolar=0, order_charter=0)
    assert cells(says("order", 0), says("order.charter", 1)) == only(
        order=1, order_multipolar=0, order_charter=1
    )


def test_annotators_of_different_children_agree_on_the_parent():
    rows = [says("order.charter", 1, by="a"), says("order.multipolar", 1, by="b")]
    reviews = [says("narrative", 1, by=by) for by in "ab"]
    assert cells(*rows, *reviews) == only(order=1, trade=0)


def test_ties_are_unknown_and_counted():
    rows = [says("trade", 1, by="a"), says("trade", 0, by="b")]
    report = build_targets(rows, CODEBOOK)
    column = CODEBOOK.label_ids.index("trade")
    assert not report.targets.mask.any()
    assert report.undecided[column] == 1
    assert report.n_annotators[0, column] == 2


def test_the_majority_wins():
    votes = [says("trade", value, by=by) for by, value in zip("abc", (1, 1, 0), strict=True)]
    assert cells(*votes) == only(trade=1)


def test_any_takes_one_voice_for_yes_and_all_voices_for_no():
    rows = [says("trade", 1, by="a"), says("trade", 0, by="b"), says("order.charter", 0, by="b")]
    assert cells(*rows, consensus="any") == only(trade=1, order_charter=0)


def test_one_choice_makes_the_others_known_zeros():
    assert cells(says("stance.for", 1)) == only(stance_for=1, stance_neutral=0, stance_against=0)


def test_two_values_for_a_single_choice_facet_are_an_error():
    rows = [says("stance.for", 1), says("stance.neutral", 1)]
    with pytest.raises(CodebookError, match=r"post p, annotator ann: stance\.for, stance\.neutral"):
        build_targets(rows, CODEBOOK)


def test_a_changed_mind_in_a_later_review_is_no_second_value():
    rows = [
        says("stance", 1),
        says("stance.for", 1),
        says("stance", 1, at=LATER),
        says("stance.neutral", 1, at=LATER),
    ]
    assert cells(*rows) == only(stance_for=0, stance_neutral=1, stance_against=0)


def test_a_single_choice_that_nobody_won_is_unknown_not_zero():
    choices = ("stance.for", "stance.neutral", "stance.against")
    rows = [says(label_id, 1, by=by) for by, label_id in zip("abc", choices, strict=True)]
    assert cells(*rows) == only()


def test_two_single_choices_that_won_by_any_are_unknown():
    rows = [says("stance.for", 1, by="a"), says("stance.neutral", 1, by="b")]
    assert cells(*rows, consensus="any") == only(stance_against=0)


def test_all_unknown_label_ids_are_listed_with_the_nearest_known():
    rows = [says("tarde", 1), says("zzz", 0), says("trade", 1)]
    with pytest.raises(CodebookError, match=r'"tarde" \(did you mean "trade"\?\), "zzz"'):
        build_targets(rows, CODEBOOK)


def test_a_value_other_than_zero_and_one_is_refused():
    with pytest.raises(CodebookError, match="value other than 0 and 1"):
        build_targets([says("trade", 2)], CODEBOOK)


def test_a_facet_and_a_label_of_one_id_cannot_be_told_apart():
    codebook = Codebook("1", "t", (Facet("trade", "T"),), (Label("trade", "trade", "Trade"),))
    with pytest.raises(CodebookError, match="same id"):
        build_targets([], codebook)


def test_an_unknown_consensus_is_refused():
    with pytest.raises(ConfigError, match="unknown consensus"):
        build_targets([], CODEBOOK, consensus="mean")


def test_no_annotations_give_no_rows_but_all_columns():
    targets = build_targets([], CODEBOOK).targets
    assert targets.y.shape == targets.mask.shape == (0, 7)
    assert targets.label_ids == CODEBOOK.label_ids


def test_cells_are_typed_and_posts_sorted():
    rows = [says("trade", 1, post="b"), says("trade", 0, post="a")]
    targets = build_targets(rows, CODEBOOK).targets
    assert targets.post_ids == ("a", "b")
    assert targets.y.dtype == np.int8
    assert targets.mask.dtype == bool


any_row = st.builds(
    lambda label_id, value, by, hour: says(label_id, value, by=by, at=NOON + timedelta(hours=hour)),
    st.sampled_from([*CODEBOOK.label_ids[:4], "narrative"]),
    st.integers(0, 1),
    st.sampled_from("abc"),
    st.integers(0, 2),
)


@given(st.lists(any_row, min_size=1, max_size=12), st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert cells(*rows) == cells(*shuffled)


@given(st.lists(any_row, min_size=1, max_size=12), st.sampled_from(["majority", "any"]))
def test_a_parent_never_contradicts_its_children(rows, consensus):
    row = cells(*rows, consensus=consensus)
    children = (row["order.multipolar"], row["order.charter"])
    if 1 in children:
        assert row["order"] == 1
    if row["order"] == 0:
        assert children == (0, 0)


GROWN = Codebook(
    version="1.10.0",
    title="test",
    facets=(*CODEBOOK.facets, Facet("tone", "Tone", since="1.10")),
    labels=(
        *CODEBOOK.labels[:3],
        Label("order.new", "narrative", "New", parent="order", since="1.9.1"),
        *CODEBOOK.labels[3:],
        Label("stance.mixed", "stance", "Mixed", since="1.10.0"),
        Label("tone.calm", "tone", "Calm"),
    ),
)


def asked(version, *rows):
    """The known cells of a post whose rows were made with one version of the codebook."""
    made = [
        Annotation(post_id="p", annotator="a", label_id=i, value=v, codebook_version=version)
        for i, v in rows
    ]
    targets = build_targets(made, GROWN).targets
    known = zip(targets.label_ids, targets.y[0].tolist(), targets.mask[0].tolist(), strict=True)
    return {label_id: value for label_id, value, is_known in known if is_known}


@pytest.mark.parametrize("version", ["", "1.0.0", "1.9", "1.9.0"])
def test_a_review_says_nothing_of_labels_that_came_later(version):
    found = asked(version, ("narrative", 1), ("trade", 1))
    assert found == {"order.multipolar": 0, "order.charter": 0, "trade": 1}


@pytest.mark.parametrize("version", ["1.9.1", "1.9.1.0", "1.9.2", "1.10.0", "2.0"])
def test_a_review_speaks_of_the_labels_of_its_version(version):
    found = asked(version, ("narrative", 1), ("trade", 1))
    below = {"order": 0, "order.multipolar": 0, "order.charter": 0, "order.new": 0}
    assert found == below | {"trade": 1}


def test_a_label_that_has_a_row_was_asked_whatever_the_version():
    found = asked("1.0.0", ("narrative", 1), ("order.new", 1))
    assert (found["order.new"], found["order"], found["trade"]) == (1, 1, 0)
    assert asked("1.0.0", ("narrative", 0), ("order.new", 0))["order"] == 0


def test_a_choice_excludes_no_label_that_came_later():
    older = asked("1.9.2", ("stance", 1), ("stance.for", 1))
    assert older == {"stance.for": 1, "stance.neutral": 0, "stance.against": 0}
    assert asked("1.10.0", ("stance.for", 1)) == older | {"stance.mixed": 0}


def test_a_facet_that_came_later_makes_all_its_labels_new():
    assert asked("1.9.2", ("tone", 0)) == {}
    assert asked("1.10.0", ("tone", 0)) == {"tone.calm": 0}
