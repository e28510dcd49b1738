"""Does the queue pay? Labelling simulated on labelled sets, 50 to 800 posts, beside random order.

A third of the posts, whole near-duplicate groups, is held out; the rest is the pool. Contenders
label the same number of posts, each by its own order, fit narraframe's classifier on what they have
and are measured on the held-out third. Splits and orders change with the seed; a contender is
compared with random order on the same split, and intervals (95 %, Student) are over seeds.

The queue's rules were chosen on these very sets, on other seeds (100 to 109): expect a little less
on yours. Seeds share the posts, so the intervals say nothing of other corpora.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from label_queue_sets import DATA, DEFINITIONS, HERE, SETTINGS, LabelledSet, read_set
from numpy.typing import NDArray
from scipy.stats import t as student
from threadpoolctl import threadpool_limits

from narraframe.annotations.active import Corpus, choose
from narraframe.annotations.audit import draw_audit
from narraframe.annotations.splits import grouped_folds
from narraframe.annotations.wishes import closeness, nearest
from narraframe.classifiers.heads import Heads, fit_heads, fit_views, predict_heads
from narraframe.classifiers.structure import Structure
from narraframe.metrics.multilabel import average_precision, confusion, macro_f1, micro_f1

Rows = NDArray[np.intp]
SIZES = (50, 100, 200, 400, 800)
METRICS = ("micro F1", "macro F1", "mean AP")
RANDOM = "random order"


@dataclass
class Labelling:
    """A simulation under way: `labelled` rows of the set, the `pool` they come from, the model."""

    data: LabelledSet
    pool: Rows
    seed: int
    rng: np.random.Generator
    labelled: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    heads: Heads | None = None
    audit: tuple[str, ...] = ()
    limits: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def free(self) -> Rows:
        """The pool without what is labelled."""
        return np.setdiff1d(self.pool, self.labelled)

    def scores(self, rows: Rows) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return probabilities and thresholds of the current model, nan without one."""
        k = len(self.data.label_ids)
        if self.heads is None:
            return np.full((len(rows), k), np.nan), np.full(k, np.nan)
        found = predict_heads(self.data.features, rows, self.heads)
        return found.probability, self.heads.thresholds


Contender = Callable[[Labelling, int], Rows]


def in_random_order(state: Labelling, n: int) -> Rows:
    return state.rng.permutation(state.free)[:n]


def queue(state: Labelling, n: int, *, audit: float = 0.0, defined: bool = True) -> Rows:
    """Return what `narraframe queue` would: an audit of that share, the rest chosen."""
    drawn = drawn_audit(state, round(audit * n)) if audit else np.zeros(0, dtype=np.intp)
    data, taken = state.data, np.concatenate([state.labelled, drawn])
    free = np.setdiff1d(state.pool, taken)
    probability, thresholds = state.scores(free)
    positive = data.y[taken] == 1
    positive[len(state.labelled) :] = False  # drawn now: nobody has labelled them
    corpus = Corpus(
        vectors=data.vectors[free],
        labelled=data.vectors[taken],
        positive=positive,
        label_names=data.label_ids,
        probability=probability,
        thresholds=thresholds,
        definitions=data.definitions if defined else np.full_like(data.definitions, np.nan),
        theme=data.theme[free],
        labelled_theme=data.theme[taken],
    )
    chosen = [choice.row for choice in choose(corpus, n=n - len(drawn))]
    return np.concatenate([drawn, free[chosen]])


def drawn_audit(state: Labelling, n: int) -> Rows:
    sample = draw_audit(
        [str(i) for i in state.pool],
        [state.data.channels[i] for i in state.pool],
        [state.data.months[i] for i in state.pool],
        n=n,
        seed=state.seed,
        drawn=state.audit,
        limits=state.limits,
    )
    state.audit, state.limits = sample.post_ids, dict(sample.limits)
    drawn = np.array([int(i) for i in sample.post_ids], dtype=np.intp)
    return np.setdiff1d(drawn, state.labelled)


def by_score(
    state: Labelling, n: int, *, score: Callable[[Labelling, Rows], NDArray[np.floating]]
) -> Rows:
    """Take the highest scores of the post as a whole; the first posts at random."""
    if state.heads is None:
        return in_random_order(state, n)
    free = state.rng.permutation(state.free)
    return free[np.argsort(-score(state, free), kind="stable")[:n]]


def entropy(state: Labelling, rows: Rows) -> NDArray[np.floating]:
    p = np.clip(state.scores(rows)[0], 1e-6, 1 - 1e-6)
    return -np.nansum(p * np.log(p) + (1 - p) * np.log(1 - p), axis=1)


def margin(state: Labelling, rows: Rows) -> NDArray[np.floating]:
    p, cuts = state.scores(rows)
    near = [closeness(p[:, j], float(cuts[j])) for j in range(p.shape[1])]
    return np.nan_to_num(np.column_stack(near)).max(axis=1)


def novelty(state: Labelling, rows: Rows) -> NDArray[np.floating]:
    return -nearest(state.data.vectors[rows], state.data.vectors[state.labelled])


CONTENDERS: dict[str, Contender] = {
    RANDOM: in_random_order,
    "queue, no audit": queue,
    "queue, audit 0.3": partial(queue, audit=0.3),
    "queue, no audit, no definitions": partial(queue, defined=False),
    "entropy of the post": partial(by_score, score=entropy),
    "nearest to a threshold": partial(by_score, score=margin),
    "farthest from labelled": partial(by_score, score=novelty),
}


def simulate(data: LabelledSet, contender: Contender, seed: int) -> NDArray[np.float64]:
    """Return the metrics after each size, shape (sizes, metrics)."""
    split = np.random.default_rng([seed, 1])
    names = split.permutation(np.unique(data.group))
    held_out = np.isin(data.group, names[: len(names) // 3])
    test, inside = np.flatnonzero(held_out), np.flatnonzero(~held_out)
    # of a near-duplicate group the queue asks one
    pool = inside[np.unique(data.first[inside], return_index=True)[1]]
    state = Labelling(data, pool, seed, np.random.default_rng([seed, 2]))
    figures = []
    for size in SIZES:
        new = contender(state, size - len(state.labelled))
        state.labelled = np.concatenate([state.labelled, new])
        if len(np.unique(state.labelled)) != size:
            sys.exit(f"{contender} labelled a post twice")
        state.heads = fit(data, state.labelled)
        figures.append(measure(data, state, test))
    return np.array(figures)


def fit(data: LabelledSet, rows: Rows) -> Heads:
    y, known = data.y[rows], np.ones((len(rows), data.y.shape[1]), dtype=np.bool_)
    group = data.group[rows]
    make_folds = partial(grouped_folds, n_folds=4)
    views = fit_views(
        data.features, rows, y, known, group, settings=SETTINGS, make_folds=make_folds, seed=0
    )
    heads, _ = fit_heads(views, y, known, group, settings=SETTINGS, structure=Structure((), ()))
    return heads


def measure(data: LabelledSet, state: Labelling, test: Rows) -> list[float]:
    """Return micro and macro F1 and mean AP; a label that was not learnt is said of no post."""
    assert state.heads is not None
    found, y = predict_heads(data.features, test, state.heads), data.y[test]
    counts = confusion(y, found.decision, np.ones(y.shape, dtype=np.bool_))
    p = np.nan_to_num(found.probability, nan=0.0)
    ap = [average_precision(y[:, j], p[:, j])[0] for j in range(y.shape[1])]
    return [float(micro_f1(counts)), float(macro_f1(counts)), float(np.nanmean(ap))]


def compare(name: str, options: argparse.Namespace) -> list[list[object]]:
    """Return a row for each contender, size and metric."""
    data = read_set(name, options.cache)
    print(
        f"\n{name}: {len(data.texts):,} posts, {len(data.label_ids)} labels on "
        f"{data.y.sum(axis=0).min()} to {data.y.sum(axis=0).max()} posts, "
        f"{len(np.unique(data.theme[data.theme >= 0]))} themes, {options.seeds} seeds",
        flush=True,
    )
    print(f"{'':42}" + "".join(f"{f'{size} labels':>24}" for size in SIZES))
    rows: list[list[object]] = []
    by_contender = {}
    for contender, order in CONTENDERS.items():
        with threadpool_limits(1):
            runs = np.array([simulate(data, order, s) for s in range(options.seeds)])
        by_contender[contender] = runs
        for m, metric in enumerate(METRICS):
            gain = runs[:, :, m] - by_contender[RANDOM][:, :, m]
            low, high = interval(gain)
            cells = []
            for s, size in enumerate(SIZES):
                mean, more = runs[:, s, m].mean(), gain[:, s].mean()
                figures = [round(float(x), 4) for x in (mean, more, low[s], high[s])]
                rows.append([name, contender, size, metric, *figures])
                shown = f"{mean:.3f}"
                if contender != RANDOM:
                    shown = f"{more:+.3f} [{low[s]:+.3f},{high[s]:+.3f}]"
                cells.append(f"{shown:>24}")
            print(f"{contender if not m else '':33}{metric:9}" + "".join(cells), flush=True)
    return rows


def interval(gain: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = len(gain)
    half = student.ppf(0.975, n - 1) * gain.std(axis=0, ddof=1) / np.sqrt(n)
    return gain.mean(axis=0) - half, gain.mean(axis=0) + half


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(DEFINITIONS), default=list(DEFINITIONS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "queue.csv")
    options = parser.parse_args()
    absent = [name for name in options.sets if not (DATA / name / "data.jsonl.gz").exists()]
    if absent:
        sys.exit(
            f"skipped: {', '.join(absent)} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets"
        )
    print("random order: the figure itself; others: the gain over it, with its 95 % interval")
    rows = [row for name in options.sets for row in compare(name, options)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "order", "labels", "metric", "mean", "gain", "low", "high"])
        writer.writerows(rows)
    print(f"\n{options.output}")


if __name__ == "__main__":
    main()
