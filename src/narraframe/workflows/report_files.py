"""The report as files: tables as CSV, one Markdown file, figures as PNG and SVG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from narraframe.errors import UsageError
from narraframe.io.cells import csv_text
from narraframe.io.files import check_free, replacing, write_text
from narraframe.report.figures import shares, theme_trends
from narraframe.report.inputs import ReportInput
from narraframe.report.label_figures import label_channels, label_trends
from narraframe.report.markdown import markdown
from narraframe.report.plots import label_quality
from narraframe.report.reliability_plot import reliability_curves
from narraframe.report.rows import report_tables
from narraframe.report.tables import corpus
from narraframe.report.theme_map import image, theme_map

KINDS = ("png", "svg")


def write_markdown(report: ReportInput, output: Path, *, force: bool) -> int:
    """Write the report's tables as one Markdown file and return its size in bytes."""
    write_text(output, markdown(report.title, report_tables(report)), force=force)
    return output.stat().st_size


def write_csv(report: ReportInput, folder: Path, *, force: bool) -> int:
    """Write one CSV file a table into `folder` and return their size in bytes.

    Raises
    ------
    OutputError
        If one of the files exists and `force` is False, or cannot be written.
    """
    files = {folder / f"{table.name}.csv": table for table in report_tables(report)}
    _check(folder, files, force=force)
    for path, table in files.items():
        rows = [["" if cell is None else cell for cell in row] for row in table.rows]
        write_text(path, csv_text(table.header, rows), force=force)
    return sum(path.stat().st_size for path in files)


def write_figures(report: ReportInput, folder: Path, *, force: bool) -> tuple[Path, ...]:
    """Draw what there is to draw into `folder`, each figure as PNG and as SVG.

    The same report gives the same bytes. Figures whose data was not given are left out.

    Raises
    ------
    OutputError
        If one of the files exists and `force` is False, or cannot be written.
    """
    known = corpus(report.posts)
    themes, curves = report.themes, report.reliability
    names = (
        {label.label_id: label.name for label in report.codebook.labels} if report.codebook else {}
    )
    figures = {
        "theme-map": theme_map(themes, report.summaries, title=report.title)
        if themes is not None and len(themes.post_ids)
        else None,
        "themes-by-month": theme_trends(report, known),
        "shares": shares(report),
        "labels-over-time": label_trends(report),
        "labels-by-channel": label_channels(report),
        "reliability": reliability_curves(curves[0], curves[1:], names) if curves else None,
        "quality": label_quality(report.quality, names) if report.quality else None,
    }
    drawn = {name: figure for name, figure in figures.items() if figure is not None}
    files = {folder / f"{name}.{kind}": (drawn[name], kind) for name in drawn for kind in KINDS}
    _check(folder, files, force=force)
    for path, (figure, kind) in files.items():
        with replacing(path, force=force) as temporary:
            temporary.write_bytes(image(figure, kind=kind))
    return tuple(files)


def _check(folder: Path, files: Iterable[Path], *, force: bool) -> None:
    """Refuse before the first file is written; other files of the folder are left alone."""
    if folder.exists() and not folder.is_dir():
        raise UsageError("is a file", where=folder, remedy="Name a folder: it takes several files.")
    for path in files:
        check_free(path, force=force)
