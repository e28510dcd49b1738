"""Demo: the whole way on the bundled sample, in a workspace of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from narraframe.config import WORKSPACE_FILE, Workspace, find_workspace
from narraframe.errors import OutputError
from narraframe.io.files import refused
from narraframe.workflows.ingest import ingest
from narraframe.workflows.init import init
from narraframe.workflows.promote import promote
from narraframe.workflows.reading import ReadOptions
from narraframe.workflows.report import report
from narraframe.workflows.score import score
from narraframe.workflows.themes import find_themes
from narraframe.workflows.train import train_experiment
from narraframe.workflows.watch import Watch

MODEL = "sample"
_SHOWN = 8


@dataclass(frozen=True)
class Demo:
    """What the demo found, by title; where its page lies; what to try next."""

    findings: tuple[tuple[str, tuple[tuple[str, object], ...]], ...]
    report: Path
    next_steps: tuple[str, ...]


def demo(folder: Path, *, force: bool, watch: Watch) -> Demo:
    """Lay out `folder` and run ingest, themes, train, promote, score and report on the sample.

    Raises
    ------
    OutputError
        If `folder` exists and `force` is False, or cannot be written.
    """
    workspace = _lay_out(folder, force=force)
    root, options = workspace.root, ReadOptions()
    posts, themes = root / "data/posts.parquet", root / "data/themes"
    scores, page = root / "data/scores.parquet", root / "reports/report.html"
    with as_file(files("narraframe.sample").joinpath("result.json")) as export:
        reading = ingest([str(export)], output=posts, options=options, force=True, watch=watch)
    found = find_themes(
        [str(posts)], output=themes, options=options, workspace=workspace, force=True, watch=watch
    )
    experiment = root / f"experiments/{MODEL}.toml"
    trained = train_experiment(experiment, options=options, workspace=workspace, watch=watch)
    promote(MODEL, version=None, workspace=workspace, force=True)
    scored = score(
        [str(posts)],
        output=scores,
        stdout=sys.stdout,
        model_uri=f"models:/{MODEL}@champion",
        options=options,
        workspace=workspace,
        force=True,
        watch=watch,
    )
    report(
        str(posts),
        output=page,
        themes_folder=themes,
        scores_path=scores,
        title="The sample corpus: narratives and themes",
        workspace=workspace,
        force=True,
        watch=watch,
    )
    quality = trained.quality
    findings = (
        ("posts", tuple(reading.rows().items())),
        (
            f"{len(found.summaries)} themes, the largest",
            tuple((s.name, s.n_posts) for s in found.summaries[:_SHOWN]),
        ),
        (
            "narratives, frames and stance decided most often, on posts the model was trained on",
            tuple(_most(scored.tally.decisions.items())),
        ),
        (
            f"quality ({quality.how})",
            (
                ("micro F1", str(quality.micro_f1)),
                ("macro F1", str(quality.macro_f1)),
            ),
        ),
    )
    steps = (
        f"open {page}",
        "narraframe init my-study, then ingest your own Telegram export there",
        f"make mlflow STORE={folder}/models/store   (every run, its figures and parameters)",
    )
    return Demo(findings, page, steps)


def _lay_out(folder: Path, *, force: bool) -> Workspace:
    is_demo = (folder / f"experiments/{MODEL}.toml").exists()
    if (folder / WORKSPACE_FILE).exists() and not is_demo:
        raise OutputError(
            "is a workspace of yours, which the demo would write over",
            where=folder,
            remedy="Choose another folder.",
        )
    if (folder / WORKSPACE_FILE).exists() and not force:
        raise OutputError(
            "is there already", where=folder, remedy="Pass --force to run the demo in it again."
        )
    if not (folder / WORKSPACE_FILE).exists():
        init(folder, model=MODEL)
    annotations = folder / "labels/annotations"
    try:
        with as_file(files("narraframe.sample").joinpath("annotations")) as sample:
            shutil.copytree(sample, annotations, dirs_exist_ok=True)
    except OSError as error:
        raise refused(annotations, error) from error
    return find_workspace(folder, given=folder)


def _most(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda item: (-item[1], item[0]))[:_SHOWN]
