"""Evidence of scored posts: which sentences carry each decision, and where the post has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from narraframe.classifiers.evidence import find_evidence
from narraframe.classifiers.structure import build_structure
from narraframe.embeddings.chunks import split_sentences
from narraframe.embeddings.embed import VectorCache
from narraframe.posts.homoglyphs import repair_homoglyphs
from narraframe.posts.prepare import prepare
from narraframe.records import Post, Scores
from narraframe.workflows.scorer import Scorer

_EDGE = 1e-6  # nearest to 0 and 1 that a float32 probability is told apart
_WORDS = re.compile(r"[^\W_]+")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of evidence: as the model read it, its `weight` (see `classifiers.evidence`), and
    the code points [start, end) of the post's `text`; None where it is not to be found there.
    """

    sentence: str
    weight: float
    start: int | None
    end: int | None

    @property
    def span(self) -> Span | None:
        """Where it stands in the post's text, if it does."""
        return None if self.start is None or self.end is None else (self.start, self.end)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a post has a label; `left` as of `classifiers.evidence.Evidence`."""

    post_id: str
    label_id: str
    quotes: tuple[Quote, ...]
    left: float


def explain(
    scorer: Scorer,
    posts: Sequence[Post],
    scores: Scores,
    *,
    check: bool = False,
    cache: VectorCache | None = None,
) -> tuple[Explanation, ...]:
    """Give the evidence of each decision; none where the model left one open.

    Parameters
    ----------
    scorer : Scorer
        What made the scores.
    posts : sequence of Post of length n
        Raw or prepared; offsets count along the `text` that they have here.
    scores : Scores
        Of these posts, in this order.
    check : bool, default=False
        Delete the evidence and score what is left; see `find_evidence`.
    cache : VectorCache, default=None
        Vectors of the scorer's encoder; it may hold those of sentences.

    Returns
    -------
    tuple of Explanation
        One for each decision, by post, then in the order of the labels.
    """
    if scores.post_ids != tuple(post.post_id for post in posts):
        raise ValueError("the scores are not those of these posts, in this order")
    texts = [post.model_text or "" for post in prepare(posts)]
    sentences = [sentence_spans(text) for text in texts]
    found = find_evidence(
        texts,
        sentences,
        _margins(scores, scorer),
        scores.decision & ~scores.abstained,
        lambda asked: _margins(_score(scorer, asked, cache), scorer),
        links=_links(scorer),
        check=check,
    )
    places = {
        i: dict(zip(sentences[i], locate(texts[i], sentences[i], posts[i].text), strict=True))
        for i in {one.row for one in found}
    }

    def quote(row: int, start: int, end: int, weight: float) -> Quote:
        place = places[row][start, end]
        return Quote(texts[row][start:end], weight, *(place or (None, None)))

    return tuple(
        Explanation(
            post_id=posts[one.row].post_id,
            label_id=scores.label_ids[one.column],
            quotes=tuple(quote(one.row, s.start, s.end, s.weight) for s in one.sentences),
            left=one.left,
        )
        for one in found
    )


def sentence_spans(text: str) -> list[Span]:
    """Return the sentences that hold a word, without outer space, as (start, end)."""
    spans, at = [], 0
    for sentence in split_sentences(text):
        bare = sentence.strip()
        if _WORDS.search(bare):
            start = at + sentence.index(bare)
            spans.append((start, start + len(bare)))
        at += len(sentence)
    # A text of signs alone is still what was scored.
    return spans or ([(0, len(text))] if text else [])


def locate(model_text: str, sentences: Sequence[Span], text: str) -> list[Span | None]:
    """Find sentences of a post's `model_text` in its `text`, by their letters and digits alone.

    What `posts.model_text` takes out or changes between them (marks, emoji, outer space, camel case
    of hashtags) does not count. A sentence that lost words, such as a link, is not found.

    Parameters
    ----------
    model_text : str
    sentences : sequence of (start, end)
        In order, code points of `model_text`.
    text : str
        The post's own text.

    Returns
    -------
    list of (start, end) or None
        Code points of `text`, with the signs at both ends of the sentence that stand there too.
    """
    mended = repair_homoglyphs(text)  # of the same length
    words = [match.span() for match in _WORDS.finditer(mended)]
    letters = [at for word in words for at in range(*word)]
    bare = "".join(mended[at] for at in letters)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    found: list[Span | None] = []
    after = 0
    for start, end in sentences:
        sentence = model_text[start:end]
        key = "".join(_WORDS.findall(sentence))
        # From the sentence before on; from the beginning if that one was found too late.
        for at in chain(_occurrences(bare, key, after), _occurrences(bare, key, 0)):
            span = letters[at], letters[at + len(key) - 1] + 1
            if span[0] in starts and span[1] in ends:
                after = at + len(key)
                found.append(_with_signs(text, span, sentence))
                break
        else:
            found.append(None)
    return found


def _occurrences(bare: str, key: str, after: int) -> Iterator[int]:
    at = bare.find(key, after) if key else -1
    while at >= 0:
        yield at
        at = bare.find(key, at + 1)


def _with_signs(text: str, span: Span, sentence: str) -> Span:
    """Widen the span by the signs before and after the words of the sentence, as far as alike."""
    words = list(_WORDS.finditer(sentence))
    before, after = sentence[: words[0].start()], sentence[words[-1].end() :]
    start = span[0] - len(before) if text[: span[0]].endswith(before) else span[0]
    end = span[1] + len(after) if text.startswith(after, span[1]) else span[1]
    return start, end


def _links(scorer: Scorer) -> tuple[tuple[int, int], ...]:
    labels = scorer.bundle.codebook.labels
    parents = {label.label_id: label.parent for label in labels if label.parent is not None}
    return build_structure(scorer.classifier.label_ids, parents=parents, single_choice=()).links


def _score(scorer: Scorer, texts: Sequence[str], cache: VectorCache | None) -> Scores:
    """Score texts as they stand: they are parts of prepared ones, in a language let through."""
    posts = [Post(post_id=str(i), text=t, model_text=t) for i, t in enumerate(texts)]
    return scorer.score(posts, cache=cache)


def _margins(scores: Scores, scorer: Scorer) -> NDArray[np.float64]:
    """Return how far each logit is above the least that decides: the threshold's or, of a label of
    a single-choice facet, that of its strongest rival, "none" included. float64 (n, k).
    """
    p, codebook = scores.probability.astype(np.float64), scorer.bundle.codebook
    needed = np.broadcast_to(scores.thresholds, p.shape).copy()
    for facet in (facet for facet in codebook.facets if facet.choice == "single"):
        ids = codebook.facet_label_ids(facet.facet_id)
        leaves = [j for j, i in enumerate(scores.label_ids) if i in ids and i in codebook.leaf_ids]
        of_leaves = np.nan_to_num(p[:, leaves])
        rivals = np.column_stack([of_leaves, 1 - of_leaves.sum(axis=1)])
        for at, j in enumerate(leaves):
            others = np.delete(rivals, at, axis=1).max(axis=1)
            needed[:, j] = np.maximum(needed[:, j], others)
    return _logit(p) - _logit(needed)


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(p, _EDGE, 1 - _EDGE)))
