"""Which training posts a model keeps the vectors of, and what was said of the held-out ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.encoder import Encoder
from narraframe.posts.shingles import normalise
from narraframe.records import DriftReference, HeldOut
from narraframe.workflows.training_data import TrainingData
from narraframe.workflows.vectors import view_vectors

MOST = 1_000
"""Distinct posts in a sample, of the training posts as of the new ones."""


def text_keys(texts: Sequence[str], *, salt: bytes) -> list[bytes]:
    """Return a key a text by which samples are drawn: equal words have equal keys.

    The posts with the smallest keys are a random sample of the distinct texts, the same in whatever
    order, and in however many pieces, they come.
    """
    return [
        blake2b((normalise(text) or text).encode(), digest_size=16, salt=salt).digest()
        for text in texts
    ]


def drift_reference(
    taught: TrainingData,
    held_out: HeldOut,
    abstained: NDArray[np.bool_],
    *,
    encoder: Encoder,
) -> DriftReference:
    """Keep what later posts are compared with.

    Parameters
    ----------
    taught : TrainingData
        What the model learnt from; posts that it would give no score to are not among the vectors.
    held_out : HeldOut
        What models that had not seen the posts said of them.
    abstained : bool array of shape (n_held_out, k)
        Where they left it open.
    encoder : Encoder
        Embeds the kept posts, where no view of the model did.
    """
    keys = text_keys(taught.texts, salt=b"training")
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)
    # the first in this order of each group of near-duplicates
    firsts = order[np.sort(np.unique(taught.groups[order], return_index=True)[1])]
    spoken = Counter(taught.posts[i].lang or "" for i in firsts.tolist())
    kept = firsts[~taught.refused[firsts]][:MOST]
    one_each = np.unique(held_out.groups, return_index=True)[1]
    decided = np.isfinite(held_out.probability[one_each]) & ~abstained[one_each]
    return DriftReference(
        encoder=encoder.name,
        vectors=_vectors(taught, kept, encoder),
        languages=tuple(sorted(spoken.items())),
        label_ids=held_out.label_ids,
        n_decided=decided.sum(axis=0).astype(np.int64),
        n_positive=(held_out.decision[one_each] & decided).sum(axis=0).astype(np.int64),
    )


def _vectors(taught: TrainingData, kept: NDArray[np.intp], encoder: Encoder) -> NDArray[np.float32]:
    if "embedding" in taught.vectors:
        return taught.vectors["embedding"][kept]
    texts = [taught.posts[i].model_text or "" for i in kept.tolist()]
    ids = [taught.posts[i].post_id for i in kept.tolist()]
    return view_vectors(ids, texts, ("embedding",), encoder)["embedding"]
