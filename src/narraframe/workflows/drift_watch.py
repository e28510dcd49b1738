"""A watch on drift: looks on while posts stream by, and keeps a sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.embed import VectorCache
from narraframe.metrics.drift import ALPHA
from narraframe.records import Drift, Post, Scores
from narraframe.workflows.drift_reference import text_keys
from narraframe.workflows.drift_sample import DriftSample, Kept, drift_of, smallest
from narraframe.workflows.scorer import Scorer
from narraframe.workflows.vectors import view_vectors

_EMBEDDING = "embedding"


@dataclass
class DriftWatch:
    """Looks on while `scorer` scores, window by window, and says at the end whether there is drift.

    Only posts that come to be kept are embedded, unless their vectors are at hand.
    """

    scorer: Scorer
    cache: VectorCache | None = None
    sample: DriftSample = field(default_factory=DriftSample)

    def update(
        self,
        posts: Sequence[Post],
        scores: Scores | None = None,
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """Look at a window.

        Parameters
        ----------
        posts : sequence of Post
            Prepared.
        scores : Scores, default=None
            Theirs, in the same order. None, as of posts that were scored by a run that stopped:
            those that come to be kept are scored here.
        vectors : mapping, default=None
            Those of the posts that have a score, as `Scorer.embed` returns them.
        """
        before = self.sample
        worded = [i for i, post in enumerate(posts) if post.model_text]
        known = self.scorer.bundle.record.languages
        keys = text_keys([posts[i].model_text or "" for i in worded], salt=b"new")
        came: dict[bytes, Kept] = {}
        at: dict[bytes, int] = {}
        for key, i in zip(keys, worded, strict=True):
            post = posts[i]
            # of equal texts the one with the smallest id, so that the order does not matter
            same = came.get(key) or before.kept.get(key)
            if same is not None and same.post_id <= post.post_id:
                continue
            came[key] = Kept(post.post_id, post.model_text or "", post.lang or "")
            at[key] = i
        kept = smallest({**before.kept, **came})
        new = [key for key, one in came.items() if kept.get(key) is one]
        rows = [at[key] for key in new]
        if scores is None:
            scores = self.scorer.score([posts[i] for i in rows], cache=self.cache)
            rows, vectors = list(range(len(new))), None
        for key, i in zip(new, rows, strict=True):
            kept[key] = _with_scores(kept[key], scores, i)
        if vectors is not None and _EMBEDDING in vectors:
            place = np.cumsum([not reason for reason in scores.reasons]) - 1  # among the scored
            for key, i in zip(new, rows, strict=True):
                if kept[key].decided is not None:
                    kept[key] = replace(kept[key], vector=vectors[_EMBEDDING][place[i]])
        self.sample = DriftSample(
            n_posts=before.n_posts + len(posts),
            n_without_text=before.n_without_text + len(posts) - len(worded),
            n_unknown_language=before.n_unknown_language
            + sum(1 for i in worded if posts[i].lang not in (None, *known)),
            kept=self._embedded(kept),
        )

    def result(self, *, alpha: float = ALPHA) -> Drift:
        """Compare the sample with what the model keeps."""
        reference = self.scorer.bundle.reference
        return drift_of(self.sample, reference, model=self.scorer.title, alpha=alpha)

    def _embedded(self, kept: dict[bytes, Kept]) -> dict[bytes, Kept]:
        """Give those that were scored their vectors."""
        bare = [key for key, one in kept.items() if one.decided is not None and one.vector is None]
        if not bare:
            return kept
        vectors = view_vectors(
            [kept[key].post_id for key in bare],
            [kept[key].text for key in bare],
            (_EMBEDDING,),
            self.scorer.encoder,
            cache=self.cache,
        )[_EMBEDDING]
        found = zip(bare, vectors, strict=True)
        return kept | {key: replace(kept[key], vector=vector) for key, vector in found}


def _with_scores(one: Kept, scores: Scores, i: int) -> Kept:
    """Return `one` with what the model said of it, row `i`; as it is, where it has no score."""
    if scores.reasons[i]:
        return one
    decided = np.isfinite(scores.probability[i]) & ~scores.abstained[i]
    return replace(one, decided=decided, carries=scores.decision[i] & decided)
