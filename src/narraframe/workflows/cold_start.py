"""Before the first labels, and while they are few: a model of what the codebook says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.likeness import is_described
from narraframe.classifiers.from_codebook import Background
from narraframe.classifiers.heads import Prediction
from narraframe.classifiers.unlabelled import fit_unlabelled
from narraframe.config import Experiment, Workspace
from narraframe.embeddings.encoder import Encoder
from narraframe.errors import TrainingError
from narraframe.io.cache import EmbeddingCache
from narraframe.metrics.reliability import reliability
from narraframe.records import Codebook, Post, Targets
from narraframe.workflows.fitting import Fitted
from narraframe.workflows.measuring import judged
from narraframe.workflows.training_data import TrainingData, languages
from narraframe.workflows.vectors import label_vectors, view_vectors
from narraframe.workflows.watch import Watch

ENOUGH = 2_000
"""Posts that say what likeness is usual."""
NOTE = (
    "{why}: probabilities are likeness to the codebook, neither calibrated nor measured; they "
    "order posts for labelling and must not be counted"
)
NOTHING = "no post is annotated"


def fit_cold(
    posts: Sequence[Post],
    codebook: Codebook,
    experiment: Experiment,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
    why: str = NOTHING,
    missing: str = "",
) -> tuple[TrainingData, Fitted]:
    """Fit on the definitions and examples of the codebook, and on up to 2,000 of the posts.

    `why` and `missing` are for the reader: why it is not learnt from labels, and what that takes.

    Raises
    ------
    TrainingError
        If no post has text.
    """
    data = _unlabelled(
        posts, codebook, experiment, encoder=encoder, workspace=workspace, watch=watch
    )
    data = replace(data, notes=tuple(filter(None, (NOTE.format(why=why), missing))))
    assert data.definitions is not None
    singles = [f.facet_id for f in codebook.facets if f.choice == "single"]
    classifier = fit_unlabelled(
        data.vectors["embedding"],
        codebook.label_ids,
        definitions=data.definitions,
        parents={label.label_id: label.parent for label in codebook.labels if label.parent},
        single_choice=[codebook.facet_label_ids(facet_id) for facet_id in singles],
    )
    nobody = data.rows(np.zeros(len(data.posts), dtype=np.bool_))
    shape = nobody.targets.y.shape
    nothing = Prediction(
        np.zeros(shape, np.float32), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    )
    measured = judged(
        "none",
        nobody,
        nothing,
        np.zeros(0, np.intp),
        experiment=experiment,
        how=f"not measured, as {why}",
    )
    held = measured.held_out
    curves = reliability(
        held.y, held.mask, held.probability, held.groups, held.label_ids, seed=experiment.seed
    )
    return data, Fitted(classifier, measured, (), (), None, curves, None, None)


def with_background(
    data: TrainingData,
    posts: Sequence[Post],
    codebook: Codebook,
    experiment: Experiment,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> TrainingData:
    """Have labels of `data` that cannot be trained scored as `fit_cold` on `posts` scores them.

    Only those of which the codebook says more than the name.
    """
    kept, vectors = _usual(posts, experiment, encoder=encoder, workspace=workspace, watch=watch)
    number = {post.post_id: i for i, post in enumerate(data.posts)}
    row = np.array([number.get(post.post_id, -1) for post in kept], dtype=np.intp)
    return replace(data, background=Background(vectors["embedding"], row, is_described(codebook)))


def _unlabelled(
    posts: Sequence[Post],
    codebook: Codebook,
    experiment: Experiment,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> TrainingData:
    kept, vectors = _usual(posts, experiment, encoder=encoder, workspace=workspace, watch=watch)
    shape = (len(kept), len(codebook.label_ids))
    return TrainingData(
        posts=kept,
        targets=Targets(
            post_ids=tuple(post.post_id for post in kept),
            label_ids=codebook.label_ids,
            y=np.zeros(shape, np.int8),
            mask=np.zeros(shape, np.bool_),
        ),
        vectors=vectors,
        definitions=label_vectors(codebook, encoder),
        groups=np.arange(len(kept), dtype=np.intp),
        audit=np.zeros(len(kept), dtype=np.bool_),
        test=np.zeros(len(kept), dtype=np.bool_),
        scored=None if encoder.languages is None else languages(kept),
        notes=(),
    )


def _usual(
    posts: Sequence[Post],
    experiment: Experiment,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> tuple[tuple[Post, ...], dict[str, NDArray[np.float32]]]:
    """Draw the posts that say what likeness is usual, and embed them."""
    told = [post for post in posts if post.model_text]
    if not told:
        raise TrainingError(
            "no post has text",
            got=f"{len(posts)} posts",
            remedy="Name the text column by --text.",
        )
    order = np.random.default_rng(experiment.seed).permutation(len(told))[:ENOUGH]
    kept = tuple(told[i] for i in np.sort(order))
    ids, texts = [post.post_id for post in kept], [post.model_text or "" for post in kept]
    cache = EmbeddingCache(workspace.cache, encoder.name)
    with watch.stage("embed", total=len(texts)) as step:
        return kept, view_vectors(ids, texts, ("embedding",), encoder, cache=cache, progress=step)
