"""Do theme numbers, names and merges hold while a year of tweets is refitted month by month?

Reads the English `ira_tweets` of 2016 from NARRAFRAME_DATA (default: ../shared/data), each group of
near-duplicates once. Each month the themes are found anew and matched to those before: on all posts
so far, and on a window of three months. In the first month an analyst names three themes and merges
two, and at the end the log is replayed.

Of the posts that were in a theme in the fit before and are seen again, noise included, `kept` is
the share that has a theme of the same number, `could` the share if themes were paired one to one by
these very posts, and `raw` the share with the numbers as they come. Between kept and could is what
matching loses, above could what the clustering changes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from narraframe.embeddings.embed import embed_posts
from narraframe.embeddings.sentence import load_encoder
from narraframe.io.cache import EmbeddingCache
from narraframe.io.curation import Curation, append_curation, read_curations
from narraframe.posts.clean import clean
from narraframe.posts.duplicates import near_duplicates
from narraframe.records import Post
from narraframe.themes.curate import check_curation, next_theme, replay
from narraframe.themes.discover import discover
from narraframe.themes.match import KEPT, KINDS, Matching, ThemeProfile, match_themes
from narraframe.themes.settings import ENGINES, ThemeSettings

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NARRAFRAME_DATA", ROOT.parent / "shared" / "data"))
TWEETS = DATA / "ira_tweets" / "data.jsonl.gz"
YEAR = "2016"
WINDOW = 3


@dataclass(frozen=True)
class Corpus:
    post_ids: list[str]
    texts: list[str]
    months: list[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """Themes by stable number; `raw` has the numbers as found, `theme_of` the posts in a theme."""

    seen: frozenset[str]
    theme_of: dict[str, int]
    profiles: list[ThemeProfile]
    names: dict[int, str]
    raw: dict[int, int]


def load(posts_per_month: int, cache: Path) -> Corpus:
    by_month: dict[str, list[Post]] = defaultdict(list)
    with gzip.open(TWEETS, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["lang"] == "en" and record["date"].startswith(YEAR):
                post = clean(Post(post_id=record["id"], text=record["text"]))
                if post.model_text:
                    by_month[record["date"][:7]].append(post)
    chosen = [
        (month, post)
        for month, posts in sorted(by_month.items())
        for post in sorted(posts, key=_order)[:posts_per_month]
    ]
    ids, texts = [p.post_id for _, p in chosen], [p.model_text or "" for _, p in chosen]
    first = [i for i, copy_of in enumerate(near_duplicates(ids, texts)) if copy_of is None]
    ids, texts = [ids[i] for i in first], [texts[i] for i in first]
    encoder = load_encoder("all-MiniLM-L6-v2")
    stored = EmbeddingCache(cache, encoder.name)
    vectors = embed_posts(ids, texts, encoder, cache=stored).vectors
    return Corpus(ids, texts, [chosen[i][0] for i in first], vectors)


def _order(post: Post) -> bytes:
    return hashlib.sha256(post.post_id.encode()).digest()


def find(
    corpus: Corpus, rows: NDArray[np.intp], engine: str
) -> tuple[list[ThemeProfile], dict[int, str]]:
    """Return the themes of these rows, with provisional numbers, and the machine's names."""
    ids = [corpus.post_ids[i] for i in rows]
    found = discover(
        ids,
        corpus.vectors[rows],
        [corpus.texts[i] for i in rows],
        ["en"] * len(ids),
        ids,
        settings=ThemeSettings(engine=engine, n_reruns=0),
    )
    profiles = []
    for summary in found.summaries:
        members = np.flatnonzero(found.themes.theme == summary.theme)
        centre = corpus.vectors[rows[members]].mean(axis=0, dtype=np.float64)
        profiles.append(
            ThemeProfile(
                theme=summary.theme,
                centroid=(centre / np.linalg.norm(centre)).astype(np.float32),
                keywords=dict(summary.keywords),
                post_ids=frozenset(ids[i] for i in members),
            )
        )
    return profiles, {summary.theme: summary.name for summary in found.summaries}


def numbered(
    profiles: list[ThemeProfile], names: dict[int, str], matching: Matching, seen: frozenset[str]
) -> Fit:
    stable = [
        ThemeProfile(matching.numbers[p.theme], p.centroid, p.keywords, p.post_ids)
        for p in profiles
    ]
    theme_of = {post_id: p.theme for p in stable for post_id in p.post_ids}
    raw = {number: theme for theme, number in matching.numbers.items()}
    return Fit(seen, theme_of, stable, {n: names[theme] for n, theme in raw.items()}, raw)


def shares(before: Fit, after: Fit) -> tuple[float, float, float]:
    """Return how many posts in a hundred keep their theme, could keep it, and do as found."""
    again = [post_id for post_id in before.theme_of if post_id in after.seen]
    pairs = Counter((before.theme_of[p], after.theme_of[p]) for p in again if p in after.theme_of)
    old, new = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    counts = np.array([[pairs[a, b] for b in new] for a in old]).reshape(len(old), len(new))
    best = counts[linear_sum_assignment(counts, maximize=True)].sum()
    kept = sum(n for (a, b), n in pairs.items() if a == b)
    as_found = sum(n for (a, b), n in pairs.items() if before.raw[a] == after.raw[b])
    total = max(len(again), 1)
    return 100 * kept / total, 100 * best / total, 100 * as_found / total


def curate(log: Path, fit: Fit) -> None:
    """Name the three largest themes, and merge the two others that are most alike."""
    by_size = sorted(fit.profiles, key=lambda p: -len(p.post_ids))
    centres = np.stack([p.centroid for p in by_size[3:]])
    alike = np.triu(centres @ centres.T, k=1)
    into, source = (by_size[3 + i].theme for i in np.unravel_index(alike.argmax(), alike.shape))
    said = {"at": datetime.now(UTC), "fit": "first"}
    lines = [
        Curation(**said, action="name", themes=(p.theme,), name=f"« {fit.names[p.theme]} »")
        for p in by_size[:3]
    ]
    name = f"« {fit.names[into]} + {fit.names[source]} »"
    lines.append(Curation(**said, action="merge", themes=(source,), into=(into,), name=name))
    for line in lines:
        check_curation(line, read_curations(log), fit.names)
        append_curation(log, line)


def follow(corpus: Corpus, *, engine: str, window: int | None) -> None:
    """Refit month by month, and print what became of the themes."""
    months = sorted(set(corpus.months))
    month_of = np.array(corpus.months)
    fits: list[Fit] = []
    gone: dict[int, ThemeProfile] = {}
    free = 0
    print(f"{'month':8}{'posts':>7}{'themes':>7}{'kept':>6}", end="")
    print(
        "".join(f"{kind:>7}" for kind in KINDS[len(KEPT) :]),
        f"{'kept%':>7} {'could%':>6} {'raw%':>6}",
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "themes.csv"
        for i, month in enumerate(months):
            rows = np.flatnonzero(
                np.isin(month_of, months[max(i + 1 - (window or i + 1), 0) : i + 1])
            )
            profiles, names = find(corpus, rows, engine)
            free = max(free, next_theme(read_curations(log)))
            matching = match_themes(
                fits[-1].profiles if fits else [],
                profiles,
                next_theme=free,
                gone=list(gone.values()),
            )
            free = matching.next_theme
            fit = numbered(profiles, names, matching, frozenset(corpus.post_ids[r] for r in rows))
            if fits:
                lost = {p.theme: p for p in fits[-1].profiles}
                gone = {n: p for n, p in (gone | lost).items() if n not in fit.names}
            else:
                curate(log, fit)
            row(month, fit, matching, fits[-1] if fits else None)
            fits.append(fit)
        held(log, fits)


def row(month: str, fit: Fit, matching: Matching, before: Fit | None) -> None:
    kinds = Counter(change.kind for change in matching.changes)
    counts = [sum(kinds[kind] for kind in KEPT), *(kinds[kind] for kind in KINDS[len(KEPT) :])]
    print(f"{month:8}{len(fit.seen):7,}{len(fit.profiles):7}{counts[0]:6}", end="")
    print("".join(f"{n:7}" for n in counts[1:]), end="")
    print(
        "" if before is None else "{:8.1f} {:6.1f} {:6.1f}".format(*shares(before, fit)), flush=True
    )


def held(log: Path, fits: list[Fit]) -> None:
    """Print whether what the analyst said in the first month holds in the last."""
    first, last = fits[0], fits[-1]
    said = read_curations(log)
    then, now = replay(said, first.names), replay(said, last.names)
    if first.seen & last.seen:
        print(
            "first to last month: kept {:.1f} %, could {:.1f}, raw {:.1f}".format(
                *shares(first, last)
            )
        )
    for number, name in now.names.items():
        here = " and ".join(f"T{n}" for n, shown in now.shown.items() if shown == number)
        posts = [p for p, theme in first.theme_of.items() if then.shown[theme] == number]
        shown = [now.shown[last.theme_of[p]] for p in posts if p in last.theme_of]
        still = (
            f"; {shown.count(number)} of {len(shown)} of its first posts in themes" if shown else ""
        )
        print(f"  T{number} {name}: {f'holds, from {here}' if here else 'waits'}{still}")
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=3000, help="posts a month, at most")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--cache", type=Path, default=ROOT / "data" / "cache")
    options = parser.parse_args()
    if not TWEETS.exists():
        sys.exit(f"skipped: {TWEETS} is not there; set NARRAFRAME_DATA to the folder of data sets")
    tweets = load(options.posts, options.cache)
    print(f"all posts so far, {len(tweets.post_ids):,} in the end")
    follow(tweets, engine=options.engine, window=None)
    print(f"the last {WINDOW} months")
    follow(tweets, engine=options.engine, window=WINDOW)
