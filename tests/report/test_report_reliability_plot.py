from dataclasses import dataclass, replace
from io import BytesIO

from narraframe.records import Estimate
from narraframe.report.reliability_plot import reliability_curves

NAN = float("nan")


@dataclass(frozen=True)
class Bin:
    probability: float
    share: Estimate


@dataclass(frozen=True)
class Chance:
    high: float


@dataclass(frozen=True)
class Curve:
    name: str
    bins: tuple[Bin, ...]
    error: float = 0.02
    chance: Chance = Chance(0.031)
    n_positive: int = 10


def curve(name):
    sure, unsure = Estimate(0.2, 0.1, 0.4, 30), Estimate(0.7, NAN, NAN, 2)
    return Curve(name, (Bin(0.25, sure), Bin(0.6, unsure)))


def test_each_panel_shows_its_bins_their_intervals_and_what_chance_would_show():
    figure = reliability_curves(curve("all labels"), [curve("frame.one")])
    pooled, label = figure.axes
    assert pooled.get_title() == "all labels\nerror 0.020, by chance up to 0.031"
    assert label.get_title().startswith("frame.one\n")
    diagonal, interval, points = label.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert (list(interval.get_xdata()), list(interval.get_ydata())) == ([0.25, 0.25], [0.1, 0.4])
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([0.25, 0.6], [0.2, 0.7])


def test_labels_without_bins_stay_out():
    empty = Curve("empty", (), NAN, Chance(NAN))
    figure = reliability_curves(curve("all labels"), [empty, *map(curve, "abcd")])
    assert [axes.get_title()[0] for axes in figure.axes] == ["a", "a", "b", "c", "d"]


def test_of_very_many_labels_the_frequent_are_drawn_in_their_order():
    many = [replace(curve(f"label {i}"), n_positive=i) for i in range(60)]
    figure = reliability_curves(curve("all labels"), many)
    drawn = [axes.get_title().partition("\n")[0] for axes in figure.axes]
    assert drawn == ["all labels", *(f"label {i}" for i in range(21, 60))]


def test_nothing_measured_still_draws():
    figure = reliability_curves(Curve("all labels", (), NAN, Chance(NAN)), [])
    out = BytesIO()
    figure.savefig(out, format="png")
    assert out.getvalue().startswith(b"\x89PNG")
