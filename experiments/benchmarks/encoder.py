"""How fast posts become vectors, beside sentence-transformers' own `encode`.

Every variant embeds the same posts in one process, turn by turn, so that ratios hold on a machine
that has other work; the median over the rounds counts. *long*: posts of the seed documents and of
Telegram, 150 tokens and more, cut at the encoder's limit, a third as many as the short ones;
*short*: posts of some 90 tokens; *stream*: the short ones in no order, handed over 32 at a time (to
sentence-transformers as they come; to ours as they come, and gathered into one window as scoring
does). GFLOP/s count the tokens of the posts, no padding.

Run: python experiments/benchmarks/encoder.py [ROUNDS [POSTS]]; with --profile instead, it says
where the time goes within the network, and what padding costs.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from encoder_profile import show_padding, show_profile

from narraframe.embeddings.sentence import SentenceEncoder, find_encoder, load_encoder
from narraframe.errors import NarraframeError
from narraframe.io.posts import read_posts
from narraframe.posts.prepare import prepare
from narraframe.records import Post

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NARRAFRAME_DATA", HERE.parents[2] / "shared" / "data"))
RESULTS = HERE / "results" / "encoder.csv"
ENCODER = "all-MiniLM-L6-v2"
VARIANTS = (
    ("openvino", "fp32"),
    ("openvino", "bf16"),
    ("openvino", "int8"),
    ("torch", "fp32"),
    ("torch", "bf16"),
)
HANDED = 32
TWEETS = 20_000
LONG = 150  # tokens
LAYERS, WIDTH, INNER = 6, 384, 1536

Run = Callable[[list[str]], Any]


def main(rounds: int, n_posts: int) -> None:
    theirs = their_encoder()
    ours = our_encoders()
    plain = ours["openvino fp32"] if "openvino fp32" in ours else ours["torch fp32"]
    sets = {"long": long_posts(plain, n_posts // 3), "short": short_posts(plain, n_posts)}
    peak = bf16_peak()
    print(f"bf16 matrix product of torch: {peak:.0f} GFLOP/s")
    rows = []
    for name, texts in sets.items():
        runs: dict[str, Run] = {"sentence-transformers": lambda t: their_vectors(theirs, t)}
        runs |= {title: encoder.encode for title, encoder in ours.items()}
        rows += measured(name, texts, runs, rounds, plain, peak)
    stream = [sets["short"][i] for i in np.random.default_rng(0).permutation(len(sets["short"]))]
    runs = {"sentence-transformers": lambda t: by_32(lambda part: their_vectors(theirs, part), t)}
    for title, encoder in ours.items():
        if title.startswith("openvino"):
            runs[f"{title}, as they come"] = lambda t, e=encoder: by_32(e.encode, t)
            runs[f"{title}, gathered"] = encoder.encode
    rows += measured("stream", stream, runs, rounds, plain, peak)
    write(rows)
    once(plain)


def profile(n_posts: int) -> None:
    plain = load_encoder(ENCODER, device="cpu", backend="openvino", precision="fp32")
    sets = {"long": long_posts(plain, n_posts), "short": short_posts(plain, n_posts)}
    show_profile(plain, ENCODER, sets)
    tweets = set_texts("ira_tweets", TWEETS)
    show_padding(
        plain, {"seeds": seed_texts(), "short": short_posts(plain, TWEETS)} | {"ira_tweets": tweets}
    )


def measured(
    name: str,
    texts: list[str],
    runs: dict[str, Run],
    rounds: int,
    plain: SentenceEncoder,
    peak: float,
) -> list[dict[str, Any]]:
    """Time each variant in turn, `rounds` times, after one turn to warm up."""
    seconds: dict[str, list[float]] = {title: [] for title in runs}
    for turn in range(rounds + 1):
        for title, run in runs.items():
            start = time.perf_counter()
            run(texts)
            if turn:
                seconds[title].append(time.perf_counter() - start)
    lengths = [len(ids) for ids in plain.backend.tokenise(texts)]
    work = sum(flop(n) for n in lengths)
    base = seconds["sentence-transformers"]
    rows = []
    print(f"\n{name}: {len(texts)} posts, mean {statistics.mean(lengths):.0f} tokens")
    for title, taken in seconds.items():
        ratio = statistics.median(b / t for b, t in zip(base, taken, strict=True))
        median = statistics.median(taken)
        speed = work / median / 1e9
        row = {
            "date": date.today().isoformat(),
            "posts": name,
            "variant": title,
            "n": len(texts),
            "mean_tokens": round(statistics.mean(lengths), 1),
            "posts_per_s": round(len(texts) / median, 1),
            "times_default": round(ratio, 2),
            "gflop_per_s": round(speed),
            "share_of_bf16_peak": round(speed / peak, 3),
        }
        rows.append(row)
        print(
            f"  {title:28} {row['posts_per_s']:8,.1f} posts/s {ratio:6.2f} x default "
            f"{speed:6.0f} GFLOP/s {speed / peak:6.1%} of the peak"
        )
    return rows


def flop(n_tokens: int) -> float:
    """Multiplications and additions for one text: 21.2 MFLOP a token, and the attention."""
    dense = 2 * LAYERS * (4 * WIDTH**2 + 2 * WIDTH * INNER)
    return n_tokens * (dense + 2 * 2 * LAYERS * WIDTH * n_tokens)


def bf16_peak() -> float:
    """GFLOP/s of the best of many large matrix products."""
    import torch

    a = torch.randn(2048, 2048).bfloat16()
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * 2048**3 / best / 1e9


def their_encoder() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(find_encoder(ENCODER).path), device="cpu")


def their_vectors(theirs: Any, texts: Sequence[str]) -> Any:
    return theirs.encode(list(texts), show_progress_bar=False)


def our_encoders() -> dict[str, SentenceEncoder]:
    found = {}
    for backend, precision in VARIANTS:
        try:
            found[f"{backend} {precision}"] = load_encoder(
                ENCODER, device="cpu", backend=backend, precision=precision
            )
        except NarraframeError as error:
            print(f"{backend} {precision}: {error}")
    return found


def by_32(run: Run, texts: list[str]) -> None:
    for start in range(0, len(texts), HANDED):
        run(texts[start : start + HANDED])


def seed_texts() -> list[str]:
    found = []
    for path in sorted((DATA / "seeds").glob("*.txt")):
        posts = (item for item in read_posts(str(path)) if isinstance(item, Post))
        found += [post.model_text for post in prepare(posts) if post.model_text]
    return found


def long_posts(encoder: SentenceEncoder, n: int) -> list[str]:
    """Posts of the seeds, and long ones of Telegram to make `n`, cut at the encoder's limit."""
    texts = seed_texts() + set_texts("unlp2025_telegram", 4_000)
    cut = [parts[0] for parts in encoder.cut(texts)]
    return [part.text for part in cut if len(part.ids) >= LONG][:n]


def short_posts(encoder: SentenceEncoder, n: int) -> list[str]:
    texts = set_texts("unlp2025_telegram", 4_000) + set_texts("ira_tweets", 2_000)
    lengths = [len(ids) for ids in encoder.backend.tokenise(texts)]
    fitting = [text for text, k in zip(texts, lengths, strict=True) if 50 <= k <= 130]
    return fitting[:: max(1, len(fitting) // n)][:n]


def set_texts(name: str, n: int) -> list[str]:
    """Return the texts of the first `n` posts of a set."""
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        raw = [
            Post(post_id=str(i), text=json.loads(line)["text"])
            for i, line in enumerate(islice(lines, n))
        ]
    return [post.model_text for post in prepare(raw) if post.model_text]


def once(encoder: SentenceEncoder) -> None:
    """Say what embedding each text and each chunk once saves, in tokens and in work."""
    for name, texts in (("seeds", seed_texts()), ("ira_tweets", set_texts("ira_tweets", TWEETS))):
        parts = [part for of_text in encoder.cut(texts) for part in of_text]
        all_work = sum(flop(len(part.ids)) for part in parts)
        distinct = {part.text: len(part.ids) for part in parts}
        tokens = sum(len(part.ids) for part in parts)
        print(
            f"\n{name}: {len(texts):,} posts in {len(parts):,} chunks, {len(distinct):,} distinct; "
            f"once each saves {1 - sum(distinct.values()) / tokens:.1%} of {tokens:,} tokens, "
            f"{1 - sum(map(flop, distinct.values())) / all_work:.1%} of the work"
        )


def write(rows: list[dict[str, Any]]) -> None:
    with RESULTS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if not (DATA / "seeds").exists():
        sys.exit(f"skipped: {DATA} is not there; set NARRAFRAME_DATA to the folder of data sets")
    if sys.argv[1:2] == ["--profile"]:
        profile(200)
    else:
        main(*map(int, sys.argv[1:3] or ("2", "1000")))
