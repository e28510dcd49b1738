"""The commands of the classifier: train, evaluate."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_rows, show_table
from narraframe.errors import UsageError
from narraframe.records import Quality

if TYPE_CHECKING:
    from narraframe.metrics.reliability import Curve
    from narraframe.metrics.selective import Selective
    from narraframe.workflows.fitting import Fitted
    from narraframe.workflows.reading import ReadOptions

model_option = click.option(
    "--model",
    required=True,
    metavar="URI",
    help="models:/NAME@champion, models:/NAME@challenger or models:/NAME/VERSION.",
)


@click.command(short_help="Train, measure and register a classifier.")
@click.option(
    "--experiment",
    type=click.Path(path_type=Path),
    metavar="TOML",
    help="The experiment's file: data, features, split, seed.",
)
@click.option(
    "--labelled",
    multiple=True,
    metavar="IN",
    help="Instead: posts whose records carry `labels`; the codebook is generated.",
)
@click.option("--name", help="With --labelled: the model's name in the registry.")
@click.option(
    "--one-label",
    is_flag=True,
    help="With --labelled: labels rule each other out, and each post gets one.",
)
@options.reading
@options.workspace_option
def train(
    experiment: Path | None,
    labelled: tuple[str, ...],
    name: str | None,
    one_label: bool,
    read: ReadOptions,
    workspace: Path | None,
) -> None:
    """Train a classifier, measure it honestly, and register it as the challenger.

    Quality comes from nested cross-validation: thresholds and calibration are fitted without the
    posts they are judged on, and near-copies never straddle a fold.

    \b
    Example:
      narraframe train --experiment experiments/narratives.toml
      narraframe train --labelled posts.jsonl --name topics
    """
    from narraframe.workflows import train as run

    if bool(experiment) == bool(labelled):
        raise UsageError("pass either --experiment or --labelled", remedy="See: train --help")
    if bool(labelled) != bool(name):
        raise UsageError("--labelled and --name go together", remedy="See: train --help")
    if one_label and not labelled:
        raise UsageError(
            "--one-label goes with --labelled",
            remedy="In an experiment: one_label = true in [data].",
        )
    found, watch = options.find(workspace), TerminalWatch()
    if experiment is not None:
        trained = run.train_experiment(experiment, options=read, workspace=found, watch=watch)
    else:
        trained = run.train_labelled(
            labelled,
            name=name or "",
            one_label=one_label,
            options=read,
            workspace=found,
            watch=watch,
        )
    if trained.quality.n_posts:
        _show_quality(trained.quality)
        _show_more(trained.fitted)
    for note in trained.notes:
        say(note)
    say(f"registered {trained.model.title} as @challenger (MLflow run {trained.model.run_id})")
    say(f"model card: {trained.card}")
    say(f"next: narraframe promote {trained.model.name}")


@click.command(short_help="Measure a model on labelled posts.")
@model_option
@click.option("--labelled", required=True, multiple=True, metavar="IN", help="Posts with `labels`.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="ID",
    help="A facet that was asked of every post, also of those without a label of it; repeatable.",
)
@options.output(required=False, what="Also write the figures, *.csv or *.json.")
@options.reading
@options.workspace_option
@options.force
def evaluate(
    model: str,
    labelled: tuple[str, ...],
    facets: tuple[str, ...],
    output: Path | None,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Measure a registered model on labelled posts that it has not seen.

    Copies and near-copies of the model's training posts are left out and counted. Where the
    codebook has several facets, a post without a label of a facet counts as not asked, unless
    --facet names it.

    \b
    Example:
      narraframe evaluate --model models:/narratives@champion --labelled held_out.jsonl
    """
    from narraframe.workflows.evaluate import evaluate as run

    evaluated = run(
        model,
        labelled,
        facets=facets,
        output=output,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    _show_quality(evaluated.quality)
    _show_chance(evaluated.reliability)
    _show_selective(evaluated.selective)
    for note in evaluated.notes:
        say(note)
    show_rows(evaluated.counts.items())


def _show_more(fitted: Fitted) -> None:
    """Show what was measured beside the main figures."""
    _show_chance(fitted.reliability.pooled, more=": see reliability.png in the run")
    if fitted.candidates:
        rows = [
            [
                c.settings.head,
                " + ".join(c.settings.features),
                f"{c.evidence:.3f}",
                str(c.measured.quality.micro_f1),
                str(c.measured.quality.macro_f1),
            ]
            for c in sorted(fitted.candidates, key=lambda c: -c.evidence)
        ]
        show_table(["head", "features", "evidence", "micro F1", "macro F1"], rows)
        say("evidence is of training sides alone; the figures above include the choice by it")
    for other in (*fitted.others, *([fitted.test] if fitted.test else [])):
        q = other.quality
        say(f"{q.how}: micro F1 {q.micro_f1}, macro F1 {q.macro_f1}, {q.n_posts:,} posts")
    for row in fitted.leak.rows if fitted.leak else ():
        careless = "with copies on both sides" if row.split == "group" else "by a random split"
        say(
            f"leak: {row.figure} by {row.split} {row.honest:.3f}; {careless} it would have "
            f"seemed {row.careless:.3f}"
        )
    _show_selective(fitted.selective)


def _show_chance(curve: Curve, *, more: str = "") -> None:
    """Show the calibration error that chance alone would make, and whether there is more."""
    if math.isnan(curve.error):
        return
    say(
        f"by chance alone, perfectly calibrated probabilities of these posts would show "
        f"{curve.chance.mean:.3f}, in 1 case of 20 more than {curve.chance.high:.3f}"
    )
    if curve.is_off:
        say(f"the calibration error is more than chance explains{more}")


def _show_selective(kept: Selective | None) -> None:
    """Show what abstaining does; nothing where the model never does."""
    if kept is not None:
        say(
            f"abstaining leaves {kept.coverage} of the decisions: macro F1 "
            f"{kept.with_abstention.macro_f1} on them, {kept.without.macro_f1} on all"
        )


def _show_quality(quality: Quality) -> None:
    say(f"{quality.how}: {quality.n_posts:,} posts in {quality.n_groups:,} groups")
    rows = [
        [
            row.label_id,
            f"{row.n_positive:,}",
            "-" if math.isnan(row.share) else f"{row.share:.2f}",
            *map(str, (row.precision, row.recall, row.f1, row.average_precision)),
        ]
        for row in quality.labels
    ]
    show_table(
        ["label", "positive", "share", "precision", "recall", "F1", "average precision"], rows
    )
    say(
        f"micro F1 {quality.micro_f1}, precision {quality.micro_precision}, "
        f"recall {quality.micro_recall}"
    )
    n, k = len(quality.measured), len(quality.labels)
    say(
        f"macro F1 over {n} of {k} labels {quality.macro_f1}, "
        f"mean average precision {quality.mean_average_precision}"
    )
    say(f"mean over labels of the expected calibration error {quality.calibration_error:.3f}")
    if quality.doubtful:
        say(f"not told from chance beyond doubt: {', '.join(quality.doubtful)}")
    if quality.undefined:
        say(f"undefined (no positive posts): {', '.join(quality.undefined)}")
