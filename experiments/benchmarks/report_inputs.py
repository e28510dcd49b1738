"""What the report's benchmark shows: real posts, with real themes and decisions or made-up ones."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path

import numpy as np

import narraframe
from narraframe.config import find_workspace
from narraframe.records import Post, Scores, Themes, ThemeSummary
from narraframe.report.inputs import ReportInput
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.report import gather
from narraframe.workflows.watch import Silent

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
SAMPLE, TWEETS = PAGES = ("seeds+sample", "ira_tweets")
POSTS, THEMES, SCORES = "data/posts.parquet", "data/themes", "data/scores.parquet"
N_THEMES, N_LABELS, CARRY = 150, 20, 0.05


def real(page: str, n: int, cache: Path) -> ReportInput:
    """Return the report of `page` as the command makes it, out of what `prepared` left."""
    folder = prepared(page, n, cache)
    return gather(
        str(folder / POSTS),
        themes_folder=folder / THEMES,
        scores_path=folder / SCORES,
        title="Benchmark",
        workspace=find_workspace(folder, given=folder),
        watch=Silent(),
    )


def prepared(page: str, n: int, cache: Path) -> Path:
    """Return a workspace with the page's posts, themes and scores, made once by the commands.

    The sample has the model and the annotations of the demo; the tweets have a model of
    experiments/ira_tweets.toml, and neither codebook nor audit. A workspace is whole or not there:
    it is made beside, and then renamed.
    """
    inputs = list(_seeds()) if page == SAMPLE else [_tweets_path()]
    made_by = [_digest(inputs), str(n) if page == TWEETS else "", narraframe.__version__]
    key = hashlib.sha256("\n".join(made_by).encode()).hexdigest()[:12]
    folder = cache / f"{page}-{key}"
    if folder.exists():
        return folder
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    _sample(making, inputs) if page == SAMPLE else _tweets(making, n)
    making.rename(folder)
    return folder


def _sample(folder: Path, seeds: list[Path]) -> None:
    _run("demo", folder, at=folder.parent)
    with as_file(files("narraframe.sample").joinpath("result.json")) as export:
        _run("ingest", *seeds, export, "-o", POSTS, "--force", at=folder)
    _run("themes", POSTS, "-o", THEMES, "--force", at=folder)
    model = "models:/sample@champion"
    _run("score", POSTS, "-o", SCORES, "--model", model, "--evidence", "--force", at=folder)


def _tweets(folder: Path, n: int) -> None:
    _run("init", folder, at=folder.parent)
    (folder / "labels/codebook.toml").unlink()  # it is the one of the demo: other labels
    with gzip.open(_tweets_path(), "rt", encoding="utf-8") as lines:
        (folder / "posts.jsonl").write_text("".join(islice(lines, n)), encoding="utf-8")
    _run("train", "--experiment", ROOT / "experiments/ira_tweets.toml", at=folder)
    _run("ingest", "posts.jsonl", "-o", POSTS, at=folder)
    _run("themes", POSTS, "-o", THEMES, at=folder)
    _run("score", POSTS, "-o", SCORES, "--model", "models:/ira_tweets@challenger", at=folder)


def _run(*words: object, at: Path) -> None:
    program = "import sys; from narraframe.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, words)]
    environment = os.environ | {"NARRAFRAME_DATA": str(DATA)}
    done = subprocess.run(command, cwd=at, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"narraframe {' '.join(map(str, words))} failed: {done.stdout[-2000:]}")


def _seeds() -> Iterable[Path]:
    return sorted((DATA / "seeds").glob("*.txt"))


def _tweets_path() -> Path:
    return DATA / "ira_tweets/data.jsonl.gz"


def _digest(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def seeds_and_sample() -> list[Post]:
    with as_file(files("narraframe.sample").joinpath("result.json")) as export:
        paths = [*map(str, _seeds()), str(export)]
        return list(read_ready(paths, options=ReadOptions(), watch=Silent()).posts)


def tweets(n: int) -> list[Post]:
    with gzip.open(_tweets_path(), "rt", encoding="utf-8") as lines:
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


def made_up(page: str, n: int) -> ReportInput:
    """Return a report of real posts, whose themes, places and decisions are made up.

    150 clouds of points, a theme by author, and 20 labels on 5 % of the posts each.
    """
    posts = tweets(n) if page == TWEETS else seeds_and_sample()
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
