"""Narraframe's classifier beside SetFit with few labels, and by itself with all of them.

- few: 8, 16 and 64 posts a label, three draws; both sides embed within their time; with
  `--contenders tuned`, ours with the encoder tuned as well, which takes minutes,
- all: every label of every set, five grouped folds, thresholds from the training folds,
- time: the climate set learned on the past, tested on its last two years, beside a random split,
- speed: 3,000 posts by 20 labels, embeddings given, beside logistic regression with the
  out-of-fold scores that thresholds need.

Everything runs on one thread, and times are CPU seconds. Rows are appended as they come; what is in
the output is not run again, so that a run of hours can be broken off. SetFit tunes on pairs of
posts, whose number grows with the square: above 10,000 it is given 20 + 20 pairs a post, its
default before version 1.0.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import classify_table as table
import numpy as np
from classify_ours import SPEED_SET, TUNED, TUNED_VIEWS, VIEWS, Answer, ours, speed
from classify_sets import DATA, FEW_SETS, HERE, SETS, LabelledSet, Rows, draw, read_set, split
from numpy.typing import NDArray

from narraframe.annotations.splits import Split, time_split
from narraframe.classifiers.settings import HeadSettings
from narraframe.metrics.multilabel import (
    average_precision,
    calibration_error,
    confusion,
    macro_f1,
    micro_f1,
)

SIZES = (8, 16, 64)
CONTENDERS = ("narraframe", "tuned", "setfit")
MOST_PAIRS = 10_000
PAIRS_A_POST = 20
LAST_YEARS = 2
DATED = "ccf_climate_frames"
NOT_TOLD = {table.OURS: VIEWS, table.TUNED_OURS: TUNED_VIEWS}
OURS = {table.NAMED: HeadSettings(), table.TUNED: TUNED} | NOT_TOLD


@dataclass
class Bench:
    """The run: its options, and the rows that are there already."""

    options: argparse.Namespace
    rows: list[table.Row]

    def done(self, *key: object) -> bool:
        return any(row.key == tuple(map(str, key)) for row in self.rows)

    def add(self, row: table.Row) -> None:
        self.rows.append(row)
        table.write([row], self.options.output, more=True)
        print(table.line(row), flush=True)


def few(bench: Bench) -> None:
    """Draw few labels, train on them, test on a fifth of the set that shares no group."""
    options = bench.options
    for n in options.sizes:
        for name in [name for name in FEW_SETS if name in options.sets]:
            data = read_set(name, FEW_SETS[name])
            for seed in range(options.seeds):
                fold = split(data, seed)
                train = draw(data, np.flatnonzero(fold != 0), n, seed)
                halves = Split(train, np.flatnonzero(fold == 0))
                key = ("few", name, n, seed)
                for title, settings in asked(bench, OURS):
                    if not bench.done(*key, title):
                        answer = ours(data, halves, cache=None, seed=seed, settings=settings)
                        bench.add(measured((*key, title), data, halves, answer))
                if "setfit" in options.contenders and not bench.done(*key, "setfit balanced"):
                    for head, answer in setfit(bench, data, halves, n, seed):
                        bench.add(measured((*key, f"setfit {head}"), data, halves, answer))


def asked(
    bench: Bench, contenders: Mapping[str, HeadSettings]
) -> Iterator[tuple[str, HeadSettings]]:
    """Yield those of ours that the options ask for."""
    for title, settings in contenders.items():
        named = "tuned" if "tuned" in settings.features else "narraframe"
        if named in bench.options.contenders:
            yield title, settings


def setfit(
    bench: Bench, data: LabelledSet, halves: Split, n: int, seed: int
) -> Iterator[tuple[str, Answer]]:
    """Run SetFit in its own environment; yield its answer by each head."""
    from narraframe.embeddings.weights import find_encoder

    folder = bench.options.cache / "setfit"
    folder.mkdir(parents=True, exist_ok=True)
    given, output = (folder / f"{data.name}.{n}.{seed}.{kind}" for kind in ("json", "npz"))
    train, test = data.at(halves.train), data.at(halves.test)
    texts = {"train": train.texts, "test": test.texts, "y": train.y.tolist()}
    given.write_text(json.dumps(texts), encoding="utf-8")
    n_train = len(train.texts)
    all_pairs = n_train * (n_train + 1) // 2 <= MOST_PAIRS or bench.options.all_pairs
    job = {
        "data": str(given),
        "output": str(output),
        "folder": str(folder),
        "weights": str(find_encoder("all-MiniLM-L6-v2").path),
        "seed": seed,
        "iterations": None if all_pairs else PAIRS_A_POST,
        "bf16": bench.options.bf16,
    }
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    python = bench.options.setfit / "bin" / "python"
    done = subprocess.run(
        [str(python), str(HERE / "classify_setfit.py"), json.dumps(job)],
        capture_output=True,
        text=True,
        env=os.environ | quiet,
    )
    if done.returncode:
        sys.exit(f"SetFit on {data.name}, {n} a label, failed:\n{done.stderr[-3000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    found = np.load(output)
    for head in ("default", "balanced"):
        yield (
            head,
            Answer(
                probability=found[f"{head}_p"],
                decision=found[f"{head}_yes"],
                train_s=figures[f"{head}_train_s"],
                score_s=figures[f"{head}_score_s"],
                note=("all pairs" if all_pairs else f"{PAIRS_A_POST} + {PAIRS_A_POST} pairs a post")
                + (", bf16" if bench.options.bf16 else ""),
            ),
        )


def whole(bench: Bench) -> None:
    """Score every post of a set by a classifier of the other four fifths."""
    for name in [name for name in SETS if name in bench.options.sets]:
        for title, settings in asked(bench, NOT_TOLD):
            key = ("all", name, "all", 0, title)
            if bench.done(*key):
                continue
            data = read_set(name, SETS[name])
            everything = np.arange(len(data.texts))
            answer = over_folds(data, split(data, 0), bench.options.cache, settings)
            bench.add(measured(key, data, Split(everything, everything), answer))


def over_folds(data: LabelledSet, fold: Rows, cache: Path, settings: HeadSettings) -> Answer:
    answer = Answer.empty(data.y.shape)
    for one in np.unique(fold):
        halves = Split(np.flatnonzero(fold != one), np.flatnonzero(fold == one))
        part = ours(data, halves, cache=cache, seed=0, settings=settings)
        answer.probability[halves.test] = part.probability
        answer.decision[halves.test] = part.decision
        answer.train_s += part.train_s
        answer.score_s += part.score_s
    return answer


def over_time(bench: Bench) -> None:
    """Learn on the past, test on the last years; then as many posts split blind to time."""
    keys = [("time", DATED, "all", 0, how) for how in ("past to last years", "random")]
    if DATED not in bench.options.sets or all(bench.done(*key) for key in keys):
        return
    data = read_set(DATED, SETS[DATED])
    times = np.array([date or "NaT" for date in data.dates], dtype="datetime64[us]")
    last = np.nanmax(times).astype("datetime64[M]")
    since = (last - np.timedelta64(12 * LAST_YEARS - 1, "M")).astype("datetime64[us]")
    past = time_split(times, data.group, since=since)
    dated = np.concatenate([past.train, past.test])
    for key, halves in zip(keys, (past, blind(data, dated, past)), strict=True):
        if not bench.done(*key):
            answer = ours(data, halves, cache=bench.options.cache, seed=0)
            bench.add(measured(key, data, halves, answer))


def blind(data: LabelledSet, rows: Rows, like: Split) -> Split:
    """Split `rows` by group at random into sides of about the sizes of `like`."""
    groups = np.unique(data.group[rows])
    order = np.random.default_rng(0).permutation(groups)
    sizes = np.array([int((data.group[rows] == group).sum()) for group in order])
    n_test = int(np.searchsorted(np.cumsum(sizes), len(like.test)) + 1)
    tests = np.isin(data.group[rows], order[:n_test])
    return Split(rows[~tests], rows[tests])


def training_time(bench: Bench) -> None:
    key = ("speed", SPEED_SET, "all", 0)
    if SPEED_SET in bench.options.sets:
        for contender, seconds in speed(bench.options.cache, done=partial(bench.done, *key)):
            bench.add(table.Row(*map(str, key), contender, train_s=seconds))


def measured(
    key: tuple[object, ...], data: LabelledSet, halves: Split, answer: Answer
) -> table.Row:
    """Return the figures of the test posts; a label without score is decided of none."""
    y = data.y[halves.test]
    p: NDArray[np.float32] = np.nan_to_num(answer.probability, nan=0.0)
    counts = confusion(y, answer.decision, np.ones(y.shape, dtype=np.bool_))
    labels = range(y.shape[1])
    return table.Row(
        *map(str, key),
        n_train=len(halves.train),
        n_test=len(halves.test),
        macro=float(macro_f1(counts)),
        micro=float(micro_f1(counts)),
        ap=float(np.nanmean([average_precision(y[:, j], p[:, j])[0] for j in labels])),
        calibration=float(np.mean([calibration_error(y[:, j], p[:, j]) for j in labels])),
        train_s=answer.train_s,
        score_s=answer.score_s,
        note=answer.note,
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "all": whole,
    "time": over_time,
    "speed": training_time,
    "few": few,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=["narraframe", "setfit"]
    )
    parser.add_argument("--again", nargs="+", default=[], help="contenders to measure anew")
    parser.add_argument("--all-pairs", action="store_true", help="SetFit on all pairs: hours")
    parser.add_argument("--bf16", action="store_true", help="SetFit's body in bfloat16")
    parser.add_argument("--setfit", type=Path, default=HERE.parents[1] / ".venv-setfit")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "classify.csv")
    options = parser.parse_args()
    absent = [name for name in options.sets if not (DATA / name / "data.jsonl.gz").exists()]
    if absent:
        sys.exit(
            f"{', '.join(absent)} not in {DATA}; set NARRAFRAME_DATA to the folder of data sets"
        )
    kept = [row for row in table.read(options.output) if row.contender not in options.again]
    if options.again:
        table.write(kept, options.output)
    bench = Bench(options, kept)
    start = time.perf_counter()
    for part in options.parts:
        PARTS[part](bench)
    print(table.show(bench.rows))
    print(f"\n{time.perf_counter() - start:,.0f} s; {options.output}")


if __name__ == "__main__":
    main()
