"""How the cost of theme discovery grows from 2,000 to 200,000 posts, and what a million would take.

The vectors are invented: 400 subjects of unequal size in 384 dimensions, so wide that about every
tenth post lies between them, and texts of words by subject; embedding is not in it. Each size runs
in a process of its own, so that its peak memory is its own. Machines are noisy: read ratios and
exponents, not seconds.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time

SIZES = (2_000, 20_000, 60_000, 200_000)
PLANNED = 1_000_000
SUBJECTS, WIDTH, WORDS = 400, 384, 12
SPREAD = 1.1


def measure(n: int, engine: str) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    subject = rng.choice(SUBJECTS, n, p=rng.dirichlet(np.full(SUBJECTS, 1.0)))
    centres = rng.normal(size=(SUBJECTS, WIDTH)).astype(np.float32)
    vectors = np.empty((n, WIDTH), np.float32)
    for start in range(0, n, 20_000):
        rows = subject[start : start + 20_000]
        block = centres[rows] + SPREAD * rng.normal(size=(len(rows), WIDTH))
        vectors[start : start + 20_000] = block / np.linalg.norm(block, axis=1, keepdims=True)
    drawn = np.minimum(rng.zipf(1.4, size=(n, WORDS)), 50_000)
    texts = [
        " ".join(f"word{w}" for w in row) + f" subject{s}"
        for row, s in zip(drawn.tolist(), subject.tolist(), strict=True)
    ]
    ids = [str(i) for i in range(n)]
    from narraframe.themes.discover import discover
    from narraframe.themes.settings import ThemeSettings

    settings = ThemeSettings(engine=engine)
    start, cpu = time.perf_counter(), time.process_time()
    found = discover(ids, vectors, texts, ["en"] * n, ids, settings=settings)
    told = {
        "n": n,
        "s": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "themes": found.quality.n_themes,
        "stability": found.quality.stability,
    }
    print(json.dumps(told))


def growth(engine: str) -> None:
    print(f"themes, engine {engine}, with two reruns for the stability")
    print(f"{'posts':>10} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'themes':>7} {'exponent':>9}")
    rows: list[dict[str, float]] = []
    for n in SIZES:
        command = [sys.executable, __file__, engine, str(n)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout)
        slope = f"{exponent(rows[-1], row, 'cpu'):.2f}" if rows else "-"
        rows.append(row)
        print(
            f"{row['n']:10,} {row['s']:8.1f} {row['cpu']:7.1f} {row['mb']:8.0f} "
            f"{row['themes']:7,} {slope:>9}",
            flush=True,
        )
    last = rows[-1]
    factor = PLANNED / last["n"]
    hours = last["cpu"] * factor ** exponent(rows[-2], last, "cpu") / 3600
    gigabytes = last["mb"] * factor ** exponent(rows[-2], last, "mb") / 1024
    print(f"{PLANNED:10,} by these slopes: {hours:.1f} CPU hours, {gigabytes:.1f} GB")


def exponent(before: dict[str, float], after: dict[str, float], what: str) -> float:
    return math.log(after[what] / before[what]) / math.log(after["n"] / before["n"])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(int(sys.argv[2]), sys.argv[1])
    else:
        for name in ("hdbscan", "graph"):
            growth(name)
