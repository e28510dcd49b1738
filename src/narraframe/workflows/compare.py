"""Compare: what one run gains over another, on posts that neither was trained on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narraframe.config import Workspace
from narraframe.errors import ModelError
from narraframe.io.cells import csv_text
from narraframe.io.files import check_output, write_text
from narraframe.io.runs import OUT_OF_FOLD, TEST, Run, find_run
from narraframe.metrics.paired import Paired, PairedDifference, Predictions, paired_difference
from narraframe.records import HeldOut, align

_TEST_SET = "the frozen test set"
_BASES = ((TEST, _TEST_SET), (OUT_OF_FOLD, "out-of-fold predictions"))
_SPLIT = ("split.by", "split.since", "split.folds", "seed")
_COLUMNS = ("figure", "label_id", "n_positive", "a", "b", "difference", "low", "high")


@dataclass(frozen=True)
class Comparison:
    """What run `b` gains over run `a`, both by title; `basis` says on which predictions.

    `only_a` and `only_b` are labels that the other lacks; `notes` what to know of the figures.
    Of the posts that `a` predicted on this basis, `n_only_a` are not among those of `b`, and do not
    count. Where `misses_test`, `a` has a frozen test set and the figures do not rest on it.
    `other_split` says how the splits differ by which the two predicted out of fold, "" where they
    do not: then part of the difference, or all of it, is the splits'.
    `n_relabelled` of the posts that count are labelled otherwise in `a`: `by_labels_of_a` is what
    comes out by its labels, None where there are no such posts.
    """

    a: str
    b: str
    basis: str
    found: PairedDifference
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    notes: tuple[str, ...]
    n_only_a: int = 0
    misses_test: bool = False
    other_split: str = ""
    n_relabelled: int = 0
    by_labels_of_a: PairedDifference | None = None

    @property
    def on_test(self) -> bool:
        """Tell whether the figures rest on the frozen test set."""
        return self.basis.endswith(_TEST_SET)

    @property
    def verdict(self) -> str:
        """Say in words what came out."""
        return f"{self.b} against {self.a}, on {self.basis}: {self.found.verdict}"


def compare(
    a: str,
    b: str,
    *,
    workspace: Workspace,
    output: Path | None = None,
    force: bool = False,
    seed: int = 0,
) -> Comparison:
    """Measure what run `b` gains over run `a` on the posts and labels that both predicted.

    Where both have a frozen test set and share posts of it, these count; otherwise those that both
    predicted out of fold. The two kinds are never mixed: a post of one run's test set that the
    other trained on does not count. Near-duplicate groups are those of `b`, and so is the truth;
    where that of `a` differs, the gain is measured by its labels too.

    Parameters
    ----------
    a, b : str
        Runs, by id (six digits are enough), ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
    workspace : Workspace
        Where the store is.
    output : Path, default=None
        Where to write the figures as well: .csv or .json.
    force : bool, default=False
        Replace `output` if it exists.
    seed : int, default=0
        Of the resampling.

    Raises
    ------
    ModelError
        If there is no such run, one has no held-out predictions, or they share no post or label.
    TableError
        If held-out predictions are damaged.
    UsageError, OutputError
        If `output` ends otherwise, exists and `force` is False, or cannot be written.
    """
    if output is not None:
        check_output(output, endings=(".csv", ".json"), force=force)
    compared = _compare(find_run(workspace.store, a), find_run(workspace.store, b), seed=seed)
    if output is not None:
        as_csv = output.suffix == ".csv"
        write_text(output, _csv(compared) if as_csv else _json(compared), force=force)
    return compared


def _compare(a: Run, b: Run, *, seed: int) -> Comparison:
    name, of_a, of_b = _shared(a, b)
    posts = set(of_a.post_ids)
    post_ids = [post_id for post_id in of_b.post_ids if post_id in posts]
    label_ids = [label_id for label_id in of_b.label_ids if label_id in of_a.label_ids]
    if not label_ids:
        raise ModelError(
            "the runs share no label",
            where=f"{a.title}, {b.title}",
            remedy="Compare runs of the same codebook.",
        )
    theirs, ours = _part(of_a, post_ids, label_ids), _part(of_b, post_ids, label_ids)
    n_relabelled = _n_relabelled(theirs, ours)
    found = _difference(theirs, ours, truth=ours, seed=seed)
    by_a = _difference(theirs, ours, truth=theirs, seed=seed) if n_relabelled else None
    misses_test = name != _TEST_SET and a.table(TEST) is not None
    other_split = "" if name == _TEST_SET else _other_split(a, b)
    only_a = tuple(label_id for label_id in of_a.label_ids if label_id not in of_b.label_ids)
    only_b = tuple(label_id for label_id in of_b.label_ids if label_id not in of_a.label_ids)
    return Comparison(
        a=a.title,
        b=b.title,
        basis=f"{len(post_ids):,} posts of {name}",
        found=found,
        only_a=only_a,
        only_b=only_b,
        notes=(
            *_posts_notes(of_a, of_b, len(post_ids)),
            *(
                [f"the splits differ, and so may what is gained: {other_split}"]
                if other_split
                else []
            ),
            *([f"{b.title} was not tested on {_TEST_SET} of {a.title}"] if misses_test else []),
            *_truth_notes(a, n_relabelled, found, by_a),
            *_codebook_notes(a, b, only_a, only_b),
        ),
        n_only_a=len(of_a.post_ids) - len(post_ids),
        misses_test=misses_test,
        other_split=other_split,
        n_relabelled=n_relabelled,
        by_labels_of_a=by_a,
    )


def _shared(a: Run, b: Run) -> tuple[str, HeldOut, HeldOut]:
    """Return the kind of prediction that both runs made of the same posts, and both tables."""
    for file_name, name in _BASES:
        of_a, of_b = a.table(file_name), b.table(file_name)
        if of_a and of_b and not set(of_a.post_ids).isdisjoint(of_b.post_ids):
            return name, of_a, of_b
    for run in (a, b):
        if run.table(OUT_OF_FOLD) is None:
            raise ModelError(
                "kept no held-out predictions",
                where=run.title,
                remedy="Train it again: this version of narraframe keeps them.",
            )
    raise ModelError(
        "the runs have held-out predictions of no post in common",
        where=f"{a.title}, {b.title}",
        remedy="Train both on the same posts, with the same frozen test set.",
    )


def _other_split(a: Run, b: Run) -> str:
    """Say in which settings the splits of two runs differ; none that a run of before left out.

    More folds train on more posts, and posts of one channel on both sides flatter: a model measured
    so would seem better than itself. Folds of the same settings still differ where posts were
    added, but favour neither.
    """
    by_time = {run.parameters.get("split.by") for run in (a, b)} == {"time"}
    unused = "split.folds" if by_time else "split.since"
    found = []
    for key in _SPLIT:
        one, other = (run.parameters.get(key) for run in (a, b))
        if key != unused and one is not None and other is not None and one != other:
            found.append(f"{key} is {one!r} in {a.title} and {other!r} in {b.title}")
    return "; ".join(found)


def _part(held_out: HeldOut, post_ids: list[str], label_ids: list[str]) -> HeldOut:
    rows = align(post_ids, held_out)
    columns = [held_out.label_ids.index(label_id) for label_id in label_ids]
    return HeldOut(
        post_ids=rows.post_ids,
        label_ids=tuple(label_ids),
        y=rows.y[:, columns],
        mask=rows.mask[:, columns],
        probability=rows.probability[:, columns],
        decision=rows.decision[:, columns],
        groups=rows.groups,
        fold=rows.fold,
    )


def _difference(a: HeldOut, b: HeldOut, *, truth: HeldOut, seed: int) -> PairedDifference:
    return paired_difference(
        truth.y,
        truth.mask,
        Predictions(a.probability, a.decision),
        Predictions(b.probability, b.decision),
        b.groups,
        b.label_ids,
        seed=seed,
    )


def _n_relabelled(a: HeldOut, b: HeldOut) -> int:
    differs = (a.mask != b.mask) | (a.mask & b.mask & (a.y != b.y))
    return int(differs.any(axis=1).sum())


def _posts_notes(a: HeldOut, b: HeldOut, n: int) -> Iterator[str]:
    if n < max(len(a.post_ids), len(b.post_ids)):
        yield (
            f"{n:,} posts are in both, of {len(a.post_ids):,} and {len(b.post_ids):,}: "
            "the others do not count"
        )


def _truth_notes(
    a: Run, n: int, found: PairedDifference, by_a: PairedDifference | None
) -> Iterator[str]:
    if by_a is None:
        return
    yield f"{n:,} posts are labelled otherwise in the second: its labels are taken as the truth"
    if (by_a.is_better, by_a.is_worse) != (found.is_better, found.is_worse):
        yield f"by the labels of {a.title} it comes out otherwise: {by_a.verdict}"


def _codebook_notes(
    a: Run, b: Run, only_a: tuple[str, ...], only_b: tuple[str, ...]
) -> Iterator[str]:
    one, other = (run.tags.get("codebook_sha256", "") for run in (a, b))
    if one != other:
        versions = (run.tags.get("codebook", "unknown") for run in (a, b))
        yield f"their codebooks differ ({' and '.join(versions)}), and so may what a label means"
    for run, labels in ((a, only_a), (b, only_b)):
        if labels:
            yield f"only in {run.title}, not compared: {', '.join(labels)}"


def _rows(compared: Comparison) -> Iterator[tuple[Any, ...]]:
    """Yield one row of `_COLUMNS` for each figure; undefined ones are None."""
    found = compared.found
    for name in ("macro_f1", "micro_f1", "mean_average_precision"):
        yield (name, None, None, *_figures(getattr(found, name)))
    for label in found.labels:
        yield ("f1", label.label_id, label.n_positive, *_figures(label.f1))


def _figures(pair: Paired) -> Iterator[float | None]:
    estimate = pair.difference
    for value in (pair.a, pair.b, estimate.value, estimate.low, estimate.high):
        yield None if math.isnan(value) else value


def _csv(compared: Comparison) -> str:
    rows = (
        [
            "" if cell is None else round(cell, 4) if isinstance(cell, float) else cell
            for cell in row
        ]
        for row in _rows(compared)
    )
    return csv_text(_COLUMNS, rows)


def _json(compared: Comparison) -> str:
    by_a = compared.by_labels_of_a
    data = {
        "a": compared.a,
        "b": compared.b,
        "basis": compared.basis,
        "n_posts": compared.found.n_posts,
        "n_groups": compared.found.n_groups,
        "verdict": compared.found.verdict,
        "is_better": compared.found.is_better,
        "is_worse": compared.found.is_worse,
        "verdict_by_labels_of_a": by_a.verdict if by_a else None,
        "notes": compared.notes,
        "figures": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(compared)],
    }
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
