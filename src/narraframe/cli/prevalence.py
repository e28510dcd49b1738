"""The command that says how much of the posts carries each label: prevalence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from narraframe.cli import options
from narraframe.cli.terminal import TerminalWatch, say, show_table, told_apart

if TYPE_CHECKING:
    from narraframe.records import LabelPlan, LabelShare, Prevalence, ShareChange
    from narraframe.workflows.prevalence import PrevalenceFound
    from narraframe.workflows.reading import ReadOptions

CONSENSUS = ("majority", "any", "dawid-skene")
_NAME = 34
_SHOWN = 5


@click.command(short_help="Estimate how much of the posts carries each label.")
@options.inputs
@click.option(
    "--scores",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="From: score, *.parquet. Without it: the audit alone.",
)
@click.option(
    "--by",
    type=click.Choice(["month", "channel"]),
    multiple=True,
    help="Also month by month, or channel by channel; may be repeated.",
)
@click.option(
    "--label", "labels", multiple=True, metavar="ID", help="Only this label; may be repeated."
)
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Tell by how much shares differ between two months (2024-05) or two channels.",
)
@click.option(
    "--consensus",
    type=click.Choice(CONSENSUS),
    help="How several annotators of a post are joined; default: as for the model's training.",
)
@click.option("--plan", is_flag=True, help="Say how many more audit posts to label.")
@click.option(
    "--width",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="With --plan: the interval wanted, from end to end, as a share.",
)
@options.output(
    required=False,
    what="Also write them, *.csv, *.json, *.md or *.parquet; changes and plans, *.json or *.md.",
)
@options.reading
@options.workspace_option
@options.force
@click.pass_context
def prevalence(
    context: click.Context,
    inputs: tuple[str, ...],
    scores: Path | None,
    by: tuple[str, ...],
    labels: tuple[str, ...],
    compare: tuple[str, str] | None,
    consensus: str | None,
    plan: bool,
    width: float,
    output: Path | None,
    read: ReadOptions,
    workspace: Path | None,
    force: bool,
) -> None:
    """Estimate the share of posts that carries each label, with an interval that holds.

    A classifier errs, and a count of its decisions errs with it. The audit, which narraframe queue
    draws at random, says by how much: the share by design corrects the model's probabilities by
    the audit's answers (PPI++), and its 95 % interval is that of not having read all posts. Beside
    it stand the count of decisions and the sum of probabilities, which know nothing of errors.

    Shares are of the posts given, those with text; posts without a score are among them.

    \b
    Example:
      narraframe prevalence posts.parquet --scores scores.parquet --by month -o shares.csv
      narraframe prevalence posts.parquet --scores scores.parquet --compare 2024-05 2024-06
      narraframe prevalence posts.parquet --scores scores.parquet --plan --width 0.1
    """
    typed = click.core.ParameterSource.COMMANDLINE
    if context.get_parameter_source("width") is typed and not plan:
        raise click.UsageError("--width goes with --plan.")
    from narraframe.workflows.prevalence import PrevalenceOptions
    from narraframe.workflows.prevalence import prevalence as run

    done = run(
        inputs,
        scores_path=scores,
        wanted=PrevalenceOptions(
            by=by,
            labels=labels,
            compare=compare,
            width=width if plan else None,
            consensus=consensus,
        ),
        output=output,
        options=read,
        workspace=options.find(workspace),
        force=force,
        watch=TerminalWatch(),
    )
    _show(done, width=width)
    if output is not None:
        say(f"{output}: {len(done.prevalence.shares):,} shares")


def _show(done: PrevalenceFound, *, width: float) -> None:
    found = done.prevalence
    names = told_apart({i: done.names[i] for i in found.label_ids}, _NAME)
    _show_population(found)
    if done.plans:
        _show_plans(done.plans, names, width=width)
    elif done.changes:
        _show_changes(done.changes, names)
    else:
        for by in ("all", *found.by):
            for value in found.slices(by):
                rows = [s for s in found.shares if (s.by, s.value) == (by, value)]
                _show_shares(rows, names, title=value)
        _warn_of_counts(found, names)
    for note in found.notes:
        say(f"note: {note}")


def _show_population(found: Prevalence) -> None:
    line = f"{found.n_posts:,} posts with text"
    if found.left_out:
        line += f" ({sum(found.left_out.values()):,} without are left out)"
    if found.n_unscored and found.model:
        why = ", ".join(f"{n:,} {reason}" for reason, n in found.unscored.items())
        line += f", {found.n_unscored:,} of them without a score ({why})"
    say(line)
    if found.n_drawn:
        if found.n_answered == found.n_posts:
            say("all of them have an answer")
            return
        copied = f", {found.n_copied:,} by a near-copy" if found.n_copied else ""
        say(f"{found.n_answered:,} of {found.n_drawn:,} audit posts answered{copied}")


def _show_shares(rows: Sequence[LabelShare], names: dict[str, str], *, title: str) -> None:
    from narraframe.io.prevalence import percent

    say()
    if title:
        say(f"{title}: {rows[0].n_posts:,} posts")
    if not any(share.n_audit or share.n_scored for share in rows):
        say("  no answer and no score: there is nothing to tell shares from")
        return
    notes = {share.note for share in rows}
    of_all = notes.pop() if len(notes) == 1 else ""
    has_notes = any(share.note for share in rows) and not of_all
    has_stars = {share.method for share in rows} >= {"audit", "ppi++"}
    answers = "audit" if max(share.n_audit for share in rows) < rows[0].n_posts else "answers"
    header = ["label", answers, "yes", "share by design", "count", "sum of p"]
    show_table(
        [*header, *(["note"] if has_notes else [])],
        [
            [
                names[share.label_id],
                f"{share.n_audit:,}",
                f"{share.n_positive:,}",
                percent(share.design) + ("*" if has_stars and share.method == "audit" else " "),
                percent(share.naive, interval=False) + ("!" if share.naive_misses else " "),
                percent(share.calibrated, interval=False),
                *([share.note] if has_notes else []),
            ]
            for share in rows
        ],
    )
    if of_all:
        say(f"  all of them: {of_all}")
    if has_stars:
        say("  * by the audit alone: the model says nothing that would help")


def _warn_of_counts(found: Prevalence, names: dict[str, str]) -> None:
    wrong = [share for share in found.shares if share.naive_misses]
    if not wrong:
        return
    say()
    say(
        f"! {len(wrong):,} of {len(found.shares):,} counts of decisions lie outside of the "
        "interval: do not publish counts"
    )
    n_compared = sum(not math.isnan(s.naive.value + s.design.value) for s in found.shares)
    say(f"  (of right counts, about {_by_chance(n_compared)} of as many would lie there by chance)")
    from narraframe.io.prevalence import percent

    worst = sorted(wrong, key=lambda s: -abs(s.naive.value - s.design.value))
    for share in worst[:_SHOWN]:
        where = f" in {share.value}" if share.value else ""
        say(
            f"  {names[share.label_id]}{where}: counted {percent(share.naive, interval=False)}, "
            f"by design {percent(share.design)}"
        )
    if len(worst) > _SHOWN:
        say(f"  and {len(worst) - _SHOWN:,} more")


def _by_chance(n: int) -> str:
    """Return of how many of n intervals the truth lies outside, on average."""
    return f"{n * 0.05:.1f}"


def _show_changes(changes: Sequence[ShareChange], names: dict[str, str]) -> None:
    from narraframe.io.prevalence import percent, points

    first, last = changes[0].before, changes[0].after
    say()
    say(
        f"from {first.value} ({first.n_posts:,} posts) to {last.value} ({last.n_posts:,} posts), "
        "in percentage points"
    )
    show_table(
        ["label", first.value, last.value, "change by design", "counts", ""],
        [
            [
                names[change.label_id],
                percent(change.before.design, interval=False),
                percent(change.after.design, interval=False),
                points(change.difference),
                "-" if change.naive != change.naive else f"{100 * change.naive:+.1f}",
                "beyond chance" if change.is_beyond_chance else "",
            ]
            for change in changes
        ],
    )
    n_known = sum(not math.isnan(change.difference.value) for change in changes)
    if n_known > 1 and any(change.is_beyond_chance for change in changes):
        say(
            f"  beyond chance: each label by itself; of {n_known:,} that did not change, about "
            f"{_by_chance(n_known)} would be called so"
        )
    for note in dict.fromkeys(change.note for change in changes if change.note):
        say(f"note: {note}")


def _show_plans(plans: Sequence[LabelPlan], names: dict[str, str], *, width: float) -> None:
    say()
    say(f"audit posts to label for an interval of {100 * width:.3g} points from end to end")
    show_table(
        ["label", "slice", "posts", "audit", "width now", "more to label"],
        [
            [
                names[plan.label_id],
                plan.value or "all",
                f"{plan.n_posts:,}",
                f"{plan.n_audit:,}",
                "-" if plan.width_now != plan.width_now else f"{100 * plan.width_now:.1f}",
                f"{plan.n_more:,}",
            ]
            for plan in plans
        ],
    )
    if n := max((plan.n_more for plan in plans if not plan.value), default=0):
        say(
            f"  to have them all asked: narraframe queue POSTS -o data/queue.csv -n {n} --audit 1 "
            "--force, then push"
        )
