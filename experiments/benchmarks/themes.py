"""Themes side by side: narraframe's two engines, BERTopic, EVoC and Toponymy's clusterer.

The same embeddings on the same machine, each run in a process of its own, contenders taking turns,
medians over rounds. Reads the sets from NARRAFRAME_DATA (default: ../shared/data); embeddings are
computed once and kept in a cache folder. The peers live in an environment of their own
(`make bench-themes` makes it from peers.txt). Machines are noisy: read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from themes_score import read_judge, score
from themes_table import CONTENDERS, OURS, Row, show, show_verdict, write_csv

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
RUN = HERE / "themes_run.py"

SETS = (
    "stackoverflow_titles",
    "newsgroups20",
    "googlenews_ts",
    "agnews_8k",
    "euvsdisinfo_claims",
)
# Its labels are the authors', not the posts': for time and memory only.
SCALE, SCALE_ROWS, FIRST_ROWS = "ira_tweets", 20_000, 6_000
SIZES = {"2k": 2_000, "20k": SCALE_ROWS}
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main() -> None:
    options = read_options()
    check(options)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for measure in options.measures:
            found = list(MEASURES[measure](bench))
            rows += found
            print(show(found), flush=True)
    print(show_verdict(rows))
    if options.output:
        write_csv(rows, options.output)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=3, help="runs a timing is the median of")
    parser.add_argument("--seeds", type=int, default=5, help="seeds for quality and stability")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers", help="environment")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="embeddings, NAME.npy")
    parser.add_argument("-o", "--output", type=Path, help="CSV; default: results/ for a whole run")
    options = parser.parse_args()
    whole = (len(options.sets), len(options.measures), len(options.contenders))
    if options.output is None and whole == (len(SETS), len(MEASURES), len(CONTENDERS)):
        options.output = HERE / "results" / "themes.csv"
    return options


def check(options: argparse.Namespace) -> None:
    needed = {*options.sets} if {"same", "quality"} & {*options.measures} else set()
    if {"cold", "warm", "revise"} & {*options.measures}:
        needed.add(SCALE)
    absent = sorted(name for name in needed if not (DATA / name / "data.jsonl.gz").exists())
    if absent:
        sys.exit(
            f"skipped: {', '.join(absent)} not in {DATA}; "
            "set NARRAFRAME_DATA to the folder of data sets, or name fewer --sets and --measures"
        )
    if {*options.contenders} - {*OURS} and not peers_python(options).exists():
        sys.exit(
            f"skipped: the peers' environment {options.peers} is not there; `make bench-themes` "
            "makes it (or: --contenders hdbscan graph, for narraframe alone)"
        )


def peers_python(options: argparse.Namespace) -> Path:
    return Path(options.peers) / "bin" / "python"


def read_set(name: str) -> list[dict[str, Any]]:
    limit = SCALE_ROWS + FIRST_ROWS if name == SCALE else None
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, limit)]


def embed(name: str, texts: list[str], cache: Path) -> Path:
    """Embed a set once, with the weights that narraframe's default encoder uses."""
    path = cache / f"{name}.npy"
    if path.exists() and len(np.load(path, mmap_mode="r")) >= len(texts):
        return path
    from sentence_transformers import SentenceTransformer

    from narraframe.embeddings.weights import find_encoder

    say(f"embedding {name}: {len(texts):,} posts, once; kept in {cache}")
    model = SentenceTransformer(str(find_encoder("all-MiniLM-L6-v2").path), device="cpu")
    model.max_seq_length = 128
    vectors = model.encode(texts, batch_size=64, normalize_embeddings=True)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(path.with_suffix(".part.npy"), vectors.astype(np.float32))
    return path.with_suffix(".part.npy").rename(path)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Bench:
    """What every measure needs; `sizes` are the posts of the sets whose inputs are written."""

    options: argparse.Namespace
    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)


def cold(bench: Bench) -> Iterator[Row]:
    """Whole process: start, imports, fit, labels, keywords; numba's caches already written."""
    figures = {"cold_{}_s": "wall", "cold_{}_cpu_s": "cpu", "memory_{}_mb": "mb"}
    for size, n in SIZES.items():
        job = inputs(bench, SCALE) | {"rows": [0, n]}
        # One round more: the first lets the packages write their caches.
        done = take_turns(bench, bench.options.rounds + 1, "once", job)
        for measure, key in figures.items():
            for contender, runs in done.items():
                values = [run[key] for run in runs[1:]]
                yield Row.median(measure.format(size), SCALE, contender, values)


def warm(bench: Bench) -> Iterator[Row]:
    """Second fit in one process, on other posts than the first."""
    first_rows = [SCALE_ROWS, SCALE_ROWS + FIRST_ROWS]
    job = inputs(bench, SCALE) | {"rows": [0, SCALE_ROWS], "first_rows": first_rows}
    for contender, runs in take_turns(bench, bench.options.rounds, "warm", job).items():
        yield Row.median("warm_20k_s", SCALE, contender, [run["s"] for run in runs])
        yield Row.median("warm_20k_cpu_s", SCALE, contender, [run["cpu"] for run in runs])
        if runs[0]["labels_s"] is not None:
            values = [run["labels_s"] for run in runs]
            yield Row.median("warm_20k_labels_only_s", SCALE, contender, values)
        for stage in runs[0]["stages"]:
            values = [run["stages"][stage] for run in runs]
            yield Row.median("warm_20k_stages_s", f"{SCALE}: {stage}", contender, values)


def same(bench: Bench) -> Iterator[Row]:
    """One seed on one thread and on two: 1 for the same bytes; peers on the first set."""
    from sklearn.metrics import adjusted_rand_score

    for name in bench.options.sets:
        for contender in bench.options.contenders:
            if contender not in OURS and name != bench.options.sets[0]:
                continue
            jobs = [inputs(bench, name) | {"threads": n} for n in (1, 2)]
            one, two = (run(bench, "same", contender, job)["sha256"] for job in jobs)
            yield Row("same_bytes", name, contender, float(one == two))
            labels = [np.load(bench.folder / f"same.{contender}.{n}.npy") for n in (1, 2)]
            agreement = float(adjusted_rand_score(*labels))
            yield Row("same_seed_agreement", name, contender, agreement)


def revise(bench: Bench) -> Iterator[Row]:
    """Keywords per theme and month, two themes merged, a twentieth of the posts relabelled."""
    job = inputs(bench, SCALE) | {"rows": [0, SCALE_ROWS]}
    for contender in bench.options.contenders:
        if contender in ("bertopic", *OURS):
            done = run(bench, "revise", contender, job)
            for work in ("over_time", "merge", "relabel"):
                yield Row(f"{work}_s", SCALE, contender, done[work])


def quality(bench: Bench) -> Iterator[Row]:
    """Agreement with the labels, outliers, coherence and stability over seeds."""
    seeds = list(range(bench.options.seeds))
    job = {"sets": [inputs(bench, name) for name in bench.options.sets], "seeds": seeds}
    for contender in bench.options.contenders:
        run(bench, "quality", contender, job)
    for name in bench.options.sets:
        judge = read_judge(name, read_set(name))
        for contender in bench.options.contenders:
            yield from score(bench.folder, contender, seeds, judge)


def take_turns(
    bench: Bench, rounds: int, measure: str, job: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Run all contenders but Toponymy's, which is no pipeline, round by round."""
    names = [contender for contender in bench.options.contenders if contender != "toponymy"]
    done: dict[str, list[dict[str, Any]]] = {contender: [] for contender in names}
    for _ in range(rounds):
        for contender in names:
            done[contender].append(run(bench, measure, contender, job))
    return done


def run(bench: Bench, measure: str, contender: str, job: dict[str, Any]) -> dict[str, Any]:
    """Run one job in a process of its own and return its figures and wall time."""
    job = job | {"measure": measure, "contender": contender, "folder": str(bench.folder)}
    python = sys.executable if contender in OURS else str(peers_python(bench.options))
    threads = {v: str(job["threads"]) for v in THREADS} if "threads" in job else {}
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    start = time.perf_counter()
    done = subprocess.run(
        [python, str(RUN), json.dumps(job)],
        capture_output=True,
        text=True,
        env=os.environ | quiet | threads,
    )
    wall = time.perf_counter() - start
    on = f"{job['set']} {job['rows'][1]:,}" if "set" in job else "all sets"
    if done.returncode:
        sys.exit(f"{measure} of {contender} on {on} failed:\n{done.stderr[-3000:]}")
    say(f"{measure} {contender} {on}: {wall:.1f} s")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"wall": wall}


def inputs(bench: Bench, name: str) -> dict[str, Any]:
    """Write the columns that a run reads, once, and find or make the embeddings."""
    path, vectors = bench.folder / f"{name}.json", bench.options.cache / f"{name}.npy"
    if name not in bench.sizes:
        posts = read_set(name)
        columns: dict[str, list[Any]] = {
            "id": [post["id"] for post in posts],
            "text": [post["text"] for post in posts],
            "lang": [post["lang"] for post in posts],
            "month": [post.get("date", "")[:7] for post in posts],
        }
        embed(name, columns["text"], bench.options.cache)
        path.write_text(json.dumps(columns), encoding="utf-8")
        bench.sizes[name] = len(posts)
    rows = [0, bench.sizes[name]]
    return {"set": name, "posts": str(path), "vectors": str(vectors), "rows": rows}


MEASURES = {f.__name__: f for f in (cold, warm, same, revise, quality)}

if __name__ == "__main__":
    main()
