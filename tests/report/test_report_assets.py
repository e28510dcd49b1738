import hashlib
import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from narraframe.report.theme_map import COLOURS

ASSETS = files("narraframe.report") / "assets"
OURS = (
    "charts.js", "unpack.js", "post.js", "colouring.js", "names.js", "marks.js", "canvas.js",
    "map.js", "save.js", "controls.js",
)  # fmt: skip
CSS = (ASSETS / "report.css").read_text(encoding="utf-8")

# Machado, Oliveira and Fernandes (2009), severity 1: how linear RGB looks to colour-blind readers.
SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.367, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}  # fmt: skip


def about():
    lines = (ASSETS / "echarts.about.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def test_the_chart_library_is_the_file_that_was_recorded():
    library = (ASSETS / "echarts.common.min.js").read_bytes()
    assert hashlib.sha256(library).hexdigest() == about()["sha256"]
    assert len(library) < 1024 * 1024
    assert about()["version"] == "6.1.0"


def test_the_licences_of_the_library_travel_with_it():
    assert "Apache License" in (ASSETS / "echarts.LICENSE.txt").read_text(encoding="utf-8")
    for name in ("echarts.NOTICE.txt", "echarts.LICENSE-d3.txt", "echarts.LICENSE-zrender.txt"):
        assert (ASSETS / name).is_file()


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    "way", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
            "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "import("]
)  # fmt: skip
def test_our_scripts_never_read_text_as_markup_or_code_and_ask_no_network(name, way):
    assert way not in (ASSETS / name).read_text(encoding="utf-8")


def test_the_style_sheet_loads_nothing():
    assert "url(" not in CSS
    assert "@import" not in CSS


def colours(name, mode):
    return re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS).group(1 + mode)


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    low, high = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (first, second))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_drawn_map_has_the_colours_of_the_page():
    assert tuple(colours(f"series-{i}", 0) for i in range(9)) == COLOURS


@pytest.mark.parametrize("mode", [0, 1])
def test_text_and_marks_stand_out_from_their_ground(mode):
    card, paper = colours("card", mode), colours("paper", mode)
    assert min(contrast(colours("ink", mode), ground) for ground in (card, paper)) >= 7
    assert min(contrast(colours("muted", mode), ground) for ground in (card, paper)) >= 4.5
    assert min(contrast(colours(f"series-{i}", mode), card) for i in range(9)) >= 3


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("sight", list(SIGHT))
def test_colours_differ_for_colour_blind_readers(mode, sight):
    seen = [lab(np.array(SIGHT[sight]) @ linear(colours(f"series-{i}", mode))) for i in range(9)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 19
