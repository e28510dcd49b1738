"""What Ray costs beside one process, and what a second machine brings.

The same posts (English tweets of ira_tweets) with the same model, each way in a process of its own
from start to end, without a cache of vectors:

- one process: `narraframe score`;
- Ray, 1 machine: the engine with one actor a core, or as many as named;
- Ray, 2 machines: two raylets of one core each on this machine, on addresses of its own. They share
  its memory and its disk, so this shows what the second costs, not what a network would.

"over one process" is the wall time divided by that of one process with the same cores; the fixed
part (starting Ray, the model in every actor) is told by the same run on few posts. A row says
whether the scores are those of one process, and by how much the furthest probability is off.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
DATA = Path(os.environ.get("NARRAFRAME_DATA", HERE.parents[2] / "shared" / "data"))
MODEL = "models:/tweets@champion"
WAYS = {
    "one process": (),
    "Ray, 1 machine, 1 actor": ("--machines", "1", "--actors", "1"),
    "Ray, 1 machine, 2 actors": ("--machines", "1", "--actors", "2"),
    "Ray, 2 machines, 2 actors": ("--machines", "2", "--actors", "2"),
}
FIELDS = ["way", "cores", "posts", "seconds", "posts_per_second", "over_one_process", "same_scores",
          "furthest"]  # fmt: skip


def tweets(n: int, *, skip: int) -> list[dict]:
    found = []
    with gzip.open(DATA / "ira_tweets" / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["lang"] == "en" and row["labels"]:
                found.append(row)
            if len(found) == skip + n:
                break
    return found[skip:]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def train(place: Path) -> None:
    from narraframe.config import Config, Workspace
    from narraframe.workflows.promote import promote
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.train import train_labelled
    from narraframe.workflows.watch import Silent

    path = write(place / "train.jsonl", tweets(800, skip=0))
    workspace = Workspace(place, Config(), is_set_up=True)
    train_labelled(
        [str(path)], name="tweets", options=ReadOptions(), workspace=workspace, watch=Silent()
    )
    promote("tweets", version=1, workspace=workspace)


def run_ray(options: argparse.Namespace) -> None:
    """Score by Ray; runs in a process of its own."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    from narraframe.config import find_workspace
    from narraframe.workflows.ray_engine import score_with_ray
    from narraframe.workflows.reading import ReadOptions
    from narraframe.workflows.watch import Silent

    cluster = None
    if options.machines == 2:
        # Ray takes 127.0.0.1 for the address that the machine has on its network
        node = {"num_cpus": 1, "object_store_memory": 200_000_000}
        cluster = Cluster(
            initialize_head=True,
            head_node_args=node | {"node_ip_address": "127.0.0.2", "include_dashboard": False},
        )
        cluster.add_node(**node, node_ip_address="127.0.0.3")
        ray.init(
            address=cluster.address,
            _node_ip_address="127.0.0.2",
            log_to_driver=False,
            logging_level="ERROR",
        )
    score_with_ray(
        [str(options.input)],
        output=options.output,
        model_uri=MODEL,
        options=ReadOptions(),
        workspace=find_workspace(options.place, given=options.place),
        force=True,
        watch=Silent(),
        workers=options.actors,
    )
    if cluster:
        ray.shutdown()
        cluster.shutdown()


def timed(way: str, path: Path, place: Path, cores: int) -> tuple[float, Path]:
    output = place / f"{way.replace(',', '').replace(' ', '_')}.parquet"
    shutil.rmtree(place / "data" / "cache", ignore_errors=True)
    output.unlink(missing_ok=True)
    if WAYS[way]:
        command = [__file__, "--ray", *WAYS[way], "--input", path, "--place", place, "-o", output]
    else:
        program = "from narraframe.cli import main; main()"
        command = ["-c", program, "score", path, "-o", output, "--model", MODEL]
        command += ["--workspace", place, "--force"]
    threads = {"OMP_NUM_THREADS": str(1 if WAYS[way] else cores)}
    started = perf_counter()
    subprocess.run(
        [sys.executable, *map(str, command)], env=os.environ | threads, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return perf_counter() - started, output


def compare(one: Path, other: Path) -> tuple[bool, float]:
    import numpy as np
    import pyarrow.parquet as pq

    key = [("post_id", "ascending"), ("label_id", "ascending")]
    a, b = pq.read_table(one).sort_by(key), pq.read_table(other).sort_by(key)
    if len(a) != len(b):
        return False, float("nan")
    p, q = (np.array(t["probability"].to_pylist(), dtype=float) for t in (a, b))
    return a.equals(b), float(np.nanmax(np.abs(p - q), initial=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--cache", type=Path, default=HERE / ".cache" / "cluster")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "cluster.csv")
    parser.add_argument("--ray", action="store_true", help=argparse.SUPPRESS)
    for name, kind in (("machines", int), ("actors", int), ("input", Path), ("place", Path)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ray:
        run_ray(options)
        return
    if not (DATA / "ira_tweets" / "data.jsonl.gz").exists():
        sys.exit(f"skipped: ira_tweets is not in {DATA}; set NARRAFRAME_DATA to the data sets")
    place = options.cache.resolve()
    if not (place / "models").exists():
        place.mkdir(parents=True, exist_ok=True)
        train(place)
    rows: list[list[object]] = []
    for n in options.posts:
        path = write(place / f"tweets_{n}.jsonl", tweets(n, skip=2_000))
        base: dict[int, float] = {}
        first: Path | None = None
        for way in WAYS:
            for cores in (1, 2) if way == "one process" else (int(WAYS[way][-1]),):
                seconds, output = timed(way, path, place, cores)
                base.setdefault(cores, seconds)
                first = first or output
                same, furthest = (True, 0.0) if output == first else compare(first, output)
                over = seconds / base[cores]
                rate = n / seconds
                rows.append([way, cores, n, round(seconds, 1), round(rate), round(over, 2),
                             "yes" if same else "no", f"{furthest:.1e}"])  # fmt: skip
                print(*rows[-1], sep="  ", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(rows)
    print(f"\n{options.output}")


if __name__ == "__main__":
    main()
