"""What a careless split would have claimed, beside what honest splits find on the same posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from narraframe.metrics.paired import Paired, Predictions, paired_difference
from narraframe.records import Estimate, HeldOut, align


@dataclass(frozen=True, slots=True)
class LeakRow:
    """A figure on the posts that `split` tested: `honest`, `careless`, and what that flatters by.

    `flattery` is careless less honest, with its paired interval.
    """

    split: str
    n_posts: int
    figure: str
    honest: float
    careless: float
    flattery: Estimate


@dataclass(frozen=True, slots=True)
class LeakTable:
    """Three rows a split: micro F1, macro F1, mean average precision."""

    rows: tuple[LeakRow, ...]


def leak_table(
    careless: HeldOut, honest: Mapping[str, HeldOut], *, seed: int, n_resamples: int = 2000
) -> LeakTable:
    """Compare predictions out of random folds with those of honest splits, post by post.

    The intervals tell of the posts, not of how chance dealt them to folds: other seeds of the folds
    give somewhat other figures.

    Parameters
    ----------
    careless : HeldOut
        Predictions out of folds blind to groups, channels and time: of all posts.
    honest : mapping of str to HeldOut
        Predictions by the name of their split, each of the posts that it tested, with the same
        labels. Each is set beside the careless predictions of these very posts, so that posts that
        are easier or harder than others do not pass for a leak.
    seed, n_resamples : int
        Of the resampling; see `paired_difference`.

    Raises
    ------
    TableError
        If `careless` lacks a post.
    ValueError
        If the labels differ.
    """
    rows: list[LeakRow] = []
    for split, tested in honest.items():
        if tested.label_ids != careless.label_ids:
            raise ValueError(f"split {split!r} was measured on other labels")
        same = align(tested.post_ids, careless)
        found = paired_difference(
            tested.y,
            tested.mask,
            Predictions(tested.probability, tested.decision),
            Predictions(same.probability, same.decision),
            tested.groups,
            tested.label_ids,
            seed=seed,
            n_resamples=n_resamples,
        )
        rows += [
            _row(split, found.n_posts, "micro F1", found.micro_f1),
            _row(split, found.n_posts, "macro F1", found.macro_f1),
            _row(split, found.n_posts, "mean average precision", found.mean_average_precision),
        ]
    return LeakTable(tuple(rows))


def _row(split: str, n_posts: int, figure: str, found: Paired) -> LeakRow:
    return LeakRow(split, n_posts, figure, found.a, found.b, found.difference)
