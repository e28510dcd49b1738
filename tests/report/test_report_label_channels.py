"""Labels over time and by channel: what is by design, what is counted, and what is said of both."""

import math
from dataclasses import replace

import numpy as np
import pytest
from channel_cases import A_MONTH, CHANNELS, plans, prevalence, report, trends

from narraframe.records import Burst
from narraframe.report.label_channels import (
    channel_chart,
    channel_rows,
    channel_times,
    plans_of,
)
from narraframe.report.label_figures import label_channels, label_trends
from narraframe.report.label_times import (
    RISES_SHOWN,
    line_of,
    marks,
    rises_of,
    share_points,
    time_chart,
    top_of,
)
from narraframe.report.page import render
from narraframe.report.rows import report_tables


def test_a_channel_has_its_share_by_design_where_the_audit_reaches_and_the_count_beside_it():
    rows = channel_rows(report().by_channel, "trade", prevalence(), plans_of(plans()))
    assert [row.name for row in rows] == ["East", "North", "South"]  # of one size: by name
    _, north, south = rows
    assert (north.posts, north.distinct, north.of_distinct) == (28, 28, 144)
    assert north.counted == "19.4 % (13.8 to 26.7 %)"  # Wilson's interval of 28 of 144
    assert (north.design, north.measured) == ("25.0 % (10.0 to 45.0 %)", True)
    assert (north.n_audit, north.more) == (20, 61)
    assert (south.design, south.measured, south.more) == ("–", False, None)


def test_a_filled_dot_is_by_design_and_a_hollow_one_a_count():
    chart = channel_chart(report().by_channel, "trade", "Trade", prevalence())
    whiskers, points, unknown, bare, counts = (one["data"] for one in chart["option"]["series"])
    rows = [name.split("\n")[0] for name in chart["option"]["yAxis"]["data"]]
    north = rows.index("North")
    assert [point["value"] for point in points] == [[25.0, north]]
    assert {row for _, row in whiskers} == {north}
    assert {point["value"][1] for point in counts} == {0, 1, 2}
    assert {row for _, row in bare} == {0, 1, 2} - {north}  # one interval a row
    assert unknown == []


def test_every_channel_is_followed_on_one_scale():
    chart = channel_times(report().by_channel, "trade", "Trade")
    panels = {panel["name"]: panel for panel in chart["panels"]}
    assert set(panels) == set(CHANNELS)
    assert chart["periods"][5] == "Jun 2024"
    assert panels["North"]["n"][5] == 9  # three of four of twelve
    assert panels["North"]["of"] == [A_MONTH] * 12
    assert panels["North"]["points"][5][1] == 75.0
    assert chart["top"] >= 75


def test_a_share_of_few_posts_is_a_gap():
    line = line_of(trends(), "label", "trade")
    few = replace(line, of_distinct=np.array([4, *line.of_distinct[1:]]))
    assert share_points(few)[0] is None
    assert share_points(few)[1] is not None


def test_a_burst_is_marked_where_it_is_and_said_in_words():
    followed = trends()
    line = line_of(followed, "label", "trade")
    assert marks(line, followed.periods) == [{"first": 5, "last": 6, "ratio": 2.5}]
    (said,) = rises_of(line)
    assert said.startswith("Raised Jun 2024 to Jul 2024: 22 of 72 distinct posts (31 %), 2.5 times")
    chart = time_chart(followed, line)
    assert "shaded" in chart["label"]
    assert (chart["n"][5], chart["of"][5]) == (11, 36)


def test_a_burst_within_a_run_of_months_without_posts_is_marked_at_that_run():
    line = replace(
        line_of(trends(), "label", "trade"), bursts=(Burst("2023-05", "2024-01", 3, 9, 2, 5),)
    )
    axis = ("2022-01", "2022-02/2023-12", "2024-01")
    assert marks(line, axis) == [{"first": 1, "last": 2, "ratio": 2}]


def test_of_many_bursts_the_weightiest_are_said_and_the_others_counted():
    bursts = tuple(Burst(f"2024-{i:02}", f"2024-{i:02}", 3, 9, 2.0, float(i)) for i in range(1, 9))
    said = rises_of(replace(line_of(trends(), "label", "trade"), bursts=bursts))
    assert len(said) == RISES_SHOWN + 1
    assert said[0].startswith("Raised Apr 2024:")
    assert said[-1] == "And 3 weaker stretches."


@pytest.mark.parametrize(
    ("panel", "top"), [([], 1), ([(0, 3, 30)], 10), ([(0, 3, 4)], 5), ([(5, 95, 100)], 100)]
)
def test_an_axis_ends_above_every_share_and_not_at_the_end_of_wide_intervals(panel, top):
    assert top_of([panel]) == top


def test_the_page_says_what_is_by_design_and_how_many_more_posts_to_label():
    html = render(report())
    assert "In 1 of 3 channels the share is by design" in html
    assert "label 87 more posts drawn at random" in html
    assert "Too small an audit: 20 answers." in html
    assert "Raised Jun 2024 to Jul 2024" in html


def test_without_an_audit_the_page_says_plainly_that_all_are_counts():
    html = render(replace(report(), prevalence=None))
    assert "No audit reaches these channels" in html
    assert "To know it to within ±5 points, label 87 more posts" in html
    assert "by design" not in html.partition('id="narratives"')[2].partition('id="changes"')[0]


def test_the_files_hold_labels_by_channel_and_over_time_in_each():
    tables = {table.name: table for table in report_tables(report())}
    shares = tables["label_channel_shares"]
    assert shares.header[:2] == ("label_id", "channel")
    north = next(row for row in shares.rows if row[:2] == ("trade", "North"))
    assert north[2:5] == (28, 28, 144)
    times = tables["label_channel_periods"].rows
    assert ("trade", "North", "2024-06", 9, 12, 0.75) in [row[:6] for row in times]
    assert len(times) == 2 * 3 * 12  # warm was decided everywhere, too
    assert not any(isinstance(cell, float) and math.isnan(cell) for row in times for cell in row)


def test_figures_of_labels_are_drawn_where_there_is_something_to_draw():
    assert len(label_trends(report()).axes) == 1  # warm is on no post
    assert len(label_channels(report()).axes) == 1
    bare = replace(report(), trends=None, by_channel=None)
    assert label_trends(bare) is None
    assert label_channels(bare) is None
