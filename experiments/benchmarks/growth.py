"""How the cost of near-duplicates grows with the posts, and embedding beside sentence-transformers.

Reads `ira_tweets` from NARRAFRAME_DATA (default: ../shared/data). Each size runs in a process of
its own, so that its peak memory is its own. Machines are noisy: read ratios, not seconds.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
TWEETS = DATA / "ira_tweets" / "data.jsonl.gz"
SIZES = (20_000, 50_000, 100_000, 190_000)
EMBEDDED = 600
ROUNDS = 3


def texts(n: int) -> list[str]:
    with gzip.open(TWEETS, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line, _ in zip(lines, range(n), strict=False)]


def measure_duplicates(n: int) -> None:
    from narraframe.posts.clean import clean
    from narraframe.posts.duplicates import near_duplicates
    from narraframe.records import Post

    posts = [clean(Post(post_id=str(i), text=text)) for i, text in enumerate(texts(n))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = near_duplicates([p.post_id for p in posts], [p.model_text or "" for p in posts])
    seconds = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    copies = sum(original is not None for original in found)
    print(json.dumps({"n": len(posts), "s": seconds, "mb": grown, "copies": copies}))


def growth() -> None:
    rows = []
    for n in SIZES:
        command = [sys.executable, __file__, "duplicates", str(n)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    print("near-duplicates   CPU s   MB more   copies   exponent")
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        exponent = "-"
        if before is not None:
            slope = math.log(row["s"] / before["s"]) / math.log(row["n"] / before["n"])
            exponent = f"{slope:.2f}"
        print(f"{row['n']:15,} {row['s']:7.1f} {row['mb']:9.0f} {row['copies']:8,} {exponent:>10}")


def embedding() -> None:
    from sentence_transformers import SentenceTransformer

    from narraframe.embeddings.sentence import find_encoder, load_encoder

    sample = texts(EMBEDDED * 4)[::4]
    ours = load_encoder("all-MiniLM-L6-v2")
    theirs = SentenceTransformer(str(find_encoder("all-MiniLM-L6-v2").path))
    ratios = [
        seconds(lambda: theirs.encode(sample)) / seconds(lambda: ours.encode(sample))
        for _ in range(ROUNDS)
    ]
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"embedding {EMBEDDED:,} tweets: sentence-transformers' encode takes "
        f"{statistics.median(ratios):.2f} times our time (rounds: {shown})"
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    if not TWEETS.exists():
        sys.exit(f"skipped: {TWEETS} is not there; set NARRAFRAME_DATA to the folder of data sets")
    if sys.argv[1:2] == ["duplicates"]:
        measure_duplicates(int(sys.argv[2]))
    else:
        growth()
        embedding()
