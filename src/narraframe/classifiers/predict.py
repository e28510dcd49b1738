"""Score posts with a trained classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.features import count
from narraframe.classifiers.heads import Prediction, predict_heads
from narraframe.errors import ModelError

_BLOCK = 2048


def predict(
    classifier: Classifier,
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    *,
    progress: Callable[[int], None] | None = None,
) -> Prediction:
    """Return probabilities and decisions; a post's result is the same bits in any batch.

    Parameters
    ----------
    classifier : Classifier
        From `fit_classifier` or `from_parts`.
    vectors : float32 array of shape (n, d)
        Embeddings by the encoder of the training posts.
    texts : sequence of str of length n
        The same posts' texts, prepared as in training.
    progress : callable, default=None
        Called with the number of posts just scored.

    Returns
    -------
    Prediction
        Probability nan and decision False for labels that were not trained. (A parent that was
        not trained itself follows its children.)

    Raises
    ------
    ModelError
        If the embeddings have another width than those of training, or are not finite.
    """
    if len(vectors) != len(texts):
        raise ValueError(f"{len(vectors)} vectors for {len(texts)} texts")
    if classifier.settings.features != "tfidf":
        _check_vectors(classifier, vectors)
    k = len(classifier.label_ids)
    probability = np.empty((len(texts), k), dtype=np.float32)
    decision = np.empty((len(texts), k), dtype=bool)
    for start in range(0, len(texts), _BLOCK):
        block = slice(start, start + _BLOCK)
        raw = count(vectors[block], texts[block], classifier.settings, terms=classifier.terms)
        found = predict_heads(raw, np.arange(len(texts[block])), classifier.heads)
        probability[block], decision[block] = found.probability, found.decision
        if progress is not None:
            progress(len(found.decision))
    return Prediction(probability, decision)


def _check_vectors(classifier: Classifier, vectors: NDArray[np.float32]) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != classifier.n_dimensions:
        raise ModelError(
            f"embeddings do not fit the model, which was trained on {classifier.n_dimensions} "
            "dimensions",
            got=vectors.shape,
            remedy="Embed the posts with the model's own encoder.",
        )
    if not np.isfinite(vectors).all():
        raise ModelError(
            "embeddings hold nan or infinite values",
            got=int((~np.isfinite(vectors)).any(axis=1).sum()),
            remedy="Leave out posts without text: they get a reason, not a score.",
        )
