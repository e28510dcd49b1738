"""Score posts with a trained classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.heads import Heads, Prediction, predict_heads
from narraframe.classifiers.views import describe, source
from narraframe.errors import ModelError

# Posts scored at a time, always as many: kernels of linear algebra differ with the number of rows.
_BLOCK = 256


def predict(
    classifier: Classifier,
    vectors: Mapping[str, NDArray[np.float32]],
    texts: Sequence[str],
    *,
    progress: Callable[[int], None] | None = None,
) -> Prediction:
    """Return probabilities and decisions; a post's result is the same in any batch.

    Parameters
    ----------
    classifier : Classifier
        From `fit_classifier` or `from_parts`.
    vectors : mapping of str to float32 array of shape (n, ...)
        Of its views, by the encoder of the training posts; for "tuned", by all its tunings, side
        by side.
    texts : sequence of str of length n
        The same posts' texts, prepared as in training.
    progress : callable, default=None
        Called with the number of posts just scored.

    Returns
    -------
    Prediction
        Probability nan and decision False for labels that were not trained, as far as the codebook
        does not score them. (A parent that was not trained itself follows its children.)

    Raises
    ------
    ModelError
        If the embeddings have another width than those of training, or are not finite.
    """
    for view, width in classifier.n_dimensions.items():
        part = vectors[source(view)]
        if len(part) != len(texts):
            raise ValueError(f"{len(part)} vectors for {len(texts)} texts")
        _check_vectors(part, width)
    heads = _widened(classifier.heads)
    shape = (len(texts), len(classifier.label_ids))
    probability = np.empty(shape, dtype=np.float32)
    decision, abstained = np.empty(shape, dtype=bool), np.empty(shape, dtype=bool)
    with threadpool_limits(limits=1):
        for start in range(0, len(texts), _BLOCK):
            block = np.arange(start, min(start + _BLOCK, len(texts)))
            rows = np.pad(block, (0, _BLOCK - len(block)), mode="edge")
            here = {view: part[rows] for view, part in vectors.items()}
            said = [texts[i] for i in rows]
            posts = describe(said, here, classifier.settings, terms=classifier.terms)
            found = predict_heads(posts, np.arange(posts.n), heads)
            probability[block] = found.probability[: len(block)]
            decision[block] = found.decision[: len(block)]
            abstained[block] = found.abstained[: len(block)]
            if progress is not None:
                progress(len(block))
    return Prediction(probability, decision, abstained)


def _widened(heads: Heads) -> Heads:
    """Return heads whose landmarks are in the precision that kernels compute in, once for all."""
    views = (
        view if view.landmarks is None else replace(view, landmarks=view.landmarks.astype("f8"))
        for view in heads.views
    )
    return replace(heads, views=tuple(views))


def _check_vectors(vectors: NDArray[np.float32], width: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != width:
        raise ModelError(
            f"embeddings do not fit the model, which was trained on {width} dimensions",
            got=vectors.shape,
            remedy="Embed the posts with the model's own encoder.",
        )
    if not np.isfinite(vectors).all():
        raise ModelError(
            "embeddings hold nan or infinite values",
            got=int((~np.isfinite(vectors)).any(axis=1).sum()),
            remedy="Leave out posts without text: they get a reason, not a score.",
        )
