"""Posts held out for the evidence benchmark, and a model that never saw them or a copy of them."""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from label_queue_sets import DATA, ENCODER, embed
from numpy.typing import NDArray
from scipy.special import expit, logit

from narraframe.annotations.splits import grouped_folds
from narraframe.classifiers.fit import fit_classifier
from narraframe.classifiers.predict import predict
from narraframe.classifiers.settings import HeadSettings
from narraframe.embeddings.sentence import SentenceEncoder, load_encoder
from narraframe.posts.copies import copy_groups
from narraframe.posts.prepare import prepare
from narraframe.records import Post
from narraframe.workflows.evidence import Span, sentence_spans

SETTINGS = HeadSettings(features=("embedding", "words", "characters"))
EDGE = 1e-6
Cell = tuple[int, int]


@dataclass
class HeldOut:
    """Posts, and what a model that never saw them or a copy of them says of any text."""

    texts: list[str]
    raw: list[str]
    marked: list[list[Span] | None]
    sentences: list[list[Span]]
    groups: NDArray[np.intp]
    above: NDArray[np.float64]
    cuts: NDArray[np.float64]
    score: Callable[[Sequence[str]], NDArray[np.float64]]
    known: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def decision(self) -> NDArray[np.bool_]:
        return self.above >= 0

    @property
    def cells(self) -> list[Cell]:
        return [(int(i), int(j)) for i, j in np.argwhere(self.decision)]

    def ask(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return logits (m, k); each distinct text is encoded once in the whole benchmark."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.score(new), strict=True))
        return np.array([self.known[t] for t in texts]).reshape(len(texts), len(self.cuts))

    def probability(self, wanted: Sequence[tuple[str, int]]) -> NDArray[np.float64]:
        """Return the probability (m,) of a label in a text; nan for a text without words."""
        found = np.full(len(wanted), np.nan)
        rows = [at for at, (text, _) in enumerate(wanted) if any(map(str.isalnum, text))]
        scores = self.ask([wanted[at][0] for at in rows])
        found[rows] = expit(scores[np.arange(len(rows)), [wanted[at][1] for at in rows]])
        return found

    def kept(self, i: int, s: int) -> str:
        start, end = self.sentences[i][s]
        return self.texts[i][start:end]

    def without(self, i: int, spans: Sequence[Span]) -> str:
        text = self.texts[i]
        for start, end in sorted(spans, reverse=True):
            text = text[:start] + text[end:]
        return text.strip()


def hold_out(name: str, options: argparse.Namespace) -> HeldOut:
    rng = np.random.default_rng(options.seed)
    with gzip.open(DATA / name / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [rows[i] for i in np.sort(rng.permutation(len(rows))[: options.read])]
    raw = (Post(post_id=str(i), text=row["text"], lang=row["lang"]) for i, row in enumerate(rows))
    posts = [post for post in prepare(raw) if post.model_text]
    rows = [rows[int(post.post_id)] for post in posts]
    texts = [post.model_text or "" for post in posts]
    label_ids = tuple(sorted({label for row in rows for label in row["labels"]}))
    y = np.array([[i in row["labels"] for i in label_ids] for row in rows], dtype=np.int8)
    groups = copy_groups(texts)
    sentences = [sentence_spans(text) for text in texts]
    marked = "spans" in rows[0]
    can = [
        len(s) > 1 and (not marked or bool(r["spans"]))
        for s, r in zip(sentences, rows, strict=True)
    ]
    test = np.sort(rng.permutation(np.flatnonzero(can))[: options.posts])
    train = np.flatnonzero(~np.isin(groups, groups[test]))
    vectors = embed(tuple(texts), options.cache / f"evidence_{name}.npy")
    encoder = load_encoder(ENCODER)
    score, cuts = learn(texts, vectors, y, groups, label_ids, train, encoder)
    above = score([texts[i] for i in test]) - cuts
    return HeldOut(
        texts=[texts[i] for i in test],
        raw=[rows[i]["text"] for i in test],
        marked=[rows[i].get("spans") for i in test],
        sentences=[sentences[i] for i in test],
        groups=groups[test],
        above=above,
        cuts=cuts,
        score=score,
    )


def learn(
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    y: NDArray[np.int8],
    groups: NDArray[np.intp],
    label_ids: tuple[str, ...],
    train: NDArray[np.intp],
    encoder: SentenceEncoder,
) -> tuple[Callable[[Sequence[str]], NDArray[np.float64]], NDArray[np.float64]]:
    """Return what scores texts, and each label's cut, both in logits."""
    classifier = fit_classifier(
        {"embedding": vectors[train]},
        [texts[i] for i in train],
        y[train],
        np.ones_like(y[train], dtype=np.bool_),
        label_ids,
        groups=groups[train],
        settings=SETTINGS,
        make_folds=partial(grouped_folds, n_folds=5),
        parents={},
        single_choice=(),
    )

    def score(asked: Sequence[str]) -> NDArray[np.float64]:
        vectors = {"embedding": encoder.encode(list(asked))}
        found = predict(classifier, vectors, list(asked)).probability
        return logit(np.clip(found.astype(np.float64), EDGE, 1 - EDGE))

    return score, logit(np.clip(classifier.thresholds, EDGE, 1 - EDGE))
