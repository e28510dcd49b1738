"""The commands around the work: init, demo, report, doctor."""

from __future__ import annotations

from pathlib import Path

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows


@click.command(short_help="Lay out a workspace for your own posts.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(folder: Path) -> None:
    """Lay out a workspace for your own posts: labels/, experiments/, models/ and settings.

    \b
    Example:
      narraframe init my-study
    """
    from narraframe.workflows.init import init as run

    for path in run(folder):
        say(f"wrote {path}")
    say("next, from inside it: narraframe ingest YOUR_EXPORT/result.json -o data/posts.parquet")


@click.command(short_help="Run the whole way on the bundled sample.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR", default="demo")
@options.force
def demo(folder: Path, force: bool) -> None:
    """Run the whole way on the bundled sample: ingest, themes, train, score, report.

    \b
    Example:
      narraframe demo
    """
    from narraframe.workflows.demo import demo as run

    done = run(folder, force=force, watch=TerminalWatch())
    for title, rows in done.findings:
        say(f"{title}:")
        show_rows(rows)
    say(f"report: {done.report.resolve()}")
    say("what to do next:")
    for line in done.next_steps:
        say(f"  {line}")


@click.command(short_help="Write one self-contained HTML page.")
@click.argument("posts", metavar="POSTS")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The page to write, *.html; with --format md *.md, with --format csv a folder.",
)
@click.option("--themes", type=click.Path(path_type=Path), metavar="DIR", help="From: themes.")
@click.option("--scores", type=click.Path(path_type=Path), metavar="PARQUET", help="From: score.")
@click.option("--title", default="Narratives and themes", show_default=True, help="Its heading.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "md", "csv"]),
    default="html",
    show_default=True,
    help="A page, one Markdown file, or a folder of CSV tables.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw the figures for papers into this folder, as PNG and SVG.",
)
@options.workspace_option
@options.force
def report(
    posts: str,
    output: Path | None,
    themes: Path | None,
    scores: Path | None,
    title: str,
    kind: str,
    figures: Path | None,
    workspace: Path | None,
    force: bool,
) -> None:
    """Write one self-contained HTML page: themes, narratives over time, model quality.

    It also holds what prevalence, trends, coverage, spread and drift say of these posts, as far as
    that can be told from what is at hand; the page names what was left out, and why.

    \b
    Example:
      narraframe report data/posts.parquet --themes data/themes --scores data/scores.parquet \\
          -o reports/report.html --figures reports/figures
    """
    from narraframe.workflows.report import report as run

    made = run(
        posts,
        output=output,
        themes_folder=themes,
        scores_path=scores,
        title=title,
        kind=kind,
        figures=figures,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    if output:
        remark = "; open it in a browser" if kind == "html" else ""
        say(f"{output}: {made.size / 1e6:.1f} MB{remark}")
    for path in made.figures:
        say(f"drew {path}")


@click.command(short_help="Say what is missing, and how to get it.")
@options.workspace_option
def doctor(workspace: Path | None) -> int:
    """Say what is installed, what is missing, and how to get it.

    \b
    Example:
      narraframe doctor
    """
    from narraframe.workflows.doctor import examine

    findings = examine(options.find(workspace))
    for finding in findings:
        mark = "note" if finding.ok is None else "ok" if finding.ok else "missing"
        say(f"{mark:<7}  {finding.what}")
        if finding.remedy:
            say(f"         {finding.remedy}")
    return 1 if any(finding.ok is False for finding in findings) else 0
