import json

import numpy as np
from report_cases import codebook, left_open, posts, quality, scores, summaries, themes

from narraframe.report import charts, tables
from narraframe.report.facets import facet_views
from narraframe.report.theme_cards import count_by_month

KNOWN = tables.corpus(posts())
TOPIC = facet_views(KNOWN, scores(), codebook())[0]


def every_chart():
    table = count_by_month(KNOWN, themes(), summaries())
    return [
        charts.posts_by_month(KNOWN),
        charts.theme_lines(KNOWN, table, ["Ports"]),
        charts.theme_columns(0, "Ports"),
        charts.facet_lines(TOPIC),
        charts.facet_bars(TOPIC),
        charts.quality_dots(quality(), ["Trade", "Loans"]),
    ]


def test_charts_are_plain_data():
    for chart in every_chart():
        assert json.loads(json.dumps(chart, allow_nan=False)) == chart


def test_every_chart_has_words_for_those_who_cannot_see_it():
    assert all(chart["label"] for chart in every_chart())


def test_a_month_without_posts_is_a_gap_and_a_month_with_posts_may_be_zero():
    chart = charts.facet_lines(TOPIC)["variants"]["posts"]
    ports = next(series for series in chart["series"] if series["id"] == "trade.ports")
    assert ports["data"] == [1, 2, None, 0]
    assert ports["connectNulls"] is False
    assert chart["xAxis"]["data"] == [
        "Feb 2024\nn = 1",
        "Mar 2024\nn = 2",
        "Apr 2024\nn = 0",
        "May 2024\nn = 1",
    ]
    assert chart["notes"][2] == "no scored posts: a gap, not a zero"


def test_distinct_posts_have_counts_and_n_of_their_own():
    posts_, distinct = (charts.posts_by_month(KNOWN)["option"]["series"][i]["data"] for i in (0, 1))
    assert posts_ == [1, 2, None, 2]
    assert distinct == [1, 2, None, 1]  # the second post of May has no text
    copied = tables.corpus([*posts()[:2], *posts()[2:3]])
    same_month = np.zeros(3, dtype=np.intp)
    table = tables.cross(
        np.ones((3, 1), dtype=bool),
        tables.Columns(("2024-03",), same_month),
        asked=np.ones(3, dtype=bool),
        group=copied.group,
    )
    lines = charts.theme_lines(tables.corpus(posts()[2:3]), table, ["Ports"])["variants"]
    assert lines["posts"]["series"][0]["data"] == [3]
    assert lines["distinct"]["series"][0]["data"] == [2]
    assert lines["distinct"]["xAxis"]["data"] == ["Mar 2024\nn = 2"]


def test_a_channel_without_scored_posts_is_a_gap():
    chart = charts.facet_bars(TOPIC)["variants"]["posts"]
    ports = next(series for series in chart["series"] if series["id"] == "trade.ports")
    assert ports["data"] == [2, 1, None]


def test_labels_that_are_never_decided_are_not_drawn():
    drawn = {series["id"] for series in charts.facet_lines(TOPIC)["variants"]["posts"]["series"]}
    assert drawn == {"trade", "trade.ports"}


def test_dots_have_whiskers_where_there_is_an_interval_and_undefined_ones_are_named():
    chart = charts.quality_dots(quality(), ["Trade", "Loans"])
    whiskers, points, undefined = chart["variants"]["f1"]["series"]
    assert whiskers["data"] == [[0.65, 0], [0.8, 0], [None, 0]]
    assert points["data"] == [{"value": [0.75, 0], "note": "F1 0.75, 95% interval 0.65 to 0.80"}]
    assert undefined["data"] == [[0, 1]]
    assert chart["option"]["yAxis"]["data"] == ["Trade\n1,234 positive", "Loans\n0 positive"]


def test_no_whisker_is_drawn_that_nobody_computed():
    chart = charts.quality_dots(quality(), ["Trade", "Loans"])
    whiskers, points, _ = chart["variants"]["average_precision"]["series"]
    assert whiskers["data"] == []
    assert points["data"][0]["note"] == "Average precision 0.50, no interval"


def test_where_all_was_left_open_a_line_breaks_and_is_not_zero():
    topic = facet_views(KNOWN, left_open(), codebook())[0]
    trade, ports = charts.facet_lines(topic)["variants"]["posts"]["series"]
    assert trade["data"] == [1, 2, None, 0]
    assert ports["data"] == [None, 2, None, 0]
    tone = facet_views(KNOWN, left_open(), codebook())[1]
    (warm,) = charts.facet_bars(tone)["variants"]["distinct"]["series"]
    assert warm["data"] == [0, 1, None]
