"""A watch on drift: what is kept of the posts that stream by, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.embed import VectorCache
from narraframe.metrics.drift import ALPHA, NewPosts, drift
from narraframe.posts.duplicates import near_duplicates
from narraframe.records import Drift, Post, Scores
from narraframe.workflows.drift_reference import MOST, text_keys
from narraframe.workflows.scorer import Scorer
from narraframe.workflows.vectors import view_vectors


@dataclass(frozen=True, slots=True)
class Kept:
    """One post of the sample; `vector` (d,), `decided` and `carries` (k,) None without a score."""

    post_id: str
    text: str
    lang: str
    vector: NDArray[np.float32] | None = None
    decided: NDArray[np.bool_] | None = None
    carries: NDArray[np.bool_] | None = None


@dataclass
class DriftWatch:
    """Looks on while `scorer` scores, window by window, and says at the end whether there is drift.

    It counts posts, and keeps those 1,000 distinct ones whose texts have the smallest keys: a
    random sample, which depends neither on the order of the posts nor on how they were cut into
    windows. Only posts that come to be kept are embedded (again; mostly from the cache). Watches of
    several processes are joined by `merge`.
    """

    scorer: Scorer
    cache: VectorCache | None = None
    n_posts: int = 0
    n_without_text: int = 0
    n_unknown_language: int = 0
    kept: dict[bytes, Kept] = field(default_factory=dict)

    def update(self, posts: Sequence[Post], scores: Scores | None = None) -> None:
        """Look at a window: prepared posts, and their scores in the same order.

        Without `scores`, as of posts that were scored by a run that stopped, those that come to be
        kept are scored here.
        """
        worded = [i for i, post in enumerate(posts) if post.model_text]
        known = self.scorer.bundle.record.languages
        self.n_posts += len(posts)
        self.n_without_text += len(posts) - len(worded)
        self.n_unknown_language += sum(1 for i in worded if posts[i].lang not in (None, *known))
        keys = text_keys([posts[i].model_text or "" for i in worded], salt=b"new")
        came: dict[bytes, Kept] = {}
        at: dict[bytes, int] = {}
        for key, i in zip(keys, worded, strict=True):
            post = posts[i]
            # of equal texts the one with the smallest id, so that the order does not matter
            before = came.get(key) or self.kept.get(key)
            if before is not None and before.post_id <= post.post_id:
                continue
            came[key] = _kept(post)
            at[key] = i
        self._keep(came)
        new = [key for key, one in came.items() if self.kept.get(key) is one]
        rows = [at[key] for key in new]
        if scores is None:
            scores = self.scorer.score([posts[i] for i in rows], cache=self.cache)
            rows = list(range(len(new)))
        for key, i in zip(new, rows, strict=True):
            self.kept[key] = _with_scores(self.kept[key], scores, i)
        self._embed()

    def merge(self, other: DriftWatch) -> None:
        """Add what another watch of the same model saw of other posts."""
        self.n_posts += other.n_posts
        self.n_without_text += other.n_without_text
        self.n_unknown_language += other.n_unknown_language
        self._keep(
            {
                key: one
                for key, one in other.kept.items()
                if key not in self.kept or one.post_id < self.kept[key].post_id
            }
        )

    def result(self, *, alpha: float = ALPHA) -> Drift:
        """Compare the sample, near-duplicates left out, with what the model keeps."""
        sample = [self.kept[key] for key in sorted(self.kept)]
        copies = near_duplicates([one.post_id for one in sample], [one.text for one in sample])
        sample = [one for one, first in zip(sample, copies, strict=True) if first is None]
        k = len(self.scorer.classifier.label_ids)
        scored = [one for one in sample if one.vector is not None]
        new = NewPosts(
            n_posts=self.n_posts,
            n_without_text=self.n_without_text,
            n_unknown_language=self.n_unknown_language,
            languages=tuple(one.lang for one in sample),
            vectors=_stacked([one.vector for one in scored], self.scorer.encoder.dimension),
            decided=_stacked([one.decided for one in scored], k).astype(np.bool_),
            carries=_stacked([one.carries for one in scored], k).astype(np.bool_),
        )
        return drift(self.scorer.bundle.reference, new, model=self.scorer.title, alpha=alpha)

    def _keep(self, came: dict[bytes, Kept]) -> None:
        """Keep the smallest keys of what was kept and what came."""
        together = self.kept | came
        self.kept = {key: together[key] for key in sorted(together)[:MOST]}

    def _embed(self) -> None:
        bare = [k for k, one in self.kept.items() if one.decided is not None and one.vector is None]
        if not bare:
            return
        vectors = view_vectors(
            [self.kept[key].post_id for key in bare],
            [self.kept[key].text for key in bare],
            ("embedding",),
            self.scorer.encoder,
            cache=self.cache,
        )["embedding"]
        for key, vector in zip(bare, vectors, strict=True):
            self.kept[key] = replace(self.kept[key], vector=vector)


def _kept(post: Post) -> Kept:
    return Kept(post.post_id, post.model_text or "", post.lang or "")


def _with_scores(one: Kept, scores: Scores, i: int) -> Kept:
    """Return `one` with what the model said of it, row `i`; as it is, where it has no score."""
    if scores.reasons[i]:
        return one
    decided = np.isfinite(scores.probability[i]) & ~scores.abstained[i]
    return replace(one, decided=decided, carries=scores.decision[i] & decided)


def _stacked(rows: Sequence[NDArray[np.generic] | None], width: int) -> NDArray[np.float32]:
    found = [row for row in rows if row is not None]
    return np.stack(found).astype(np.float32) if found else np.zeros((0, width), np.float32)
