"""Figures of quality by label."""

import warnings
from io import BytesIO

from narraframe.records import Estimate, LabelQuality, Quality
from narraframe.report.plots import label_quality

NAN = float("nan")
NONE = Estimate(NAN, NAN, NAN, 0)


def quality(*labels: LabelQuality) -> Quality:
    return Quality("on new posts", 4, 4, NONE, NONE, NONE, labels)


def label(label_id: str, f1: Estimate) -> LabelQuality:
    return LabelQuality(label_id, 4, 2, 0.5, NONE, NONE, f1, NONE)


def drawn(of: Quality):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = label_quality(of)
        figure.savefig(BytesIO())
    return figure.axes[0]


def test_without_a_measured_label_the_figure_is_empty_and_nothing_warns():
    for axes in (drawn(quality()), drawn(quality(label("a", NONE)))):
        assert [line for line in axes.lines if len(line.get_xdata())] == []
        assert list(axes.get_yticks()) == []


def test_each_measured_label_has_its_place_from_above():
    axes = drawn(
        quality(label("a", Estimate(0.5, 0.4, 0.6, 4)), label("b", Estimate(0.7, NAN, NAN, 4)))
    )
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a (2)", "b (2)"]
    assert axes.get_ylim() == (1.5, -0.5)


def test_a_very_long_name_leaves_room_for_its_figures():
    axes = drawn(quality(label("x" * 200, Estimate(0.5, 0.4, 0.6, 4))))
    assert [text.get_text() for text in axes.get_yticklabels()] == ["x" * 40 + "… (2)"]
