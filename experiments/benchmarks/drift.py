"""Which test finds foreign posts among the usual? `narraframe drift` beside the standard tests.

English tweets of `ira_tweets`: some at random stand for the training posts, as many others for new
ones, of which a share is taken from another set (`agnews_8k`, English; `telegram_ru_news`, Russian,
which the encoder was not made for). Each test sees the same vectors. Without foreign posts, what it
finds are false alarms.

energy       Szekely and Rizzo: the test *embedding*
far, count   how many new posts lie beyond 99 of 100 training posts (beta-binomial): *far*, before
far, ranks   ranks of the distances to the nearest training post: *far*
mmd          Gretton et al. 2012: Gaussian kernel of the median width, permutations
classifier   Lopez-Paz and Oquab 2017: out-of-fold AUC of a logistic regression, DeLong's interval
run, before  energy and far, count, with Holm over four tests of which the others find nothing
run          energy and far, ranks, likewise: what `narraframe drift` tells of vectors
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from classify_sets import DATA, HERE, embed
from numpy.typing import NDArray
from scipy.stats import betabinom, norm, rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from narraframe.metrics.energy import energy_test
from narraframe.metrics.farness import far_test
from narraframe.metrics.wilson import holm
from narraframe.posts.duplicates import near_duplicates

Vectors = NDArray[np.float32]
USUAL, FOREIGN = "ira_tweets", ("agnews_8k", "telegram_ru_news")
COUNTS = {USUAL: 6_000, "agnews_8k": 1_500, "telegram_ru_news": 800}
SHARES = (0.05, 0.1, 0.2, 0.3)
LEVELS = (0.05, 0.01)
PERMUTATIONS = 999
COLUMNS = ("training", "new", "foreign", "share", "runs", "test", "found_05", "found_01", "cpu_s")


def read(name: str, cache: Path) -> Vectors:
    """Return vectors of posts at random, one of each group of near-copies."""
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [r for r in rows if len(r["text"]) > 20 and (name != USUAL or r["lang"] == "en")]
    order = np.random.default_rng(0).permutation(len(rows))[: 2 * COUNTS[name]]
    rows = [rows[i] for i in order]
    first = near_duplicates([r["id"] for r in rows], [r["text"] for r in rows])
    kept = [r["text"][:1000] for r, of in zip(rows, first, strict=True) if of is None]
    return embed(tuple(kept[: COUNTS[name]]), cache)


def far_count(x: Vectors, y: Vectors) -> float:
    alike = x @ x.T
    np.fill_diagonal(alike, -np.inf)
    m, r = len(x), math.ceil(0.01 * len(x))
    distance = np.sort(1 - alike.max(axis=1))[-r]
    count = int((1 - (y @ x.T).max(axis=1) > distance).sum())
    return float(betabinom.sf(count - 1, len(y), r, m - r + 1))


def mmd(x: Vectors, y: Vectors, *, seed: int) -> float:
    rows, m = np.concatenate([x, y]), len(x)
    square = np.maximum(2 - 2 * rows @ rows.T, 0)
    kernel = np.exp(-square / np.median(square[np.triu_indices(len(rows), 1)]))
    np.fill_diagonal(kernel, 0)
    side = np.zeros((len(rows), 1), dtype=np.float32)
    side[:m] = 1

    def unbiased(side: NDArray[np.float32]) -> NDArray[np.float64]:
        within = (side * (kernel @ side)).sum(axis=0)
        between = side.T @ kernel.sum(axis=1) - within
        other = kernel.sum() - within - 2 * between
        n = len(y)
        return within / (m * (m - 1)) + other / (n * (n - 1)) - 2 * between / (m * n)

    dealt = np.random.default_rng(seed).permuted(np.repeat(side, PERMUTATIONS, axis=1), axis=0)
    reached = int((unbiased(dealt) >= unbiased(side)[0] - 1e-9).sum())
    return (reached + 1) / (PERMUTATIONS + 1)


def classifier(x: Vectors, y: Vectors, *, seed: int) -> float:
    rows, new = np.concatenate([x, y]), np.r_[np.zeros(len(x)), np.ones(len(y))].astype(int)
    score = np.empty(len(rows))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(rows, new):
        model = LogisticRegression(class_weight="balanced", max_iter=200)
        model.fit(rows[train], new[train])
        score[test] = rankdata(model.decision_function(rows[test])) / len(test)
    m, n = len(y), len(x)
    rank = rankdata(np.concatenate([score[new == 1], score[new == 0]]))
    above = (rank[:m] - rankdata(score[new == 1])) / n
    below = 1 - (rank[m:] - rankdata(score[new == 0])) / m
    sd = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    return float(norm.sf((above.mean() - 0.5) / sd))


def tests(seed: int) -> dict[str, Callable[[Vectors, Vectors], float]]:
    return {
        "energy": lambda x, y: energy_test(x, y, n_permutations=PERMUTATIONS, seed=seed).p,
        "far, count": far_count,
        "far, ranks": lambda x, y: far_test(x, y, n_permutations=PERMUTATIONS, seed=seed).p,
        "mmd": lambda x, y: mmd(x, y, seed=seed),
        "classifier": lambda x, y: classifier(x, y, seed=seed),
    }


def ask(x: Vectors, y: Vectors, *, seed: int) -> Iterator[tuple[str, float, float]]:
    """Yield test, p and CPU seconds."""
    p = {}
    for name, test in tests(seed).items():
        start = time.process_time()
        p[name] = test(x, y)
        yield name, p[name], time.process_time() - start
    for run, far in (("run, before", "far, count"), ("run", "far, ranks")):
        yield run, float(holm([p["energy"], p[far], 1.0, 1.0]).min()), math.nan


def measure(
    usual: Vectors, foreign: Vectors, *, share: float, size: int, runs: int
) -> Iterator[list[object]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(runs):
        rng = np.random.default_rng([seed, size])
        order, k = rng.permutation(len(usual)), round(share * size)
        x, y = usual[order[:size]], usual[order[size : 2 * size - k]]
        y = np.concatenate([y, foreign[rng.permutation(len(foreign))[:k]]])
        for name, p, seconds in ask(x, y, seed=seed):
            found.setdefault(name, []).append((p, seconds))
    for name, seen in found.items():
        p, seconds = np.array(seen).T
        yield [name, *(float((p <= level).mean()) for level in LEVELS), float(seconds.mean())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200])
    parser.add_argument("--runs", type=int, default=60, help="with foreign posts")
    parser.add_argument("--alarms", type=int, default=300, help="runs without foreign posts")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "drift.csv")
    options = parser.parse_args()
    names = (USUAL, *FOREIGN)
    if absent := [name for name in names if not (DATA / name / "data.jsonl.gz").exists()]:
        sys.exit(
            f"skipped: {', '.join(absent)} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets"
        )
    vectors = {name: read(name, options.cache) for name in names}
    cases = [("none", 0.0, options.alarms)]
    cases += [(name, share, options.runs) for name in FOREIGN for share in SHARES]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for size in options.sizes:
            for name, share, runs in cases:
                foreign = vectors.get(name, vectors[USUAL][:0])
                found = measure(vectors[USUAL], foreign, share=share, size=size, runs=runs)
                for test, *figures in found:
                    cells = ["" if math.isnan(x) else f"{x:.3f}" for x in figures]
                    writer.writerow([size, size, name, share, runs, test, *cells])
                    print(size, name, share, f"{test:12}", *cells, flush=True)
    print(options.output)


if __name__ == "__main__":
    main()
