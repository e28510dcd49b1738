import io
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from report_cases import HOSTILE, summaries

from narraframe.records import Themes
from narraframe.report.theme_map import COLOURS, KINDS, image, theme_map

SVG = "{http://www.w3.org/2000/svg}"


def themes(sizes, noise=0, seed=0):
    """Compact clusters of `sizes` posts, numbered 0, 1, ..., on a grid; and noise in between."""
    rng = np.random.default_rng(seed)
    theme = np.append(np.repeat(np.arange(len(sizes)), sizes), [-1] * noise)
    xy = rng.normal(scale=0.1, size=(len(theme), 2)) + np.stack([theme % 5, theme // 5], axis=1) * 3
    return Themes(
        post_ids=tuple(f"p{i}" for i in range(len(theme))),
        theme=theme.astype(np.int32),
        membership=np.ones(len(theme), dtype=np.float32),
        xy=xy.astype(np.float32),
    )


def named(n):
    return [replace(summaries()[0], theme=k, name=f"ports · harbour {k}") for k in range(n)]


def texts(figure):
    return [text.get_text().replace("\n", " ").replace("\xa0", " ") for text in figure.texts]


def drawn(figure):
    (axes,) = figure.axes
    (points,) = axes.collections
    return points


def test_the_picture_is_1600_by_1200():
    written = image(theme_map(themes([30, 20]), named(2)), kind="png")
    assert written.startswith(b"\x89PNG")
    assert (int.from_bytes(written[16:20]), int.from_bytes(written[20:24])) == (1600, 1200)


def test_the_heading_counts_posts_themes_and_noise():
    shown = texts(theme_map(themes([30, 1], noise=4), named(2), title="My map"))
    assert "My map" in shown
    assert "35 posts, 2 themes; 4 posts (11 %) in no theme, pale grey" in shown
    assert "1 post, 1 theme; 0 posts (0 %) in no theme, pale grey" in texts(
        theme_map(themes([1]), ())
    )


def test_posts_without_a_place_are_left_out_and_told():
    known = themes([30])
    known.xy[3] = np.nan
    figure = theme_map(known, named(1))
    assert len(drawn(figure).get_offsets()) == 29
    assert any("; 1 post without a place" in text for text in texts(figure))


def test_every_theme_has_its_number_and_name_where_there_is_room():
    shown = texts(theme_map(themes([30, 20, 10]), named(2)))
    assert {"T0 ports · harbour 0", "T1 ports · harbour 1", "T2"} <= set(shown)


def test_where_there_is_no_room_the_larger_themes_are_named():
    crowd = themes([90 - k for k in range(80)])
    crowd.xy[:] /= 1000
    crowd.xy[0] = 100, 100
    shown = texts(theme_map(crowd, named(80)))
    names = [text for text in shown if text.startswith("T")]
    assert "T0 ports · harbour 0" in names
    assert len(names) < 80
    assert any(f"there is room for the names of {len(names)} theme" in text for text in shown)


def test_names_do_not_overlap():
    figure = theme_map(themes([40] * 40), named(40))
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in figure.texts if t.get_text().startswith("T")]
    assert len(boxes) > 10
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(box.x0 >= 0 and box.x1 <= 1600 and box.y0 >= 0 and box.y1 <= 1200 for box in boxes)


def colour_of(figure, known):
    """The colour of every theme, from the points that are drawn."""
    points = drawn(figure)
    at = np.asarray(points.get_offsets())
    low, extent = known.xy.min(axis=0), np.ptp(known.xy, axis=0)
    places = (known.xy.astype(float) - low) / extent * [1520, 1050]
    nearest = np.abs(at[:, None] - places[None]).sum(axis=2).argmin(axis=1)
    faces = points.get_facecolors()
    return {int(known.theme[i]): tuple(faces[row][:3]) for row, i in enumerate(nearest)}


def test_nine_themes_have_nine_colours_and_noise_another_one():
    known = themes([10] * 9, noise=5)
    assert len(set(colour_of(theme_map(known, named(9)), known).values())) == 10


def test_colours_come_back_far_away():
    known = themes([10] * 30)
    colour = colour_of(theme_map(known, named(30)), known)
    assert len(set(colour.values())) == len(COLOURS)
    middle = {k: known.xy[known.theme == k].mean(axis=0) for k in range(30)}
    for a in range(30):
        nearest = min(
            (k for k in range(30) if k != a), key=lambda k: np.hypot(*(middle[k] - middle[a]))
        )
        assert colour[a] != colour[nearest]


def test_noise_lies_below_the_themes():
    faces = drawn(theme_map(themes([50], noise=20), named(1))).get_facecolors()
    assert len({tuple(face) for face in faces[:20]}) == 1
    assert min(faces[0][:3]) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_themes_give_the_same_bytes(kind):
    known = themes([30, 20], noise=5)
    figure = theme_map(known, named(2), title="My map")
    written = image(figure, kind=kind)
    assert image(figure, kind=kind) == written
    assert image(theme_map(known, named(2), title="My map"), kind=kind) == written


def test_another_process_writes_the_same_bytes():
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from test_report_theme_map import *
sys.stdout.buffer.write(image(theme_map(themes([30, 20], noise=5), named(2)), kind="svg"))
"""
    here = __file__.rsplit("/", 1)[0]
    made = subprocess.run([sys.executable, "-c", code, here], capture_output=True, check=True)
    assert made.stdout == image(theme_map(themes([30, 20], noise=5), named(2)), kind="svg")


def test_the_svg_says_neither_when_nor_by_which_version_it_was_made():
    written = image(theme_map(themes([30]), named(1)), kind="svg").decode()
    assert "dc:date" not in written
    assert b"Software" not in image(theme_map(themes([30]), named(1)), kind="png")


def test_many_marks_are_one_picture_in_the_svg_and_names_stay_shapes():
    few = ElementTree.fromstring(image(theme_map(themes([100]), named(1)), kind="svg"))
    assert not list(few.iter(f"{SVG}image"))
    many = image(theme_map(themes([3000, 3000]), named(2)), kind="svg")
    root = ElementTree.fromstring(many)
    assert len(list(root.iter(f"{SVG}image"))) == 1
    assert len(list(root.iter(f"{SVG}use"))) < 500
    assert len(many) < 2_000_000


def test_hostile_names_are_drawn_as_text():
    theme = replace(summaries()[0], theme=0, name="$\\frac$ & <b> \u202egpj.exe")
    figure = theme_map(themes([30]), [theme], title="$x_1$ " + HOSTILE.replace("\ud800", ""))
    assert "T0 $\\frac$ & <b> ⟦RLO⟧gpj.exe" in texts(figure)
    for kind in KINDS:
        assert image(figure, kind=kind)
    ElementTree.parse(io.BytesIO(image(figure, kind="svg")))


def test_a_name_in_letters_that_no_font_has_is_drawn_as_its_number():
    theme = replace(summaries()[0], theme=0, name="\U000e0fff harbour")
    assert "T0" in texts(theme_map(themes([30]), [theme]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "known",
    [themes([]), themes([1]), themes([], noise=3), replace(themes([4]), xy=np.zeros((4, 2), "f4"))],
    ids=["no post", "one post", "noise only", "one place"],
)
def test_next_to_nothing_can_be_drawn(known):
    for kind in KINDS:
        assert image(theme_map(known, ()), kind=kind)


def test_matplotlib_is_loaded_only_to_draw():
    code = "import sys, narraframe.report.theme_map; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
