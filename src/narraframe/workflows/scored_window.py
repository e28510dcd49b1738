"""One window of posts through a model: the rows of its scores, and what they come to.

The one computation that every way of scoring shares: the stream of one process and the blocks of a
cluster. The rows of a window do not depend on what else is scored beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from narraframe.embeddings.embed import VectorCache
from narraframe.io.scores import score_rows
from narraframe.records import Post, Scores
from narraframe.workflows.scorer import Scorer


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What scored posts come to; tallies of several windows are added up.

    `reasons` counts the posts without a score, `decisions` those to which a label applies (labels
    that the model has not learnt are not in it), `n_abstained` the decisions left open, `n_strange`
    the scored posts in languages that the encoder was not made for, `n_seen` the copies of training
    posts.
    """

    n_posts: int = 0
    n_scored: int = 0
    n_seen: int = 0
    n_strange: int = 0
    n_abstained: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        # Counter's own + drops what counts 0: a label that applies to no post is still learnt
        reasons, decisions = Counter(self.reasons), Counter(self.decisions)
        reasons.update(other.reasons)
        decisions.update(other.decisions)
        return Tally(
            n_posts=self.n_posts + other.n_posts,
            n_scored=self.n_scored + other.n_scored,
            n_seen=self.n_seen + other.n_seen,
            n_strange=self.n_strange + other.n_strange,
            n_abstained=self.n_abstained + other.n_abstained,
            reasons=reasons,
            decisions=decisions,
        )


@dataclass(frozen=True)
class ScoredWindow:
    """The `rows` of a window (table SCORES, in the posts' order) and its `tally`."""

    rows: pa.Table
    tally: Tally


def score_window(
    scorer: Scorer, posts: Sequence[Post], *, cache: VectorCache | None = None
) -> ScoredWindow:
    """Score prepared posts.

    Parameters
    ----------
    scorer : Scorer
    posts : sequence of Post
        Prepared (`posts.prepare`).
    cache : VectorCache, default=None
        Vectors of the scorer's encoder.
    """
    scores = scorer.score(posts, cache=cache)
    names = {label.label_id: label.name for label in scorer.bundle.codebook.labels}
    rows = score_rows(scores, names=names, reasons=scorer.classifier.reasons)
    return ScoredWindow(rows, _tally(scores, posts, scorer))


def _tally(scores: Scores, posts: Sequence[Post], scorer: Scorer) -> Tally:
    scored = [i for i, reason in enumerate(scores.reasons) if not reason]
    learnt = np.isfinite(scores.probability).any(axis=0)
    decided = scores.decision & ~scores.abstained
    strange = scorer.bundle.record.strange_languages
    return Tally(
        n_posts=len(posts),
        n_scored=len(scored),
        n_seen=int(scorer.has_seen(posts).sum()),
        n_strange=sum(1 for i in scored if posts[i].lang in strange),
        n_abstained=int(scores.abstained.sum()),
        reasons=Counter(reason for reason in scores.reasons if reason),
        decisions=Counter(
            {scores.label_ids[j]: int(decided[:, j].sum()) for j in np.flatnonzero(learnt)}
        ),
    )
