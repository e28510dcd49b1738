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

from narraframe.classifiers.classifier import Classifier
from narraframe.embeddings.embed import VectorCache
from narraframe.io.scores import Sentence, add_evidence, score_rows
from narraframe.records import Post, Scores
from narraframe.workflows.evidence import Quote, explain
from narraframe.workflows.scorer import Scorer
from narraframe.workflows.train_notes import never_note


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
    """The `rows` of a window (table SCORES or EXPLAINED, in the posts' order) and its `tally`."""

    rows: pa.Table
    tally: Tally


def score_window(
    scorer: Scorer,
    posts: Sequence[Post],
    *,
    cache: VectorCache | None = None,
    evidence: bool = False,
) -> ScoredWindow:
    """Score prepared posts.

    Parameters
    ----------
    scorer : Scorer
    posts : sequence of Post
        Prepared (`posts.prepare`).
    cache : VectorCache, default=None
        Vectors of the scorer's encoder.
    evidence : bool, default=False
        Whether to name the sentences that carry each decision: rows of the table EXPLAINED.
    """
    scores = scorer.score(posts, cache=cache)
    names = {label.label_id: label.name for label in scorer.bundle.codebook.labels}
    rows = score_rows(scores, names=names, reasons=scorer.classifier.reasons)
    if evidence:
        rows = add_evidence(rows, _sentences(scorer, posts, scores, cache))
    return ScoredWindow(rows, _tally(scores, posts, scorer))


def warnings_of(tally: Tally, classifier: Classifier) -> list[str]:
    """Say what has to be known of scores before they are believed."""
    found = []
    silent = [i for i in classifier.label_ids if i not in tally.decisions]
    if silent and tally.n_scored:
        found.append(f"not learnt by the model, so not counted: {', '.join(silent)}")
    found += never_note(classifier)
    if tally.n_abstained:
        found.append(f"{tally.n_abstained:,} decisions were left open, as too close to call")
    if tally.n_strange:
        found.append(
            f"{tally.n_strange:,} of {tally.n_posts:,} posts are in languages that the encoder "
            "was not made for: word counts carry the model there"
        )
    if tally.n_seen:
        found.append(
            f"{tally.n_seen:,} of {tally.n_posts:,} posts are copies or near-copies of the "
            "model's training posts: their scores look better than those of new posts would"
        )
    return found


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
