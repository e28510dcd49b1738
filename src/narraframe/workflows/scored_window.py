"""One window of posts through a model: the rows of its scores, and what they come to.

The one computation that every way of scoring shares: the stream of one process and the blocks of a
cluster. The rows of a window do not depend on what else is scored beside it. An item is a post, or
a record that could not be read as one: that has a row too, which says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from narraframe.embeddings.embed import VectorCache
from narraframe.io.scores import Sentence, add_evidence, score_rows, unscored_rows
from narraframe.posts.prepare import prepare
from narraframe.records import Post, Scores
from narraframe.workflows.evidence import Quote, explain
from narraframe.workflows.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Unscored:
    """What was read but is no post to score: `post_id` is its place, `kind` and `what` say why."""

    post_id: str
    kind: str
    what: str

    @property
    def reason(self) -> str:
        """As the column `reason` has it."""
        return f"{self.kind}: {self.what}"


Item = Post | Unscored


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What scored posts come to; tallies of several windows are added up.

    `n_posts` counts all items. `reasons` counts those without a score (records that are no post by
    their kind), `decisions` the posts to which a label applies (labels that the model has not
    learnt are not in it), `n_abstained` the decisions left open, `n_strange` the scored posts in
    languages that the encoder was not made for, `n_seen` the copies of training posts.
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

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON can hold; `from_record` undoes it."""
        counted = {"reasons": dict(self.reasons), "decisions": dict(self.decisions)}
        return vars(self) | counted

    @staticmethod
    def from_record(record: dict[str, Any]) -> Tally:
        """Return the tally that `as_record` was asked of."""
        counted = {name: Counter(record[name]) for name in ("reasons", "decisions")}
        return Tally(**record | counted)


@dataclass(frozen=True)
class ScoredWindow:
    """The `rows` of a window (table SCORES or EXPLAINED, in the items' order) and its `tally`;
    `scores` are those of its `posts`, in their order.
    """

    rows: pa.Table
    tally: Tally
    posts: Sequence[Post]
    scores: Scores


def posts_of(items: Iterable[Item]) -> list[Post]:
    """Return the posts among the items."""
    return [item for item in items if isinstance(item, Post)]


def prepared(items: Iterable[Item]) -> list[Item]:
    """Return the items with their posts prepared; see `posts.prepare`."""
    held = list(items)
    ready = prepare(posts_of(held))
    return [next(ready) if isinstance(item, Post) else item for item in held]


def score_window(
    scorer: Scorer,
    items: Sequence[Item],
    *,
    cache: VectorCache | None = None,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    evidence: bool = False,
) -> ScoredWindow:
    """Score posts, and give every other item its row.

    Parameters
    ----------
    scorer : Scorer
    items : sequence of Post or Unscored
        Posts raw or prepared (`posts.prepare`).
    cache : VectorCache, default=None
        Vectors of the scorer's encoder.
    vectors : mapping, default=None
        Those of the posts, if `scorer.embed` was asked before.
    evidence : bool, default=False
        Whether to name the sentences that carry each decision: rows of the table EXPLAINED.
    """
    posts = list(prepare(posts_of(items)))
    scores = scorer.score(posts, cache=cache, vectors=vectors)
    names = {label.label_id: label.name for label in scorer.bundle.codebook.labels}
    rows = score_rows(scores, names=names, reasons=scorer.classifier.reasons)
    tally = _tally(scores, posts, scorer)
    others = [item for item in items if not isinstance(item, Post)]
    if others:
        more = unscored_rows(
            [item.post_id for item in others], [item.reason for item in others], scorer.title
        )
        at = np.array([isinstance(item, Post) for item in items])
        rows = _interleaved(rows, more, at, _rows_each(scores))
        kinds = Counter(item.kind for item in others)
        tally += Tally(n_posts=len(others), reasons=kinds)
    if evidence:
        rows = add_evidence(rows, _sentences(scorer, posts, scores, cache))
    return ScoredWindow(rows, tally, posts, scores)


def _rows_each(scores: Scores) -> NDArray[np.intp]:
    """Return how many rows each post has."""
    k = len(scores.label_ids)
    return np.array([1 if reason else k for reason in scores.reasons], dtype=np.intp)


def _interleaved(
    rows: pa.Table, more: pa.Table, is_post: NDArray[np.bool_], rows_each: NDArray[np.intp]
) -> pa.Table:
    """Put the rows of posts and the single rows of other items into the items' order."""
    size = np.ones(len(is_post), dtype=np.intp)
    size[is_post] = rows_each
    of_post = np.repeat(is_post, size)
    place = np.empty(len(of_post), dtype=np.intp)
    place[of_post] = np.arange(rows.num_rows)
    place[~of_post] = rows.num_rows + np.arange(more.num_rows)
    return pa.concat_tables([rows, more]).take(pa.array(place)).combine_chunks()


def _sentences(
    scorer: Scorer, posts: Sequence[Post], scores: Scores, cache: VectorCache | None
) -> dict[tuple[str, str], list[Sentence]]:
    """Quote the posts' own words where they are found, else what the model read."""
    texts = {post.post_id: post.text for post in posts}

    def said(post_id: str, quote: Quote) -> Sentence:
        span = quote.span
        return (" ".join(texts[post_id][slice(*span)].split()) if span else quote.sentence), span

    return {
        (one.post_id, one.label_id): [said(one.post_id, quote) for quote in one.quotes]
        for one in explain(scorer, posts, scores, cache=cache)
    }


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
