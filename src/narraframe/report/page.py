"""`render`: a `ReportInput` becomes one HTML page that needs no network and trusts no post."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from narraframe.records import ThemeSummary
from narraframe.report import (
    charts,
    data,
    overview,
    page_parts,
    quality,
    shown,
    tables,
    theme_cards,
    theme_figures,
)
from narraframe.report.bars import bars
from narraframe.report.charts import Chart
from narraframe.report.facets import FIRST_DRAWN, FacetView, facet_views
from narraframe.report.inputs import ReportInput, check
from narraframe.report.label_times import line_of, marks
from narraframe.report.theme_names import tag, title

_HERE = Path(__file__).parent
_STYLES = ("report.css",)
# The library first: the others use it. Each is a script element of its own, allowed by its hash.
_SCRIPTS = (
    "echarts.common.min.js",
    "charts.js",
    "times.js",
    "unpack.js",
    "post.js",
    "colouring.js",
    "names.js",
    "marks.js",
    "canvas.js",
    "map.js",
    "save.js",
    "controls.js",
)
_POSTS = '<script type="text/plain" id="report-posts">'
# Bytes that a page is kept under: as many texts are left out as it takes.
LIMIT = 4_900_000
BARS_SHOWN = 6
CARDS_SHOWN = 12


def render(report: ReportInput) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    report : ReportInput
        The parts to show. Parts that are missing are named, with the command that makes them.

    Returns
    -------
    str
        A whole HTML document: styles, scripts and data are inside. Its content security policy
        forbids every request, and every script but the ones written here, by their sha256.

    Raises
    ------
    TableError
        If a post_id occurs twice, or themes or scores share no post with the report.
    """
    check(report)
    known = tables.corpus(report.posts)
    views = facet_views(known, report.scores, report.codebook) if report.scores else ()
    summaries = theme_cards.themes_of(report, known)
    parts: dict[str, Any] = {
        **_inlined(report, known, views, summaries),
        **_overview(report, known, views, summaries),
        **_themes(report, known, summaries),
        **_scores(report, known),
        **_quality(report),
        **page_parts.parts(report, known, views),
    }
    template = _environment().get_template("page.html")
    html = template.render(report=report, months=known.months, views=views, **parts)
    # No text can forge the mark: "<" of a text is always escaped.
    before, mark, after = html.partition(_POSTS)
    packed = data.packed_posts(
        known,
        themes=report.themes,
        summaries=summaries,
        scores=report.scores,
        first=_spoken_of(parts),
        room=LIMIT - len(html.encode()),
    )
    return "".join([before, mark, packed, after])


def _spoken_of(parts: Mapping[str, Any]) -> list[int]:
    """Return the rows of the posts that the page offers to open."""
    labels = [card for cards in parts["label_cards"].values() for card in cards]
    rows = [item.row for card in parts["cards"] for item in card.representatives]
    rows += [item.row for card in labels for item in card.examples]
    return rows + [item.row for item in parts["mistakes"] if item.row >= 0]


def _inlined(
    report: ReportInput,
    known: tables.Corpus,
    views: Sequence[FacetView],
    summaries: Sequence[ThemeSummary],
) -> dict[str, object]:
    """Return what stands in the page as it is: our own files, and data that blob() escaped."""
    styles, scripts = _assets(_STYLES), _assets(_SCRIPTS)
    page_data = data.page_data(
        known,
        summaries=summaries,
        scores=report.scores,
        codebook=report.codebook,
        charts=_charts(report, known, views, summaries),
    )
    return {
        "policy": _policy(styles, scripts),
        "styles": [Markup(text) for text in styles],  # noqa: S704
        "scripts": [Markup(text) for text in scripts],  # noqa: S704
        "blob": Markup(data.blob(page_data)),  # noqa: S704
    }


def _overview(
    report: ReportInput,
    known: tables.Corpus,
    views: Sequence[FacetView],
    summaries: Sequence[ThemeSummary],
) -> dict[str, object]:
    top = views[0].most_frequent(BARS_SHOWN) if views else ()
    return {
        "overview": overview.overview(known),
        "warnings": overview.warnings(report, known, views),
        "top_themes": bars((title(s), s.n_posts, s.n_groups) for s in summaries[:BARS_SHOWN]),
        "top_labels": bars((row.name, row.posts, row.distinct) for row in top),
        "reading": bars((what, n, n) for what, n in report.reading.items()),
    }


def _themes(
    report: ReportInput, known: tables.Corpus, summaries: Sequence[ThemeSummary]
) -> dict[str, object]:
    if report.themes is None:
        return {"cards": (), "figures": (), "n_on_map": 0, "n_noise": 0}
    rows = tables.rows_of(known.posts, report.themes.post_ids)
    return {
        "cards": theme_cards.theme_cards(known, report.themes, summaries, report.trends),
        "figures": theme_figures.theme_figures(report.theme_figures),
        "n_on_map": int((rows >= 0).sum()),
        "n_noise": int((report.themes.theme[rows[rows >= 0]] < 0).sum()),
    }


def _scores(report: ReportInput, known: tables.Corpus) -> dict[str, object]:
    if report.scores is None:
        return {"unscored": (), "n_scored": 0, "n_open": 0, "n_posts_open": 0}
    opened = tables.left_open(known, report.scores)
    return {
        "n_open": int(opened.sum()),
        "n_posts_open": int(opened.any(axis=1).sum()),
        "unscored": tables.unscored(known, report.scores, missing=overview.NOT_SENT),
        "n_scored": int(tables.decided(known, report.scores)[1].sum()),
    }


def _quality(report: ReportInput) -> dict[str, object]:
    if report.quality is None:
        return {"quality_rows": (), "undefined": ()}
    return {
        "quality_rows": quality.quality_rows(report.quality, report.codebook),
        "undefined": quality.undefined_names(report.quality, report.codebook),
    }


def _charts(
    report: ReportInput,
    known: tables.Corpus,
    views: Sequence[FacetView],
    summaries: Sequence[ThemeSummary],
) -> dict[str, Chart]:
    made: dict[str, Chart] = {}
    if known.months:
        made["posts"] = charts.posts_by_month(known)
    if known.months and report.themes is not None and summaries:
        table = theme_cards.count_by_month(known, report.themes, summaries)
        names = [title(summary) for summary in summaries]
        made["themes"] = charts.theme_lines(known, table, names)
        followed = report.trends if report.trends and report.trends.by == "month" else None
        for row, (summary, name) in enumerate(zip(summaries, names, strict=True)):
            line = line_of(followed, "theme", tag(summary.theme))
            bursts = marks(line, known.months) if line else []
            made[f"theme-{row}"] = charts.theme_columns(row, name, bursts)
    for view in views:
        if known.months and view.counted:
            made[f"{view.group}-months"] = charts.facet_lines(view)
        if view.counted:
            made[f"{view.group}-channels"] = charts.facet_bars(view)
    if report.quality is not None and report.quality.labels:
        names = [row.name for row in quality.quality_rows(report.quality, report.codebook)]
        made["quality"] = charts.quality_dots(report.quality, names)
    return made | page_parts.extra_charts(report, views)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=shown.finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": shown.number,
        "figure": shown.figure,
        "sentence": shown.sentence,
        "share": shown.share,
        "percent": shown.percent,
        "interval": shown.interval,
        "minute": shown.minute,
        "month": shown.month,
        "measure": quality.measure,
    }
    environment.globals |= {
        "plural": shown.plural,
        "some_of": shown.some_of,
        "metrics": charts.METRICS,
        "first_drawn": FIRST_DRAWN,
        "cards_shown": CARDS_SHOWN,
    }
    return environment


def _assets(names: Sequence[str]) -> list[str]:
    return [(_HERE / "assets" / name).read_text(encoding="utf-8").strip() for name in names]


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return a policy that allows exactly these inline styles and scripts, and no request."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
