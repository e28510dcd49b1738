"""Scoring end to end: time beyond the encoder, peak memory at ten times the posts, and kills.

Reads `ira_tweets` from NARRAFRAME_DATA (default: ../shared/data). A model is trained on the first
tweets of it, and scores the ones behind, each size in a process of its own with an empty cache of
vectors; the encoder then takes the same texts alone, in the same process. Then a run is killed
(SIGKILL) at random moments and goes on, until the output is there, over and over; every output is
compared with that of a run that nobody stopped.

    python experiments/benchmarks/score.py [--sizes 10000 100000] [--kills 20] [--killed 10000]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
TWEETS = DATA / "ira_tweets" / "data.jsonl.gz"
RESULTS = Path(__file__).parent / "results/score.csv"
TRAINED_ON = 1_500
MODEL = "models:/tweets@challenger"


def lay_out(place: Path, sizes: list[int]) -> None:
    """Train a model, and write one input a size."""
    from narraframe.config import Config, Workspace
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.train import train_labelled
    from narraframe.workflows.watch import Silent

    with gzip.open(TWEETS, "rt", encoding="utf-8") as tweets:
        learnt = place / "train.jsonl"
        learnt.write_text("".join(itertools.islice(tweets, TRAINED_ON)), encoding="utf-8")
        rest = list(itertools.islice(tweets, max(sizes)))
    for n in sizes:
        (place / f"new-{n}.jsonl").write_text("".join(rest[:n]), encoding="utf-8")
    train_labelled(
        [str(learnt)],
        name="tweets",
        options=ReadOptions(),
        workspace=Workspace(place, Config(), is_set_up=True),
        watch=Silent(),
    )


def score_once(place: Path, n: int, output: Path, *, alone: bool) -> None:
    """Score `n` posts; print what it took as JSON, and what the encoder takes for them `alone`."""
    from narraframe.config import Config, Workspace
    from narraframe.embeddings.sentence import SentenceEncoder
    from narraframe.io.registry import find_model
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.score import score_by
    from narraframe.workflows.scorer import open_registered
    from narraframe.workflows.watch import Silent

    encoded: list[list[str]] = []
    real = SentenceEncoder.encode_with

    def noted(self, texts, chunks, **more):
        encoded.append(list(texts))
        return real(self, texts, chunks, **more)

    SentenceEncoder.encode_with = noted
    workspace = Workspace(place, Config(), is_set_up=True)
    found = find_model(workspace.store, MODEL)
    scorer = open_registered(found, workspace=workspace, watch=Silent())
    summary = score_by(
        (found, scorer),
        [str(place / f"new-{n}.jsonl")],
        output=str(output),
        stdout=sys.stdout,
        options=ReadOptions(),
        workspace=workspace,
        force=False,
        watch=Silent(),
    )
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    SentenceEncoder.encode_with = real
    began = time.perf_counter()
    for texts in encoded if alone else ():
        scorer.encoder.encode(texts)
    report = {
        "seconds": summary.seconds,
        "alone": time.perf_counter() - began,
        "encoded": sum(map(len, encoded)),
        "peak_mb": int(peak.split()[1]) / 1024,
        "posts": summary.tally.n_posts,
        "resumed": summary.n_resumed,
    }
    print(json.dumps(report))


def command(place: Path, n: int, output: Path, *more: str) -> list[str]:
    return [sys.executable, __file__, "--one", str(place), str(n), str(output), *more]


def measure(place: Path, n: int) -> dict[str, float]:
    shutil.rmtree(place / "data" / "cache", ignore_errors=True)
    output = place / f"out-{n}.parquet"
    line = command(place, n, output, "--alone")
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def kill_and_go_on(place: Path, n: int, n_kills: int, *, seed: int) -> dict[str, int]:
    """Kill at random moments, the cache of vectors cleared before each output."""
    rng = random.Random(seed)
    whole = place / f"out-{n}.parquet"
    began = time.monotonic()
    measure_again = place / "again.parquet"
    subprocess.run(command(place, n, measure_again), check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    kills = outputs = same = 0
    while kills < n_kills:
        shutil.rmtree(place / "data" / "cache", ignore_errors=True)
        output = place / f"killed-{outputs}.parquet"
        while not output.exists():
            process = subprocess.Popen(
                command(place, n, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                # not into the start alone, which takes as long as some windows
                process.wait(rng.uniform(0.3, 2.0) * seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
        same += output.read_bytes() == whole.read_bytes()
        outputs += 1
    return {"kills": kills, "outputs": outputs, "same": same}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--killed", type=int, help="posts of the runs that are killed")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        score_once(Path(asked.one[0]), int(asked.one[1]), Path(asked.one[2]), alone=asked.alone)
        return
    sizes = sorted(asked.sizes)
    killed = asked.killed or sizes[0]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lay_out(place, sorted({*sizes, killed}))
        rows, peaks = [], []
        for n in sorted({*sizes, killed}):
            found = measure(place, n)
            outside = 1 - found["alone"] / found["seconds"]
            peaks.append(found["peak_mb"])
            rows += [
                ("seconds", n, f"{found['seconds']:.1f}"),
                ("posts per second", n, f"{n / found['seconds']:.0f}"),
                ("texts encoded", n, str(found["encoded"])),
                ("seconds of the encoder alone", n, f"{found['alone']:.1f}"),
                ("share of time beyond the encoder", n, f"{outside:.3f}"),
                ("peak memory (MB)", n, f"{found['peak_mb']:.0f}"),
            ]
        if len(peaks) > 1:
            rows.append(
                ("peak memory, largest to smallest", sizes[-1], f"{peaks[-1] / peaks[0]:.3f}")
            )
        done = kill_and_go_on(place, killed, asked.kills, seed=0)
        rows += [
            ("kills", killed, str(done["kills"])),
            ("outputs after kills", killed, str(done["outputs"])),
            ("of them equal byte for byte", killed, str(done["same"])),
        ]
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    with asked.results.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["figure", "posts", "value"])
        table.writerows(rows)
    for figure, n, value in rows:
        print(f"{figure:40} {n:>9,} {value:>10}")


if __name__ == "__main__":
    main()
