"""The labelled sets of classify.py, and what is drawn from them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.splits import grouped_folds
from narraframe.posts.copies import copy_groups, join_groups
from narraframe.posts.duplicates import near_duplicates
from narraframe.posts.prepare import prepare
from narraframe.records import Post

if TYPE_CHECKING:
    from narraframe.embeddings.sentence import SentenceEncoder

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NARRAFRAME_DATA", HERE.parents[2] / "shared" / "data"))
ENCODER = "all-MiniLM-L6-v2"
TEST_FOLDS = 5

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Rule:
    """Which labels of a set are learned, the most frequent ones, and on which posts."""

    n_labels: int | None = None
    labelled_only: bool = False


SETS = {
    "gvfc_gun_frames": Rule(labelled_only=True),
    "ccf_climate_frames": Rule(),
    "euvsdisinfo_claims": Rule(n_labels=50),
    "unlp2025_telegram": Rule(),
}
# With few labels: the same, but ten labels of the claims, on posts that carry one of them.
FEW_SETS = {
    "gvfc_gun_frames": Rule(labelled_only=True),
    "euvsdisinfo_claims": Rule(n_labels=10, labelled_only=True),
    "ccf_climate_frames": Rule(),
}


@dataclass(frozen=True)
class LabelledSet:
    """n posts with text, their labels `y` int8 (n, k); `group` (n,) never straddles a split."""

    name: str
    label_ids: tuple[str, ...]
    texts: tuple[str, ...]
    dates: tuple[str, ...]
    y: NDArray[np.int8]
    group: Rows

    def at(self, rows: Rows) -> LabelledSet:
        return replace(
            self,
            texts=tuple(self.texts[i] for i in rows),
            dates=tuple(self.dates[i] for i in rows),
            y=self.y[rows],
            group=self.group[rows],
        )


def read_set(name: str, rule: Rule) -> LabelledSet:
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    label_ids = frequent(rows, rule.n_labels)
    if rule.labelled_only:
        rows = [row for row in rows if set(row["labels"]) & set(label_ids)]
    raw = (Post(post_id=str(i), text=row["text"], lang=row["lang"]) for i, row in enumerate(rows))
    posts = [post for post in prepare(raw) if post.model_text]
    rows = [rows[int(post.post_id)] for post in posts]
    texts = tuple(post.model_text or "" for post in posts)
    place = {post.post_id: i for i, post in enumerate(posts)}
    marked = near_duplicates([post.post_id for post in posts], texts)
    first = [i if of is None else place[of] for i, of in enumerate(marked)]
    return LabelledSet(
        name=name,
        label_ids=label_ids,
        texts=texts,
        dates=tuple(row.get("date") or "" for row in rows),
        y=np.array([[i in row["labels"] for i in label_ids] for row in rows], dtype=np.int8),
        group=join_groups(copy_groups(texts), np.array(first, dtype=np.intp)),
    )


def frequent(rows: list[dict[str, Any]], n: int | None) -> tuple[str, ...]:
    """Return the `n` most frequent labels, all for None, in alphabetical order."""
    counts = Counter(label for row in rows for label in set(row["labels"]))
    kept = sorted(counts, key=lambda label: (-counts[label], label))[:n]
    return tuple(sorted(kept))


def split(data: LabelledSet, seed: int) -> Rows:
    """Return the fold of each post, whole groups together."""
    known = np.ones(data.y.shape, dtype=np.bool_)
    return grouped_folds(data.y, known, data.group, n_folds=TEST_FOLDS, seed=seed)


def draw(data: LabelledSet, pool: Rows, n: int, seed: int) -> Rows:
    """Draw posts of `pool` until every label has `n`, the rarest first.

    Where posts without a label are among them, `n` of those are drawn too: somebody who labels
    meets them, and without them a classifier cannot know that they exist.
    """
    rng = np.random.default_rng([seed, n])
    classes = [data.y[:, j] == 1 for j in range(data.y.shape[1])]
    classes.append(data.y.sum(axis=1) == 0)
    taken = np.zeros(len(data.texts), dtype=np.bool_)
    for of_class in sorted(classes, key=lambda c: int(c[pool].sum())):
        free = rng.permutation(pool[of_class[pool] & ~taken[pool]])
        taken[free[: max(0, n - int((of_class & taken).sum()))]] = True
    return np.flatnonzero(taken)


@cache
def load() -> SentenceEncoder:
    """Load the encoder once a process, on one thread."""
    import torch

    from narraframe.embeddings.sentence import load_encoder

    torch.set_num_threads(1)
    return load_encoder(ENCODER, device="cpu")


def embed(texts: tuple[str, ...], folder: Path | None) -> NDArray[np.float32]:
    """Embed posts; with a `folder` to keep them in, once for all."""
    from narraframe.embeddings.embed import embed_posts

    encoder = load()
    key = hashlib.sha256("\0".join((encoder.name, *texts)).encode()).hexdigest()[:16]
    path = None if folder is None else folder / f"classify_{key}.npy"
    if path is not None and path.exists():
        return np.load(path)
    vectors = embed_posts([str(i) for i in range(len(texts))], texts, encoder).vectors
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors)
    return vectors
