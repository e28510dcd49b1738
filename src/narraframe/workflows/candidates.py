"""What the active stream chooses from: candidates and all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.active import Corpus
from narraframe.annotations.likeness import descriptions
from narraframe.annotations.targets import build_targets
from narraframe.config import Workspace
from narraframe.embeddings.embed import embed_posts
from narraframe.embeddings.encoder import Encoder
from narraframe.io.cache import EmbeddingCache
from narraframe.io.tables import read_themes
from narraframe.records import Annotation, Codebook, Post
from narraframe.workflows.embedding import embed_with_cache, open_encoder
from narraframe.workflows.scorer import Scorer
from narraframe.workflows.watch import Watch

_NO_THEME = -1


def candidates(posts: Sequence[Post], taken: AbstractSet[str]) -> list[Post]:
    """Return the first post of each near-duplicate group of which no member is `taken`."""
    taken_groups = {p.duplicate_of or p.post_id for p in posts if p.post_id in taken}
    seen = set(taken_groups)
    found = []
    for post in posts:
        group = post.duplicate_of or post.post_id
        if group not in seen:
            seen.add(group)
            found.append(post)
    return found


def assemble_corpus(
    free: Sequence[Post],
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    *,
    asked: Sequence[str],
    scorer: Scorer | None,
    theme_of: Mapping[str, int],
    workspace: Workspace,
    watch: Watch,
) -> Corpus:
    """Join all that is known of the candidates `free`, of what is labelled and what is `asked`.

    Raises
    ------
    EncoderError
        If the encoder is not to be found.
    """
    encoder = scorer.encoder if scorer else open_encoder(workspace, watch=watch)
    targets = build_targets(annotations, codebook, consensus="any").targets
    row_of = {post_id: i for i, post_id in enumerate(targets.post_ids)}
    wanted = {*row_of, *asked}
    known = [post for post in posts if post.post_id in wanted]
    embeddings = embed_with_cache(
        [*free, *known], encoder=encoder, workspace=workspace, watch=watch
    )
    label_ids = codebook.leaf_ids
    column = [targets.label_ids.index(label_id) for label_id in label_ids]
    positive = np.zeros((len(known), len(label_ids)), dtype=np.bool_)
    for i, post in enumerate(known):
        if (row := row_of.get(post.post_id)) is not None:
            positive[i] = (targets.y[row] == 1)[column]
    probability, thresholds = _scores(free, label_ids, scorer, workspace=workspace, watch=watch)
    return Corpus(
        vectors=embeddings.vectors[: len(free)],
        labelled=embeddings.vectors[len(free) :],
        positive=positive,
        label_names=[codebook.by_id[label_id].name for label_id in label_ids],
        probability=probability,
        thresholds=thresholds,
        definitions=_definitions(codebook, encoder, workspace),
        theme=np.array([theme_of.get(p.post_id, _NO_THEME) for p in free], dtype=np.int64),
        labelled_theme=np.array(
            [theme_of.get(p.post_id, _NO_THEME) for p in known], dtype=np.int64
        ),
    )


def read_theme_of(folder: Path | None, *, workspace: Workspace) -> dict[str, int]:
    """Return the theme of each post; None reads data/themes, and is empty if there is none.

    Raises
    ------
    TableError
        If `folder` was named and holds no themes, or they are damaged.
    """
    path = (folder or workspace.path("data/themes")) / "themes.parquet"
    if folder is None and not path.exists():
        return {}
    themes = read_themes(path)
    return dict(zip(themes.post_ids, themes.theme.tolist(), strict=True))


def _scores(
    free: Sequence[Post],
    label_ids: Sequence[str],
    scorer: Scorer | None,
    *,
    workspace: Workspace,
    watch: Watch,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return probability and thresholds in the order of `label_ids`, nan where there is none."""
    probability = np.full((len(free), len(label_ids)), np.nan, dtype=np.float32)
    thresholds = np.full(len(label_ids), np.nan)
    if scorer is not None and free:
        cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
        with watch.stage("score", total=len(free)) as step:
            scores = scorer.score(free, cache=cache)
            step(len(free))
        for j, label_id in enumerate(label_ids):
            if label_id in scores.label_ids:
                of_model = scores.label_ids.index(label_id)
                probability[:, j] = scores.probability[:, of_model]
                thresholds[j] = scores.thresholds[of_model]
    return probability, thresholds


def _definitions(codebook: Codebook, encoder: Encoder, workspace: Workspace) -> NDArray[np.float32]:
    """Return the mean direction of all that is said of each label, nan where nothing is."""
    said = descriptions(codebook)
    found = np.full((len(codebook.leaf_ids), encoder.dimension), np.nan, dtype=np.float32)
    if not said:
        return found
    ids = [f"{label_id} {i}" for i, (label_id, _) in enumerate(said)]
    cache = EmbeddingCache(workspace.cache, encoder.name)
    vectors = embed_posts(ids, [text for _, text in said], encoder, cache=cache).vectors
    owners = np.array([label_id for label_id, _ in said])
    for j, label_id in enumerate(codebook.leaf_ids):
        if (owners == label_id).any():
            mean = vectors[owners == label_id].mean(axis=0)
            found[j] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return found
