"""Label cards, evidence, mistakes, shares, changes, and the report as tables, text and figures."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import HOSTILE, NAN, codebook, estimate, posts, scores, whole

from narraframe.records import (
    Burst,
    Drift,
    DriftTest,
    Estimate,
    HeldOut,
    LabelPlan,
    LabelShare,
    Prevalence,
    Trend,
    Trends,
    Uncovered,
)
from narraframe.report import figures, tables
from narraframe.report.changes import drift_rows
from narraframe.report.facets import facet_views
from narraframe.report.label_cards import label_cards
from narraframe.report.markdown import MOST_ROWS, markdown
from narraframe.report.mistakes import OF_A_LABEL, mistakes
from narraframe.report.page import render
from narraframe.report.passages import LONGEST, passages
from narraframe.report.rows import Table, report_tables
from narraframe.report.theme_map import image
from narraframe.workflows.columns import decisions_of
from narraframe.workflows.report_shares import labels_by_channel


def held_out():
    """Trade: p1 given wrongly at 0.9, p3 overlooked at 0.2; its copy p2 the same, less surely."""
    return HeldOut(
        post_ids=("p1", "p2", "p3", "gone"),
        label_ids=("trade",),
        y=np.array([[0], [0], [1], [1]], dtype=np.int8),
        mask=np.array([[True], [True], [True], [False]]),
        probability=np.array([[0.9], [0.8], [0.2], [0.0]], dtype=np.float32),
        decision=np.array([[True], [True], [False], [False]]),
        groups=np.array([0, 0, 1, 2]),
        fold=np.zeros(4, dtype=np.intp),
    )


def share(label_id="trade", *, by="all", value="", design=None, note=""):
    """A share whose naive count lies far outside of its interval."""
    return LabelShare(
        label_id=label_id, by=by, value=value, n_posts=5, n_scored=4, n_audit=40, n_positive=8,
        effective_size=40.0, naive=Estimate(0.75, 0.7, 0.8, 4), calibrated=estimate(0.7),
        classical=estimate(0.2), design=design or Estimate(0.2, 0.1, 0.3, 40), method="ppi++",
        power=0.5, note=note,
    )  # fmt: skip


def prevalence():
    unknown = Estimate(NAN, NAN, NAN, 0)
    return Prevalence(
        model="small/3", label_ids=("trade", "warm"), by=("all", "month"),
        shares=(
            share(),
            share("warm", design=unknown, note="No audit post was answered."),
            share(by="month", value="2024-02"),
            share(by="month", value="2024-03", design=unknown),
        ),
        n_posts=5, n_unscored=1, n_drawn=50, n_answered=40, n_copied=0, n_skipped=1,
        n_uncovered=0, notes=("Two channels were not drawn from.",),
    )  # fmt: skip


def trends():
    burst = Burst("2024-02", "2024-03", 12, 40, 2.5, 14.0)
    line = Trend(
        kind="theme", key="T4", name="Ports", n=np.ones(2, int), of=np.ones(2, int),
        n_distinct=np.ones(2, int), of_distinct=np.ones(2, int), shares=(estimate(0.5),) * 2,
        whole=estimate(0.3), bursts=(burst,),
    )  # fmt: skip
    return Trends("month", ("2024-02", "2024-03"), (line,), n_posts=6, n_unplaced=1)


def uncovered():
    one = Uncovered(4, "Ports", 3, 2, Estimate(0.1, 0.02, 0.3, 20), "", 0.0, 0.31, "trade",
                    True, 0.1, 0.3, 3.0, 0.01, True)  # fmt: skip
    return (replace(one, theme=5, name="Songs", grows=False, growth=math.inf), one)


def drift():
    test = DriftTest("far", 0.12, 0.001, 0.004, True, "posts far from every training post")
    return Drift(
        model="small/3", known=True, alpha=0.05, n_posts=6, n_without_text=1,
        n_unknown_language=0, n_sampled=5, n_scored=4, n_reference=40, far=0.12,
        far_distance=0.5, tests=(test,), labels=(), languages=(), verdict="The posts differ.",
    )  # fmt: skip


def by_channel():
    """North and South; too few posts to follow either over time."""
    names = {label.label_id: label.name for label in codebook().labels}
    return labels_by_channel(posts(), decisions_of(scores(), posts(), names=names), by="month")


def plans():
    return (
        LabelPlan(label_id="trade", by="all", value="", n_posts=5000, n_audit=40, width_now=0.2,
                  n_more=120),
    )  # fmt: skip


def everything():
    return replace(
        whole(), held_out=held_out(), prevalence=prevalence(), trends=trends(),
        uncovered=uncovered(), drift=drift(), by_channel=by_channel(), plans=plans(),
        evidence={("p1", "trade"): ((5, 10),)},
    )  # fmt: skip


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50))))
def test_passages_mark_exactly_the_code_points_of_the_spans(text, spans):
    pieces = passages(text, spans)
    assert "".join(piece.text for piece in pieces) == text
    marked = [piece.marked for piece in pieces for _ in piece.text]
    assert marked == [any(a <= i < b for a, b in spans) for i in range(len(text))]


def test_a_long_text_is_cut_around_its_first_evidence():
    text = "a" * 3000 + "EVIDENCE" + "b" * 3000
    pieces = passages(text, [(3000, 3008)])
    assert [piece.text for piece in pieces if piece.marked] == ["EVIDENCE"]
    assert sum(len(piece.text) for piece in pieces) == LONGEST + 2
    assert pieces[0].text == pieces[-1].text == "…"


def test_evidence_is_marked_in_the_post_and_nowhere_else():
    html = render(everything())
    assert "Port <mark>opens</mark>" in html
    assert html.count("<mark>") == 1


def test_a_card_shows_distinct_posts_those_with_evidence_first():
    report = replace(everything(), evidence={("p3", "trade"): ((0, 4),)})
    known = tables.corpus(report.posts)
    cards = label_cards(report, known, facet_views(known, report.scores, report.codebook))
    trade = next(card for card in cards["facet-0"] if card.label_id == "trade")
    assert [example.row for example in trade.examples] == [2, 0]  # p2 copies p1
    assert [example.marked for example in trade.examples] == [True, False]
    assert (trade.posts, trade.n_decided, trade.naive) == (3, 4, "75 %")


def test_a_share_with_an_interval_is_told_from_a_naive_count():
    with_share, without = render(everything()), render(whole())
    assert "Share of posts: 20.0 % (10.0 to 30.0 %)" in with_share
    assert "which lies outside of the interval" in with_share
    assert "Two channels were not drawn from." in with_share
    assert "No audit post was answered." in with_share
    assert "This is a <strong>naive count</strong>" in without
    assert "Share of posts:" not in without


def test_the_most_confident_mistake_comes_first_and_copies_count_once():
    found = mistakes(held_out(), posts(), codebook())
    assert [(one.post_id, one.given, one.percent) for one in found] == [
        ("p1", True, 90),
        ("p3", False, 20),
    ]
    assert found[0].label == "Trade"
    assert found[0].text == "Port opens"


def test_a_mistake_on_a_post_that_the_page_lacks_is_named_by_its_id():
    (one, *_) = mistakes(held_out(), posts()[2:], codebook())
    assert (one.post_id, one.row, one.text) == ("p1", -1, "")


def test_at_most_three_mistakes_of_a_kind_are_shown_of_a_label():
    n = 10
    many = HeldOut(
        post_ids=tuple(f"q{i}" for i in range(n)), label_ids=("trade",),
        y=np.zeros((n, 1), np.int8), mask=np.ones((n, 1), bool),
        probability=np.full((n, 1), 0.8, np.float32), decision=np.ones((n, 1), bool),
        groups=np.arange(n), fold=np.zeros(n, np.intp),
    )  # fmt: skip
    assert len(mistakes(many, posts(), None)) == OF_A_LABEL


def test_changes_are_shown_where_they_were_computed_and_nothing_is_said_elsewhere():
    html = render(everything())
    assert "Feb 2024 to Mar 2024" in html
    assert "12 of 40" in html
    assert html.index("× 3.0") < html.index("new, may be chance")
    assert "The posts differ." in html
    assert 'id="changes"' not in render(whole())


@pytest.mark.parametrize(
    ("name", "effect", "written"),
    [
        ("embedding", 0.0412, "0.041"),
        ("far", 0.0041, "0.4 %"),
        ("labels", 0.0684, "6.8 points"),
        ("languages", NAN, "not known"),
    ],
)
def test_how_large_a_drift_is_has_its_unit(name, effect, written):
    (row,) = drift_rows(
        replace(drift(), tests=(replace(drift().tests[0], name=name, effect=effect),))
    )
    assert row.effect == written


def test_hostile_texts_in_every_new_part_stay_text():
    sly = [replace(post, text=HOSTILE) for post in posts()]
    report = replace(
        everything(),
        posts=sly,
        evidence={("p1", "trade"): ((0, 40),)},
        prevalence=replace(prevalence(), notes=(HOSTILE,), shares=(share(note=HOSTILE),)),
        uncovered=(replace(uncovered()[0], name=HOSTILE),),
        drift=replace(drift(), verdict=HOSTILE),
    )
    html = render(report)
    assert "<script>window" not in html
    assert html.count("<script") == render(whole()).count("<script")
    assert html.count("<img") == render(whole()).count("<img")


def rows_of(name, report):
    return next(table for table in report_tables(report) if table.name == name).rows


def test_the_tables_hold_what_the_page_counts():
    report = everything()
    assert ("posts", 6) in rows_of("overview", report)
    assert rows_of("themes", report) == (("T4", "Ports", 3, 2, None, None, "port; opens"),)
    assert ("T4", "2024-03", 2, 2) in rows_of("theme_months", report)
    assert ("trade.ports", "Ports", "Topic", 3, 2, 0) in rows_of("labels", report)
    assert rows_of("shares", report)[0][:9] == ("trade", "all", "", 5, 40, 8, 0.2, 0.1, 0.3)
    assert rows_of("mistakes", report)[0][:4] == ("p1", "Trade", "given wrongly", 0.9)
    assert rows_of("quality", report)[1][4:7] == (None, None, None)


def test_what_was_not_given_has_no_table():
    bare = replace(whole(), themes=None, summaries=(), scores=None, quality=None)
    names = {table.name for table in report_tables(bare)}
    assert names == {"overview", "warnings", "languages", "reading"}


def test_markdown_escapes_what_would_act_and_keeps_one_row_a_line():
    table = Table("t", "A table", ("what",), (("a|b\n[x](javascript:1) <b> *c*",), (None,)))
    text = markdown(HOSTILE, [table])
    assert r"| a\|b \[x\](javascript:1) &lt;b&gt; \*c\* |" in text
    assert "<script>" not in text
    assert "\u202e" not in text


def test_a_long_markdown_table_says_what_it_left_out():
    table = Table("t", "Long", ("n",), tuple((i,) for i in range(MOST_ROWS + 5)))
    assert "5 more rows are left out." in markdown("x", [table])


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_figures_for_papers_are_the_same_bytes_each_time(kind):
    report = everything()
    known = tables.corpus(report.posts)

    def drawn():
        made = [figures.theme_trends(report, known), figures.shares(report)]
        return [image(figure, kind=kind) for figure in made]

    assert drawn() == drawn()
    assert all(len(one) > 2000 for one in drawn())


def test_there_is_no_figure_of_what_was_not_measured():
    report = whole()
    assert figures.shares(report) is None
    undated = [replace(post, created_at=None) for post in posts()]
    assert figures.theme_trends(report, tables.corpus(undated)) is None


def test_the_moment_does_not_change_the_tables():
    later = replace(everything(), made_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert report_tables(later) == report_tables(everything())


def test_scores_of_a_label_left_open_lower_what_its_share_is_of():
    abstained = scores().abstained.copy()
    abstained[0, 0] = True  # p4, trade
    report = replace(whole(), scores=replace(scores(), abstained=abstained))
    known = tables.corpus(report.posts)
    cards = label_cards(report, known, facet_views(known, report.scores, report.codebook))
    assert cards["facet-0"][0].n_decided == 3
    assert cards["facet-0"][0].naive == "100 %"
