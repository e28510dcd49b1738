"""How large the report page is, how long it takes, and how fluid its map: `make bench-report`.

Two pages: the seeds with the bundled sample, and 100,000 tweets of ira_tweets. Both are real: the
commands ingest the posts, find themes, train a model and score, once; what they left is kept in
.cache and taken again while input and program stay the same. With --made-up, themes and decisions
are made up (`report_inputs`), which takes minutes less; the column `themes_are` says which. Pages
are opened from disk in headless Chromium, without a graphics card.

`analysis_cpu_seconds` is what reading and analysing took, `cpu_seconds` what the page took after
that; `peak_megabytes` is of both.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report_inputs import PAGES, made_up, prepared, real

from narraframe.report.page import render

CACHE = Path(__file__).parent / ".cache" / "report"
RESULTS = Path(__file__).parent / "results" / "report.csv"
HEADER = (
    "page", "posts", "themes", "labels", "themes_are", "megabytes", "texts_held",
    "analysis_cpu_seconds", "cpu_seconds", "peak_megabytes", "first_paint_ms", "map_ready_ms",
    "repaint_ms", "frames_per_second",
)  # fmt: skip
PANNING = 3  # seconds
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")


def build(page: str, n: int, path: Path, cache: Path | None) -> dict[str, object]:
    """Build one page in this process, which does nothing else; return what that took."""
    began = time.process_time()
    report = real(page, n, cache) if cache else made_up(page, n)
    before = time.process_time()
    path.write_text(render(report), encoding="utf-8")
    return {
        "page": page,
        "posts": len(report.posts),
        "themes": len(report.summaries),
        "labels": len(report.scores.label_ids) if report.scores else 0,
        "themes_are": "real" if cache else "made up",
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "analysis_cpu_seconds": round(before - began, 1) if cache else "",
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
    parser.add_argument("--made-up", action="store_true", help="no real themes and decisions")
    parser.add_argument("--cache", type=Path, default=CACHE, help="what the commands left")
    parser.add_argument("--build", choices=PAGES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    cache = None if given.made_up else given.cache.resolve()
    if given.build:
        print(json.dumps(build(given.build, given.n, given.output, cache)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for page in PAGES:
            if cache:
                prepared(
                    page, given.n, cache
                )  # in processes of its own, before anything is measured
            path = (given.keep or Path(folder)) / f"{page}.html"
            command = [sys.executable, __file__, "--build", page, "-n", str(given.n), "-o", path]
            command += ["--made-up"] if given.made_up else ["--cache", cache]
            made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            rows.append(made | look(path))
            print(rows[-1])
    with given.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
