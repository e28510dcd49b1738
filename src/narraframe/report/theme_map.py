"""The map of themes as a picture, for papers and slides: PNG or SVG."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Themes, ThemeSummary
from narraframe.report.name_places import Box, place_names
from narraframe.report.shown import inert, plural, share
from narraframe.report.theme_colours import theme_colours
from narraframe.report.theme_names import tag, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

KINDS = ("png", "svg")
# The page's light colours, in its order: all nine differ for colour-blind readers, too.
COLOURS = (
    "#332288", "#09a792", "#e0286a", "#ac9210", "#1e562f", "#878ec7", "#80256a", "#6f5f00",
    "#955bd8",
)  # fmt: skip
_NOISE, _INK, _SOFT, _PAPER = "#d3d6da", "#1a1d21", "#555d68", "#ffffff"
_WIDTH, _HEIGHT, _DPI = 1600, 1200, 100
_DPI_IN_SVG = 200  # of the marks, where they are a picture
# The map within the picture, in pixels from the left and the bottom.
_LEFT, _BOTTOM, _ROOM = 40, 30, (1520, 1050)
_NAME_POINTS = (9.0, 14.0)  # letters of the smallest and of the largest theme
_NAME_LENGTH = 24
_REACH = 80.0  # pixels: how far apart themes are when their colours no longer matter much
# Beyond so many, an SVG of single marks would be slow to open: they become a picture inside it.
_MOST_MARKS = 5_000
# First those that have the letters; matplotlib's own has Latin, Greek, Cyrillic, Arabic, Hebrew.
_FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Microsoft YaHei", "Hiragino Sans GB", "Noto Sans",
    "Arial Unicode MS",
)  # fmt: skip


def theme_map(themes: Themes, summaries: Sequence[ThemeSummary], *, title: str = "") -> Figure:
    """Draw every post at its place, in the colour of its theme, and name the larger themes.

    Themes that touch get colours that differ most; of more themes than colours, some share one.
    Posts in no theme are pale; those without a place are left out, and counted in the heading.

    Parameters
    ----------
    themes : Themes
        The posts, n of them.
    summaries : sequence of ThemeSummary
        Names; a theme without one is named by its number.
    title : str, default=""
        The heading.

    Returns
    -------
    matplotlib.figure.Figure
        1600 by 1200 pixels; `image` writes it.
    """
    from matplotlib.figure import Figure

    there = _has_place(themes)
    theme = themes.theme[there]
    marks = _pixels(themes.xy[there])
    numbers, counts = np.unique(theme[theme >= 0], return_counts=True)
    order = np.lexsort((numbers, -counts))
    sizes = dict(zip(numbers[order].tolist(), counts[order].tolist(), strict=True))
    points = {number: marks[theme == number] for number in sizes}
    figure = Figure(figsize=(_WIDTH / _DPI, _HEIGHT / _DPI), dpi=_DPI, facecolor=_PAPER)
    diameter, opacity = _mark(len(marks))
    colours = theme_colours(points, COLOURS, reach=_REACH)
    _draw_marks(figure, marks, theme, colours, diameter, opacity)
    n_named = _draw_names(figure, summaries, sizes, points, marks, diameter)
    facts = _facts(themes, n_themes=len(sizes), n_named=n_named)
    _draw_heading(figure, title, facts)
    return figure


def image(figure: Figure, *, kind: str) -> bytes:
    """Return `figure` as the bytes of a file; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From `theme_map`.
    kind : {"png", "svg"}
        An SVG of many posts holds them as a picture, names and heading as shapes.

    Returns
    -------
    bytes
    """
    from matplotlib import rc_context

    # Without these, the file tells when and with which version it was made, and numbers at random.
    unsaid: Mapping[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    written = io.BytesIO()
    with rc_context({"svg.hashsalt": "narraframe", "svg.fonttype": "path"}):
        dpi = _DPI_IN_SVG if kind == "svg" else _DPI
        figure.savefig(written, format=kind, dpi=dpi, facecolor=_PAPER, metadata=unsaid)
    return written.getvalue()


def _has_place(themes: Themes) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(themes.xy).all(axis=1), dtype=np.bool_)


def _pixels(xy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Spread (n, 2) places over the room of the map; one place alone lies in the middle."""
    places = xy.astype(np.float64)
    if not len(places):
        return places
    low, extent = places.min(axis=0), np.ptp(places, axis=0)
    shares = np.where(extent > 0, (places - low) / np.where(extent > 0, extent, 1), 0.5)
    return np.asarray(shares * np.array(_ROOM), dtype=np.float64)


def _mark(n: int) -> tuple[float, float]:
    """Return diameter (pixels) and opacity of a mark: the more posts, the smaller and fainter."""
    n = max(n, 1)
    return float(np.clip(90 / n**0.3, 2.2, 14)), float(np.clip(3 / n**0.17, 0.3, 0.92))


def _draw_marks(
    figure: Figure,
    marks: NDArray[np.float64],
    theme: NDArray[np.int32],
    colours: Mapping[int, str],
    diameter: float,
    opacity: float,
) -> None:
    from matplotlib.colors import to_rgba

    axes = figure.add_axes(
        (_LEFT / _WIDTH, _BOTTOM / _HEIGHT, _ROOM[0] / _WIDTH, _ROOM[1] / _HEIGHT)
    )
    axes.set(xlim=(0, _ROOM[0]), ylim=(0, _ROOM[1]))
    axes.axis("off")
    # Noise first, then in an order by chance: no theme hides another whole.
    by_chance = np.random.default_rng(0).permutation(len(marks))
    order = by_chance[np.argsort(theme[by_chance] >= 0, kind="stable")]
    paint = {number: to_rgba(colour, opacity) for number, colour in colours.items()}
    pale = to_rgba(_NOISE, min(1.0, opacity + 0.1))
    axes.scatter(
        marks[order, 0],
        marks[order, 1],
        s=(diameter * 72 / _DPI) ** 2,
        c=[paint.get(number, pale) for number in theme[order].tolist()] or None,
        linewidths=0,
        clip_on=False,
        rasterized=len(marks) > _MOST_MARKS,
    )


def _draw_names(
    figure: Figure,
    summaries: Sequence[ThemeSummary],
    sizes: Mapping[int, int],
    points: Mapping[int, NDArray[np.float64]],
    marks: NDArray[np.float64],
    diameter: float,
) -> int:
    """Write the names that fit, and return how many did."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = {summary.theme: title(summary) for summary in summaries}
    largest = max(sizes.values(), default=1)
    texts = {
        number: _name(figure, number, names.get(number, tag(number)), n / largest)
        for number, n in sizes.items()
    }
    renderer = FigureCanvasAgg(figure).get_renderer()
    extents = {number: text.get_window_extent(renderer) for number, text in texts.items()}
    measured = {number: (box.width, box.height) for number, box in extents.items()}
    placed = place_names(measured, points, marks, room=_ROOM, radius=diameter / 2)
    for number, text in texts.items():
        if number in placed:
            _move(text, placed[number])
        else:
            text.remove()
    return len(placed)


def _name(figure: Figure, number: int, name: str, relative: float) -> Text:
    from matplotlib.patheffects import withStroke

    fonts, letters = _fonts()
    name = inert(name)
    if not {ord(letter) for letter in name} <= letters:
        name = tag(number)  # empty boxes would say less
    glued = name.replace(" ·", "\N{NO-BREAK SPACE}·")
    smallest, biggest = _NAME_POINTS
    return figure.text(
        0,
        0,
        "\n".join(textwrap.wrap(glued, _NAME_LENGTH, break_long_words=False)),
        family=list(fonts),
        size=round(smallest + (biggest - smallest) * relative**0.5),
        weight="bold",
        color=_INK,
        ha="center",
        va="center",
        linespacing=1.1,
        parse_math=False,
        path_effects=[withStroke(linewidth=3, foreground=_PAPER)],
    )


def _move(text: Text, box: Box) -> None:
    text.set_position(((_LEFT + box.x) / _WIDTH, (_BOTTOM + box.y) / _HEIGHT))


def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Return the families that are installed, and the letters that they have."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    fonts = tuple(name for name in _FONTS if name in installed)
    faces = [font_manager.get_font(font_manager.findfont(name)) for name in fonts]
    return fonts, frozenset().union({ord("\n")}, *(face.get_charmap() for face in faces))


def _facts(themes: Themes, *, n_themes: int, n_named: int) -> str:
    """Say how many posts, themes and noise there are, and what is not shown."""
    there = _has_place(themes)
    n, n_noise = int(there.sum()), int((themes.theme[there] < 0).sum())
    facts = [f"{plural(n, 'post')}, {plural(n_themes, 'theme')}"]
    if n:
        facts.append(f"{plural(n_noise, 'post')} ({share(n_noise / n)}) in no theme, pale grey")
    if n_named < n_themes:
        facts.append(f"there is room for the names of {plural(n_named, 'theme')}")
    if n < len(there):
        facts.append(f"{plural(len(there) - n, 'post')} without a place")
    return "; ".join(facts)


def _draw_heading(figure: Figure, heading: str, facts: str) -> None:
    lines = [(inert(heading), 20, _INK, "bold"), (facts, 12, _SOFT, "normal")]
    top = _HEIGHT - 40
    for text, size, colour, weight in lines if heading else lines[1:]:
        figure.text(
            _LEFT / _WIDTH,
            top / _HEIGHT,
            text,
            family=list(_fonts()[0]),
            size=size,
            weight=weight,
            color=colour,
            va="center",
            parse_math=False,
        )
        top -= 38
