"""Who pre-annotates: the champion of the workspace or, where there is none yet, its codebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.annotations.likeness import (
    Likeness,
    descriptions,
    fit_likeness,
    score_likeness,
)
from narraframe.annotations.ticks import Ticks, tick
from narraframe.config import Workspace
from narraframe.embeddings.embed import VectorCache, embed_posts
from narraframe.embeddings.encoder import Encoder
from narraframe.errors import UsageError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.codebook import read_codebook
from narraframe.io.registry import Registered, find_model, model_titles
from narraframe.posts.prepare import prepare
from narraframe.records import Codebook, Post, Scores
from narraframe.workflows.embedding import open_encoder
from narraframe.workflows.promote import CHAMPION
from narraframe.workflows.scorer import NO_TEXT, open_registered
from narraframe.workflows.watch import Watch


@dataclass(frozen=True)
class Source:
    """What pre-annotations come of: the `model`, None = the codebook, and the page's `codebook`."""

    model: Registered | None
    codebook: Codebook


@dataclass(frozen=True)
class Preannotated:
    """For each post what its page shows as ticked, None where nothing; `reasons` say why."""

    predictions: tuple[Ticks | None, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Preannotator:
    """A model ready to pre-annotate; `model_version` is the scorer's title, or the codebook's.

    `score` takes raw or prepared posts; `codebook` is the one that the labelling page is made from.
    """

    model_version: str
    codebook: Codebook
    score: Callable[[Sequence[Post]], Scores]
    watch: Watch

    def preannotate(self, posts: Sequence[Post]) -> list[Ticks | None]:
        """Return what each page shows as ticked; None for a post without a score, counted aloud."""
        found = self.explained(posts)
        for reason, n in Counter(filter(None, found.reasons)).items():
            self.watch.warn(f"{n:,} of {len(posts):,} posts are not pre-annotated: {reason}")
        return list(found.predictions)

    def explained(self, posts: Sequence[Post]) -> Preannotated:
        """Return what each page shows as ticked, and why nothing where there is no score."""
        scores = self.score(posts)
        found = tick(scores, self.codebook)
        stranger = f"{self.model_version} knows no label of codebook {self.codebook.version}"
        reasons = tuple(
            "" if one is not None else reason or stranger
            for one, reason in zip(found, scores.reasons, strict=True)
        )
        return Preannotated(found, reasons)


def open_preannotator(workspace: Workspace, model_uri: str | None, *, watch: Watch) -> Preannotator:
    """Make the workspace's pre-annotator ready.

    Parameters
    ----------
    workspace : Workspace
        Its codebook is the one that the labelling page is made from.
    model_uri : str or None
        None: the champion, if one model has one; without a champion the codebook itself, by the
        likeness of posts to what it says of its labels.
    watch : Watch
        Shown what is loaded, and told of posts that get no pre-annotation.

    Raises
    ------
    CodebookError
        If there is no codebook, or it has faults.
    ModelError, EncoderError
        If `model_uri` names no model, or the model or its encoder cannot be loaded.
    UsageError
        If several models have a champion.
    """
    return open_source(find_source(workspace, model_uri), workspace, watch=watch)


def find_source(workspace: Workspace, model_uri: str | None) -> Source:
    """Find out what is to pre-annotate now, without loading it; errors as `open_preannotator`."""
    codebook = read_codebook(workspace.codebook)
    uri = model_uri or _champion(workspace)
    return Source(find_model(workspace.store, uri) if uri else None, codebook)


def open_source(source: Source, workspace: Workspace, *, watch: Watch) -> Preannotator:
    """Load what `find_source` found; errors as `open_preannotator`."""
    if source.model is None:
        return _by_codebook(source.codebook, workspace, watch=watch)
    scorer = open_registered(source.model, workspace=workspace, watch=watch)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)

    def score(posts: Sequence[Post]) -> Scores:
        return scorer.score(posts, cache=cache)

    return Preannotator(scorer.title, source.codebook, score, watch)


def _champion(workspace: Workspace) -> str | None:
    titles = [title.split() for title in model_titles(workspace.store)]
    names = [name for name, *aliases in titles if any(_is_champion(alias) for alias in aliases)]
    if len(names) > 1:
        raise UsageError(
            "several models have a champion",
            where=workspace.store,
            got=", ".join(names),
            remedy=f"Say which by --model, for example models:/{names[0]}@{CHAMPION}.",
        )
    return f"models:/{names[0]}@{CHAMPION}" if names else None


def _is_champion(alias: str) -> bool:
    return alias.partition("=")[0] == f"@{CHAMPION}"


def _by_codebook(codebook: Codebook, workspace: Workspace, *, watch: Watch) -> Preannotator:
    encoder = open_encoder(workspace, watch=watch)
    cache = EmbeddingCache(workspace.cache, encoder.name)
    texts = descriptions(codebook)
    label_ids = [label_id for label_id, _ in texts]
    vectors = (
        embed_posts(label_ids, [text for _, text in texts], encoder, cache=cache).vectors
        if texts
        else np.zeros((0, encoder.dimension), dtype=np.float32)
    )
    likeness = fit_likeness(label_ids, vectors)
    if not likeness.label_ids:
        watch.warn(
            "nothing is pre-annotated: there is no champion, and the codebook describes too few "
            "labels to go by. Add definitions and examples to it, or promote a model."
        )
    title = f"codebook-{codebook.version}"

    def score(posts: Sequence[Post]) -> Scores:
        return _scores(posts, likeness, encoder, cache=cache, title=title)

    return Preannotator(title, codebook, score, watch)


def _scores(
    posts: Sequence[Post], likeness: Likeness, encoder: Encoder, *, cache: VectorCache, title: str
) -> Scores:
    ready = list(prepare(posts))
    reasons = tuple(_reason(post, encoder) for post in ready)
    shape = (len(ready), len(likeness.label_ids))
    probability = np.full(shape, np.nan, dtype=np.float32)
    decision = np.zeros(shape, dtype=np.bool_)
    rows = [i for i, reason in enumerate(reasons) if not reason]
    if rows:
        ids, texts = [ready[i].post_id for i in rows], [ready[i].model_text or "" for i in rows]
        vectors = embed_posts(ids, texts, encoder, cache=cache).vectors
        alike = score_likeness(likeness, vectors)
        probability[rows], decision[rows] = alike.p, alike.decision
    return Scores(
        post_ids=tuple(post.post_id for post in ready),
        label_ids=likeness.label_ids,
        probability=probability,
        decision=decision,
        abstained=np.zeros(shape, dtype=np.bool_),
        thresholds=np.full(len(likeness.label_ids), 0.5),
        reasons=reasons,
        model=title,
    )


def _reason(post: Post, encoder: Encoder) -> str:
    if not post.model_text:
        return NO_TEXT
    if encoder.languages is None or post.lang is None or post.lang in encoder.languages:
        return ""
    return f"language {post.lang!r} is not one that the encoder was made for"
