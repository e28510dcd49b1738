from dataclasses import replace

import numpy as np
from report_cases import codebook, left_open, posts, scores

from narraframe.report import tables
from narraframe.report.facets import NO_PROBABILITY, NO_SCORE, facet_views

KNOWN = tables.corpus(posts())


def test_labels_stand_in_codebook_order_with_their_depth():
    topic, tone = facet_views(KNOWN, scores(), codebook())
    assert [(row.name, row.depth, row.is_leaf) for row in topic.rows] == [
        ("Trade", 0, False),
        ("Ports", 1, True),
        ("Loans", 1, True),
    ]
    assert (topic.group, tone.group) == ("facet-0", "facet-1")


def test_a_parent_that_only_follows_its_children_is_counted():
    follows = replace(scores(), thresholds=np.array([np.nan, 0.5, np.nan, 0.4]))
    trade = facet_views(KNOWN, follows, codebook())[0].rows[0]
    assert (trade.state, trade.posts, trade.distinct) == ("", 3, 2)


def test_a_label_without_a_probability_has_no_counts_rather_than_zeros():
    loans = facet_views(KNOWN, scores(), codebook())[0].rows[2]
    assert (loans.state, loans.months, loans.channels) == (NO_PROBABILITY, (), ())


def test_a_label_that_the_model_lacks_is_named_as_such():
    cold = facet_views(KNOWN, scores(), codebook())[1].rows[1]
    assert (cold.name, cold.state) == ("Cold", NO_SCORE)


def test_counts_are_exact_by_month_and_by_channel():
    topic = facet_views(KNOWN, scores(), codebook())[0]
    ports = topic.rows[1]
    assert (ports.posts, ports.distinct) == (3, 2)
    assert [cell.posts for cell in ports.months] == [1, 2, 0, 0]
    assert [(c.name, c.n_posts, c.n_distinct) for c in topic.channels] == [
        ("North", 3, 3),
        ("South", 1, 1),
        ("channel not known", 0, 0),
    ]
    assert [cell.posts for cell in ports.channels] == [2, 1, 0]


def test_tints_run_from_none_for_zero_to_the_darkest_for_the_largest():
    ports = facet_views(KNOWN, scores(), codebook())[0].rows[1]
    assert [cell.posts_heat for cell in ports.months] == [3, 6, 0, 0]


def test_without_a_codebook_all_labels_form_one_facet():
    (view,) = facet_views(KNOWN, scores(), None)
    assert [row.name for row in view.rows] == ["trade", "trade.ports", "trade.loans", "warm"]


def test_a_scored_label_that_the_codebook_lacks_is_still_shown():
    strange = replace(scores(), label_ids=("trade", "trade.ports", "trade.loans", "new"))
    last = facet_views(KNOWN, strange, codebook())[-1]
    assert last.name == "Labels that the codebook lacks"
    assert [(row.label_id, row.posts) for row in last.rows] == [("new", 3)]


def test_the_most_frequent_labels_are_leaves_with_posts():
    topic = facet_views(KNOWN, scores(), codebook())[0]
    assert [row.label_id for row in topic.most_frequent(5)] == ["trade.ports"]
    assert topic.chosen == ("trade.ports",)


def test_where_nothing_was_decided_the_first_labels_are_drawn():
    none = replace(scores(), decision=np.zeros((5, 4), dtype=bool))
    assert facet_views(KNOWN, none, codebook())[0].chosen == ("trade", "trade.ports")


def test_a_label_is_counted_on_the_posts_on_which_it_was_decided():
    topic, tone = facet_views(KNOWN, left_open(), codebook())
    trade, ports, _ = topic.rows
    warm = tone.rows[0]
    assert [(row.posts, row.left_open) for row in (trade, ports, warm)] == [(3, 0), (2, 1), (1, 2)]
    assert [(c.posts, c.of_posts) for c in ports.months] == [(0, 0), (2, 2), (0, 0), (0, 1)]
    assert [(c.posts, c.of_posts) for c in warm.channels] == [(0, 1), (1, 1), (0, 0)]
    assert [column.n_posts for column in topic.months] == [1, 2, 0, 1], "scored all the same"
    assert (topic.n_open, tone.n_open) == (1, 2)
    assert facet_views(KNOWN, scores(), codebook())[0].n_open == 0
