"""The command drift, and what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_table
from narraframe.errors import ModelError

if TYPE_CHECKING:
    from narraframe.records import Drift
    from narraframe.workflows.reading import ReadOptions

_MOST_LABELS, _MOST_LANGUAGES = 8, 5


@click.command(short_help="Tell whether new posts are like a model's training posts.")
@options.inputs
@click.option(
    "--model", "model_uri", required=True, metavar="URI", help="Such as models:/NAME@champion."
)
@options.output(required=False, what="Also write the figures, *.json or *.csv.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Rate of false alarms of a run, all tests together.",
)
@click.option(
    "--fail-on-drift",
    is_flag=True,
    help="Exit with code 1 where there is drift; too few posts to tell are a warning.",
)
@options.reading
@options.workspace_option
@options.force
def drift(
    inputs: tuple[str, ...],
    model_uri: str,
    output: Path | None,
    alpha: float,
    fail_on_drift: bool,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> int:
    """Tell whether new posts are like those that a model was trained on.

    Four tests, on a sample of 1,000 distinct posts: their vectors, how many lie far from every
    training post, how often the model gives its labels, and the languages. On posts like the
    training posts all four together give a false alarm in one run of 100 (--alpha). Drift does not
    say that the scores are wrong: it says that the model's measured quality is of other posts.

    \b
    Example:
      narraframe drift new.jsonl --model models:/narratives@champion
    """
    from narraframe.workflows.drift import drift as run

    found = run(
        inputs,
        output=output,
        model_uri=model_uri,
        alpha=alpha,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=(watch := TerminalWatch()),
    )
    show_drift(found)
    return drift_code(found, model=model_uri, watch=watch) if fail_on_drift else 0


def drift_code(found: Drift | None, *, model: str, watch: TerminalWatch) -> int:
    """Return the exit code of --fail-on-drift: 1 where there is drift, else 0.

    Few posts are an everyday matter, and no reason to stop a nightly run: a warning. A model that
    keeps nothing to compare with can never tell, and whoever asks to be stopped is not left to
    believe that it does.

    Raises
    ------
    ModelError
        If the model keeps nothing to tell drift by.
    """
    if found is None or not found.known:
        raise ModelError(
            "the model keeps nothing to tell drift by",
            where=model,
            remedy="Train it again.",
        )
    if found.is_unknown:
        watch.warn(
            f"whether there is drift is {found.verdict}: --fail-on-drift lets it pass, with code 0"
        )
    return 1 if found.drifted else 0


def show_drift(found: Drift) -> None:
    """Print the verdict, the tests, and what moved."""
    say(f"{found.verdict} ({found.model})")
    texts = found.n_posts - found.n_without_text
    say(
        f"  {found.n_posts:,} posts; {_share(found.n_without_text, found.n_posts)} without text; "
        f"{_share(found.n_unknown_language, texts)} in languages that the model did not learn"
    )
    if not found.known:
        return
    say(
        f"  compared: {found.n_scored:,} distinct posts with {found.n_reference:,} of the training;"
        f" one false alarm in {1 / found.alpha:,.0f} runs"
    )
    rows = [
        [test.what, _figure(test.effect), _p(test.adjusted), "drift" if test.drifted else ""]
        for test in found.tests
    ]
    show_table(("", "", "p", ""), rows)
    moved = [label for label in found.labels if label.p <= found.alpha]
    moved.sort(key=lambda label: -abs(label.now - label.before))
    for label in moved[:_MOST_LABELS]:
        say(f"  {label.label_id}: {label.before:.1%} of held-out posts, now {label.now:.1%}")
    if len(moved) > _MOST_LABELS:
        say(f"  and {len(moved) - _MOST_LABELS} more labels; all of them with -o")
    for code, before, now in found.languages[:_MOST_LANGUAGES]:
        if abs(now - before) >= 0.01:
            name = f"language {code}" if code else "language not known"
            say(f"  {name}: {before:.1%} of training posts, now {now:.1%}")


def _share(n: int, of: int) -> str:
    return f"{n / of:.1%}" if of else "none"


def _figure(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"


def _p(value: float) -> str:
    return "-" if value != value else "<0.0001" if value < 0.0001 else f"{value:.4f}"
