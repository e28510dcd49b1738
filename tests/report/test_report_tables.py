from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import left_open, posts, scores, summaries, themes

from narraframe.errors import TableError
from narraframe.records import Post
from narraframe.report import tables
from narraframe.report.inputs import ReportInput, check

KNOWN = tables.corpus(posts())


def test_copies_share_a_group_and_count_once():
    assert KNOWN.group.tolist()[:5] == [0, 0, 1, 2, 3]


def test_posts_without_text_are_no_distinct_posts():
    assert KNOWN.group.tolist()[5] == -1
    assert KNOWN.n_distinct == 4
    call = Post(post_id="a", text="Subscribe! https://example.org", model_text="")
    assert tables.corpus([call]).n_distinct == 0


def test_a_copy_whose_original_is_absent_still_counts_as_one_distinct_post():
    known = tables.corpus([Post(post_id="b", text="Again", duplicate_of="a")])
    assert known.n_distinct == 1


def test_months_run_without_holes_and_posts_without_a_date_are_in_none():
    assert KNOWN.months == ("2024-02", "2024-03", "2024-04", "2024-05")
    assert KNOWN.month.tolist() == [0, 1, 1, 3, -1, 3]


def test_months_are_utc():
    late = datetime.fromisoformat("2024-03-31T23:30:00-02:00")
    assert tables.corpus([Post(post_id="a", text="", created_at=late)]).months == ("2024-04",)


def test_a_long_run_of_empty_months_is_one_entry():
    axis = tables.month_axis(["1970-01", "2024-03", "2024-05"])
    assert axis == ("1970-01", "1970-02/2024-02", "2024-03", "2024-04", "2024-05")


def test_a_year_of_empty_months_is_still_drawn():
    assert len(tables.month_axis(["2023-01", "2024-02"])) == 14


def test_no_dates_give_no_months():
    assert tables.month_axis([]) == ()


def test_channels_stand_in_order_of_posts_and_the_unnamed_one_is_kept():
    assert KNOWN.channels == ("North", "South", "")
    assert tables.channel_columns(KNOWN, limit=3).names == ("North", "South", "channel not known")


def test_channels_past_the_limit_are_joined():
    columns = tables.channel_columns(KNOWN, limit=2)
    assert columns.names == ("North", "2 other channels")
    assert columns.of.tolist() == [0, 1, 0, 0, 1, 1]


def test_decisions_meet_posts_by_id_and_unscored_posts_decide_nothing():
    carries, scored = tables.decided(KNOWN, scores())
    assert scored.tolist() == [True, True, True, True, False, False]
    assert carries[:, 1].tolist() == [True, True, True, False, False, False]
    assert carries[:, 3].tolist() == [True, True, False, True, False, False]


def test_what_was_left_open_is_not_decided_whatever_it_would_be():
    carries, scored = tables.decided(KNOWN, left_open())
    assert scored.tolist() == tables.decided(KNOWN, scores())[1].tolist()
    assert carries[:, 1].tolist() == [False, True, True, False, False, False]
    assert carries[:, 3].tolist() == [False, True, False, False, False, False]
    opened = tables.left_open(KNOWN, left_open())
    assert opened.any(axis=1).tolist() == [True, False, False, True, False, False]
    assert opened.sum(axis=0).tolist() == [0, 1, 0, 2]


def test_posts_without_a_score_are_counted_by_reason():
    assert tables.unscored(KNOWN, scores(), missing="absent") == [
        ("absent", 1, 1),
        ("no text", 1, 0),
    ]


def test_theme_members_meet_posts_by_id():
    member, has_row = tables.theme_members(KNOWN, themes(), [summaries()[0].theme])
    assert member[:, 0].tolist() == [True, True, True, False, False, False]
    assert has_row.tolist() == [True, True, True, True, False, True]


def test_a_text_copied_into_two_months_counts_in_both_and_once_in_its_total():
    carries, scored = tables.decided(KNOWN, scores())
    table = tables.cross(carries, tables.month_columns(KNOWN), asked=scored, group=KNOWN.group)
    assert table.posts[1].tolist() == [1, 2, 0, 0]
    assert table.distinct[1].tolist() == [1, 2, 0, 0]
    assert table.row_posts.tolist() == [3, 3, 0, 3]
    assert table.row_distinct.tolist() == [2, 2, 0, 2]
    assert table.n_posts.tolist() == [1, 2, 0, 1]


flags = st.lists(st.booleans(), min_size=2, max_size=2)
cells = st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.booleans(), flags)


@given(st.lists(cells, max_size=30))
def test_counts_equal_a_slow_loop(rows):
    group = np.array([row[0] for row in rows], dtype=np.intp)
    column = np.array([row[1] for row in rows], dtype=np.intp)
    asked = np.array([row[2] for row in rows], dtype=bool)
    member = np.array([row[3] for row in rows], dtype=bool).reshape(-1, 2)
    columns = tables.Columns(("a", "b", "c", "d"), column)
    table = tables.cross(member, columns, asked=asked, group=group)
    for j in range(2):
        kept = [row for row in rows if row[2] and row[3][j]]
        assert table.row_posts[j] == len(kept)
        assert table.row_distinct[j] == len({row[0] for row in kept} - {-1})
        for c in range(4):
            inside = [row[0] for row in kept if row[1] == c]
            assert table.posts[j, c] == len(inside)
            assert table.distinct[j, c] == len(set(inside) - {-1})
    for c in range(4):
        inside = [row[0] for row in rows if row[2] and row[1] == c]
        assert (table.n_posts[c], table.n_distinct[c]) == (len(inside), len(set(inside) - {-1}))


def test_scores_of_other_posts_are_refused():
    stranger = [Post(post_id="x", text="")]
    report = ReportInput(
        title="", posts=stranger, made_at=datetime(2026, 1, 1, tzinfo=UTC), scores=scores()
    )
    with pytest.raises(TableError, match="scores share no post with the report"):
        check(report)


def test_a_post_id_that_occurs_twice_is_refused():
    twice = [Post(post_id="x", text=""), Post(post_id="x", text="")]
    report = ReportInput(title="", posts=twice, made_at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(TableError, match=r"the posts: a post_id occurs twice \(got 'x'\)"):
        check(report)
