"""Do the intervals of `narraframe prevalence` hold? Audits drawn again and again, truth known.

A classifier is trained on 500 posts of a labelled set; the others are the population, whose true
shares are known. An audit of 50, 100 or 200 of its posts is drawn many times over, and each way to
estimate the share of a label is asked whether its 95 % interval holds the truth, and how wide it
is. Schemes:

simple      every post has the same chance
stratified  as `narraframe queue` draws: channels (k-means clusters) and six months
uneven      some strata drawn three times as densely as others
copies      one post in twenty is there 2 to 40 times over: half of the population are copies
change      two periods with copies in both; what is estimated is how much a share changed
own         the classifier is trained on nothing but the audit itself, and scores all posts

"by design" is what `narraframe prevalence` prints. Beside it: the same with the normal interval of
the papers; with residuals added up by copies (cluster-robust) or groups of copies drawn anew
(bootstrap); and, where the classifier saw the audit, with its in-sample probabilities. The rules
were chosen on these sets with other draws, so expect a little less on yours.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from classify_sets import DATA, HERE
from numpy.typing import NDArray
from prevalence_contenders import CHANGES, CONTENDERS, GROUPED, OWN, Audit
from prevalence_sets import SETS, Population, own_audits, read_population

from narraframe.annotations.audit import draw_audit
from narraframe.annotations.audit_strata import strata_of
from narraframe.metrics.prevalence_sampling import weigh

SIZES = (50, 100, 200)
Rows = NDArray[np.intp]
Draw = Callable[[Population, int, np.random.Generator], tuple[Rows, NDArray[np.bool_]]]
COLUMNS = ("set", "scheme", "audit", "label", "truth", "estimate", "coverage", "width", "bias")


def simple(q: Population, n: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
    drawn = np.zeros(len(q.y), dtype=np.bool_)
    drawn[rng.choice(len(q.y), n, replace=False)] = True
    return np.zeros(len(q.y), dtype=np.intp), drawn


def stratified(q: Population, n: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
    ids = [str(i) for i in range(len(q.y))]
    channels, months = [str(c) for c in q.channel], [f"2024-{m + 1:02}" for m in q.month]
    sample = draw_audit(ids, channels, months, n=n, seed=int(rng.integers(2**31)))
    cells = list(zip(channels, months, strict=True))
    drawn = np.zeros(len(q.y), dtype=np.bool_)
    drawn[[int(i) for i in sample.post_ids]] = True
    return strata_of(cells, sample.limits), drawn


def uneven(q: Population, n: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
    stratum = q.channel * 6 + q.month
    size = np.bincount(stratum)
    rate = np.where(np.arange(len(size)) % 2, 3.0, 1.0)
    wanted = n * size * rate / (size * rate).sum()
    drawn = np.zeros(len(q.y), dtype=np.bool_)
    for h in np.flatnonzero(size):
        seats = min(int(wanted[h]) + int(rng.random() < wanted[h] % 1), size[h])
        drawn[rng.choice(np.flatnonzero(stratum == h), seats, replace=False)] = True
    return stratum, drawn


def repeat(q: Population, draw: Draw, n: int, repetitions: int, seed: int) -> Iterator[Audit]:
    rng = np.random.default_rng([seed, n])
    for _ in range(repetitions):
        stratum, drawn = draw(q, n, rng)
        yield Audit(q, weigh(stratum, drawn), rng)


def tally(audits: Iterator[Audit], truth: NDArray[np.float64], contenders) -> Iterator[list]:
    """Yield label, truth, contender, coverage, width and bias."""
    found = defaultdict(list)
    for audit in audits:
        for name, contender in contenders.items():
            for j in range(len(truth)):
                found[name, j].append(contender(audit, j))
    for (name, j), ends in found.items():
        value, low, high = np.array(ends).T
        held = float(np.mean((low <= truth[j]) & (truth[j] <= high)))
        yield [j, truth[j], name, held, float((high - low).mean()), float(value.mean() - truth[j])]


def measure(name: str, options: argparse.Namespace) -> Iterator[list[object]]:
    q = read_population(name, options.cache)
    r, seed = options.repetitions, options.seed
    plan = [("simple", q, simple), ("stratified", q, stratified), ("uneven", q, uneven)]
    plan.append(("copies", q.with_copies(np.random.default_rng(0)), simple))
    for scheme, population, draw in plan:
        methods = CONTENDERS | (GROUPED if scheme == "copies" else {})
        for n in SIZES:
            truth = population.y.mean(axis=0)
            yield from _named(
                name, scheme, n, q, tally(repeat(population, draw, n, r, seed), truth, methods)
            )
    copied = plan[-1][1]
    period = copied.periods(np.random.default_rng(1))
    truth = copied.y[period].mean(axis=0) - copied.y[~period].mean(axis=0)
    for n in SIZES:
        audits = repeat(copied.in_periods(period), _by_period, n, r, seed)
        yield from _named(name, "change", n, q, tally(audits, truth, CHANGES))
    if options.own:
        yield from _named(name, "own", 200, q, tally(own(name, options), q.whole, OWN))


def own(name: str, options: argparse.Namespace) -> Iterator[Audit]:
    drawn = own_audits(name, options.cache, n=200, seed=options.seed)
    for audit in islice(drawn, options.own):
        rows = np.zeros(len(audit.q.y), dtype=np.bool_)
        rows[audit.rows] = True
        # a label that was not trained has the same figure everywhere: the audit speaks alone
        honest = np.nan_to_num(audit.q.p, nan=0.0)
        q = replace(audit.q, p=honest)
        yield Audit(
            q, weigh(q.month, rows), np.random.default_rng(0), np.nan_to_num(audit.in_sample)
        )


def _by_period(q: Population, n: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
    _, drawn = simple(q, n, rng)
    return q.month, drawn


def _named(name: str, scheme: str, n: int, q: Population, rows) -> Iterator[list[object]]:
    for j, truth, *rest in rows:
        yield [name, scheme, n, q.label_ids[j], truth, *rest]


def show(rows: list[list[object]]) -> None:
    """Print the mean and the worst coverage over labels, and the mean width."""
    groups = defaultdict(list)
    for row in rows:
        groups[row[0], row[1], row[2], row[5]].append((row[6], row[7], row[8]))
    before = None
    for (name, scheme, n, contender), found in groups.items():
        if before != (before := (name, scheme, n)):
            print(f"\n{name}, {scheme}, {n} audit posts: coverage mean (least to most), width")
        held, width, bias = np.array(found).T
        print(
            f"  {contender:34} {held.mean():.3f} ({held.min():.3f} to {held.max():.3f})"
            f"  {width.mean():.3f}  bias {np.abs(bias).mean():.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--repetitions", type=int, default=500)
    parser.add_argument("--own", type=int, default=500, help="repetitions that train; 0: none")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings, scores")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "prevalence.csv")
    options = parser.parse_args()
    if absent := [name for name in options.sets if not (DATA / name / "data.jsonl.gz").exists()]:
        sys.exit(
            f"skipped: {', '.join(absent)} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets"
        )
    rows = []
    for name in options.sets:
        rows += list(measure(name, options))
        print(f"{name}: done", file=sys.stderr, flush=True)
    show(rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row])
    print(f"\n{options.output}")


if __name__ == "__main__":
    main()
