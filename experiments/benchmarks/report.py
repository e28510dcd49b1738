"""How large the report page is, how long it takes, and how fluid its map: `make bench-report`.

Two pages: the seeds with the bundled sample, and 100,000 tweets of ira_tweets. Texts, dates and
channels are real; themes, places and decisions of the tweets are made up here, as a page does not
care where they come from and computing them would take far longer than what is measured: 150 clouds
of points, a theme by author, and 20 labels on 5 % of the posts each. Pages are opened from disk in
headless Chromium, without a graphics card.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path

import numpy as np

from narraframe.records import Post, Scores, Themes, ThemeSummary
from narraframe.report.inputs import ReportInput
from narraframe.report.page import render
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Silent

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
RESULTS = Path(__file__).parent / "results" / "report.csv"
HEADER = (
    "page", "posts", "themes", "labels", "megabytes", "texts_held", "cpu_seconds",
    "peak_megabytes", "first_paint_ms", "map_ready_ms", "repaint_ms", "frames_per_second",
)  # fmt: skip
N_THEMES, N_LABELS, CARRY = 150, 20, 0.05
PANNING = 3  # seconds
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")


def seeds_and_sample() -> list[Post]:
    seeds = sorted((DATA / "seeds").glob("*.txt"))
    with as_file(files("narraframe.sample").joinpath("result.json")) as export:
        paths = [*map(str, seeds), str(export)]
        return list(read_ready(paths, options=ReadOptions(), watch=Silent()).posts)


def tweets(n: int) -> list[Post]:
    path = DATA / "ira_tweets/data.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, n)]
    return [
        Post(
            post_id=one["id"],
            text=one["text"],
            channel=one["author"],
            lang=one["lang"],
            created_at=datetime.fromisoformat(one["date"]).replace(tzinfo=UTC),
        )
        for one in records
    ]


def made_up(posts: Sequence[Post]) -> ReportInput:
    rng = np.random.default_rng(0)
    ids = tuple(post.post_id for post in posts)
    cloud = np.array([zlib.crc32((p.channel or p.post_id).encode()) % N_THEMES for p in posts])
    middles = rng.uniform(0, 100, size=(N_THEMES, 2))
    xy = middles[cloud] + rng.normal(scale=2.5, size=(len(posts), 2))
    theme = np.where(rng.random(len(posts)) < 0.15, -1, cloud).astype(np.int32)
    words = [post.text.split()[:3] for post in posts]
    summaries = []
    for number in range(N_THEMES):
        rows = np.flatnonzero(theme == number)[:5]
        name = " · ".join(words[rows[0]]) if rows.size else "empty"
        keywords = tuple((word, 0.5) for row in rows for word in words[row])[:10]
        chosen = tuple(ids[row] for row in rows)
        summaries.append(ThemeSummary(number, name, keywords, 0, 0, chosen, 0.8, 0.8))
    decision = rng.random((len(posts), N_LABELS)) < CARRY
    return ReportInput(
        title="Benchmark",
        posts=posts,
        made_at=datetime(2026, 11, 28, tzinfo=UTC),
        themes=Themes(ids, theme, np.ones(len(ids), np.float32), xy.astype(np.float32)),
        summaries=summaries,
        scores=Scores(
            post_ids=ids,
            label_ids=tuple(f"label {j}" for j in range(N_LABELS)),
            probability=np.where(decision, 0.5, 0).astype(np.float32)
            + rng.random(decision.shape, dtype=np.float32) / 2,
            decision=decision,
            abstained=np.zeros_like(decision),
            thresholds=np.full(N_LABELS, 0.5),
            reasons=("",) * len(ids),
            model="made-up/1",
        ),
    )


def build(page: str, n: int, path: Path) -> dict[str, object]:
    """Build one page in this process, which does nothing else; return what that took."""
    report = made_up(tweets(n) if page == "ira_tweets" else seeds_and_sample())
    before = time.process_time()
    path.write_text(render(report), encoding="utf-8")
    return {
        "page": page,
        "posts": len(report.posts),
        "themes": N_THEMES,
        "labels": N_LABELS,
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "cpu_seconds": round(time.process_time() - before, 1),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def look(path: Path) -> dict[str, object]:
    """Open the page as a reader does; return how soon it is there and how fluid its map."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,900"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            driver.set_page_load_timeout(300)
            driver.set_script_timeout(120)
            driver.get(path.as_uri())
            ready = "return document.documentElement.dataset.unpacked !== undefined"
            WebDriverWait(driver, 300).until(lambda d: d.execute_script(ready))
            driver.execute_script("narraframe.map.element.scrollIntoView({block: 'center'})")
            time.sleep(1)
            seen = driver.execute_async_script(PAN, PANNING)
        finally:
            driver.quit()
    return {
        "texts_held": seen["held"],
        "first_paint_ms": round(seen["paint"]),
        "map_ready_ms": round(seen["ready"]),
        "repaint_ms": round(seen["took"], 1),
        "frames_per_second": round(seen["fps"], 1),
    }


# A fifth of the map a second to and fro, at twice its size, a step a frame; as dragging does.
PAN = """
const [seconds, done] = arguments;
const {map, posts} = narraframe;
const paint = performance.getEntriesByName('first-contentful-paint')[0];
const began = performance.now();
let frames = 0;
const step = () => {
  const at = (performance.now() - began) / 1000;
  if (at > seconds) {
    return done({
      fps: frames / at, took: map.took(), held: posts.held[0], paint: paint ? paint.startTime : -1,
      ready: performance.getEntriesByName('unpacked')[0].startTime,
    });
  }
  frames += 1;
  const low = 25 + 20 * Math.sin(at);
  map.look([[low, low + 50], [25, 75]]);
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100_000, help="tweets")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    parser.add_argument("--keep", type=Path, help="leave the pages in this folder")
    parser.add_argument("--build", choices=["seeds+sample", "ira_tweets"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.build:
        print(json.dumps(build(given.build, given.n, given.output)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for page in ("seeds+sample", "ira_tweets"):
            path = (given.keep or Path(folder)) / f"{page}.html"
            command = [sys.executable, __file__, "--build", page, "-n", str(given.n), "-o", path]
            made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            rows.append(made | look(path))
            print(rows[-1])
    with given.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
