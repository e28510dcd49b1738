"""A registered model made ready: posts in, scores out, with a reason where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.classifier import Classifier, from_parts
from narraframe.classifiers.predict import predict
from narraframe.config import EncoderSettings, Workspace
from narraframe.embeddings.encoder import Encoder, VectorCache, stands_in
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import ModelError
from narraframe.io.models import Bundle, load_bundle
from narraframe.io.registry import Registered
from narraframe.posts.prepare import prepare
from narraframe.records import Post, Scores
from narraframe.workflows.precision import open_precisely
from narraframe.workflows.seen import is_seen
from narraframe.workflows.vectors import view_vectors
from narraframe.workflows.watch import Watch

NO_TEXT = "no text"


@dataclass(frozen=True)
class Scorer:
    """A model with its encoder; `title` is "name/version@digest", which no other model has.

    `warning` is what is to be said of the encoder's precision, "" = nothing; `tuned` is the encoder
    as it was tuned in training, where the model has such a view.
    """

    bundle: Bundle
    classifier: Classifier
    encoder: Encoder
    title: str
    warning: str = ""
    tuned: Encoder | None = None

    def embed(
        self,
        posts: Sequence[Post],
        *,
        cache: VectorCache | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the vectors that the model needs of those prepared posts that get a score."""
        scored = [post for post in posts if not self._reason(post)]
        return view_vectors(
            [post.post_id for post in scored],
            [post.model_text or "" for post in scored],
            self.classifier.settings.features,
            self.encoder,
            cache=cache,
            tuned=self.tuned,
            progress=progress,
        )

    def score(
        self,
        posts: Sequence[Post],
        *,
        cache: VectorCache | None = None,
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> Scores:
        """Score raw or prepared posts, in their order; `vectors` as `embed` returned them."""
        ready = list(prepare(posts))
        reasons = tuple(self._reason(post) for post in ready)
        shape = (len(ready), len(self.classifier.label_ids))
        probability = np.full(shape, np.nan, dtype=np.float32)
        decision, abstained = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        rows = [i for i, reason in enumerate(reasons) if not reason]
        if rows:
            if vectors is None:
                vectors = self.embed(ready, cache=cache)
            texts = [ready[i].model_text or "" for i in rows]
            found = predict(self.classifier, vectors, texts)
            probability[rows], abstained[rows] = found.probability, found.abstained
            decision[rows] = found.decision
        return Scores(
            post_ids=tuple(post.post_id for post in ready),
            label_ids=self.classifier.label_ids,
            probability=probability,
            decision=decision,
            abstained=abstained,
            thresholds=self.classifier.thresholds,
            reasons=reasons,
            model=self.title,
        )

    def has_seen(self, posts: Sequence[Post]) -> NDArray[np.bool_]:
        """Tell which prepared posts are copies or near-copies of training posts; shape (n,)."""
        return is_seen([post.model_text or "" for post in posts], self.bundle.seen)

    def _reason(self, post: Post) -> str:
        """Say why a post gets no score; "" if it gets one. An unsure language is let through."""
        if not post.model_text:
            return NO_TEXT
        record = self.bundle.record
        if record.any_language or post.lang is None or post.lang in record.languages:
            return ""
        return f"language {post.lang!r} is not one that the model learnt"


def open_registered(found: Registered, *, workspace: Workspace, watch: Watch) -> Scorer:
    """Load a registered model, by the encoder settings; errors as `open_folder`."""
    with watch.stage(f"load {found.title}", unit="model"):
        scorer = open_folder(found.folder, title=found.title, settings=workspace.config.encoder)
    if scorer.warning:
        watch.warn(scorer.warning)
    return scorer


def open_folder(
    folder: Path, *, title: str = "", settings: EncoderSettings | None = None
) -> Scorer:
    """Load the model in `folder` and the encoder that it was trained with.

    The encoder computes in the precision of the training, or in one that stands in for it.

    Raises
    ------
    ModelError
        If the folder is damaged, or the encoder at hand is not the one of the training.
    EncoderError
        If that encoder is not to be found, or cannot compute in int8, as the training's did.
    """
    bundle = load_bundle(folder)
    wanted = bundle.record.encoder
    opened = open_precisely(
        load_encoder,
        bundle.record.encoder_source,
        wanted,
        settings=settings or EncoderSettings(),
    )
    if not stands_in(opened.encoder.name, wanted):
        raise ModelError(
            f"the encoder at hand is {opened.encoder.name}, but the model was trained with "
            f"{wanted}",
            where=title or folder,
            remedy="Install that encoder, or train the model again.",
        )
    classifier = from_parts(bundle.parts)
    if classifier.label_ids != bundle.codebook.label_ids:
        raise ModelError(
            "its heads and its codebook name different labels",
            where=title or folder,
            remedy="Train the model again.",
        )
    name = f"{title or bundle.record.name}@{bundle.digest}"
    tuned = _tuned(classifier, opened.encoder, settings=settings)
    return Scorer(bundle, classifier, opened.encoder, name, opened.warning, tuned)


def _tuned(
    classifier: Classifier, encoder: Encoder, *, settings: EncoderSettings | None
) -> Encoder | None:
    if not classifier.tuned:
        return None
    from narraframe.embeddings.tuning import open_tuned

    device = (settings or EncoderSettings()).device or None
    return open_tuned(encoder, [head.weights for head in classifier.tuned], device=device)
