"""What an experiment learns from: labelled posts that have text, their targets, groups, vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.targets import build_targets
from narraframe.classifiers.from_codebook import Background
from narraframe.config import HeadsSettings, Workspace
from narraframe.embeddings.encoder import Encoder
from narraframe.errors import TrainingError
from narraframe.io.cache import EmbeddingCache
from narraframe.posts.copies import copy_groups, join_groups
from narraframe.records import Annotation, Codebook, Post, Targets, align
from narraframe.workflows.vectors import label_vectors, needs_encoder, view_vectors
from narraframe.workflows.watch import Watch

if TYPE_CHECKING:
    from narraframe.embeddings.tuning import EncoderTuner


@dataclass(frozen=True)
class TrainingData:
    """Rows of all parts run over the same n posts; `notes` say what was left out, and why.

    `vectors` are those of the views in use, `definitions` (k, d) those of the labels; `audit` (n,)
    marks posts drawn at random, `test` (n,) those of the frozen test set. `scored` are the
    languages in which a model of these posts scores; None = any. `tuner` tunes the encoder, where
    the view "tuned" is in use. With a `background`, the codebook scores labels that cannot be
    trained.
    """

    posts: tuple[Post, ...]
    targets: Targets
    vectors: Mapping[str, NDArray[np.float32]]
    definitions: NDArray[np.float32] | None
    groups: NDArray[np.intp]
    audit: NDArray[np.bool_]
    test: NDArray[np.bool_]
    scored: tuple[str, ...] | None
    notes: tuple[str, ...]
    tuner: EncoderTuner | None = None
    background: Background | None = None

    @property
    def texts(self) -> list[str]:
        """What the encoder saw of the posts."""
        return [post.model_text or "" for post in self.posts]

    @property
    def refused(self) -> NDArray[np.bool_]:
        """The posts, (n,), that get a reason instead of a score, for their language."""
        known = self.scored
        return np.array(
            [known is not None and bool(p.lang) and p.lang not in known for p in self.posts],
            dtype=np.bool_,
        )

    @property
    def n_groups(self) -> int:
        """Number of near-duplicate groups."""
        return len(np.unique(self.groups))

    def rows(self, kept: NDArray[np.bool_]) -> TrainingData:
        """Return the posts that `kept` (n,) marks."""
        posts = tuple(post for post, keep in zip(self.posts, kept, strict=True) if keep)
        return replace(
            self,
            posts=posts,
            targets=align([post.post_id for post in posts], self.targets),
            vectors={view: part[kept] for view, part in self.vectors.items()},
            groups=self.groups[kept],
            audit=self.audit[kept],
            test=self.test[kept],
            background=self.background and self.background.only(kept),
        )


def assemble(
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    *,
    consensus: str,
    features: Sequence[str],
    heads: HeadsSettings | None = None,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> TrainingData:
    """Join posts, annotations and the vectors that the views `features` need, by post_id.

    `heads` say how the encoder is tuned, for the view "tuned".

    Raises
    ------
    TrainingError
        If no annotated post is among the posts, or none of those has text.
    EncoderError
        If the encoder is to be tuned and cannot be.
    """
    report = build_targets(annotations, codebook, consensus=consensus)
    annotated = set(report.targets.post_ids)
    found = [post for post in posts if post.post_id in annotated]
    kept = tuple(post for post in found if post.model_text)
    if not found:
        raise TrainingError(
            "no annotated post is among the posts",
            got=f"{len(annotated)} annotated, {len(posts)} posts",
            remedy="Do the annotations belong to these posts? They meet by post_id.",
        )
    if not kept:
        raise TrainingError(
            "no annotated post has text",
            got=f"{len(found)} annotated posts",
            remedy="Media-only posts teach nothing; name the text column by --text.",
        )
    tools: dict[str, Any] = {"encoder": encoder, "workspace": workspace, "watch": watch}
    tuner = _tuner(kept, heads or HeadsSettings(), **tools) if "tuned" in features else None
    vectors = _vectors(kept, features, **tools)
    post_ids = [post.post_id for post in kept]
    audit = {a.post_id for a in annotations if a.design == "audit"}
    undecided = (report.n_annotators > 0) & ~report.targets.mask
    of_kept = np.isin(report.targets.post_ids, post_ids)
    return TrainingData(
        posts=kept,
        targets=align(post_ids, report.targets),
        vectors=vectors,
        definitions=_definitions(kept, codebook, features, encoder),
        groups=group_numbers(kept),
        audit=np.array([post_id in audit for post_id in post_ids], dtype=np.bool_),
        test=np.zeros(len(kept), dtype=np.bool_),
        scored=None if encoder.languages is None else languages(kept),
        notes=(
            *_notes(annotated, found, kept, int(undecided[of_kept].sum())),
            *_left_to_the_majority(report.by_majority),
        ),
        tuner=tuner,
    )


def _definitions(
    posts: Sequence[Post], codebook: Codebook, features: Sequence[str], encoder: Encoder
) -> NDArray[np.float32] | None:
    if "definitions" not in features:
        return None
    return label_vectors(codebook, encoder, labelled=[post.model_text or "" for post in posts])


def _tuner(
    posts: Sequence[Post],
    heads: HeadsSettings,
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> EncoderTuner:
    """Open what tunes the encoder, with what its frozen layers make of the posts."""
    from narraframe.embeddings.tuning import open_tuner

    texts = [post.model_text or "" for post in posts]
    with watch.stage("read for tuning", total=len(texts)) as step:
        tuner = open_tuner(
            encoder,
            loss=heads.tune,
            layers=heads.tune_layers,
            steps=heads.tune_steps,
            device=workspace.config.encoder.device or None,
        )
        tuner.read(texts, progress=step)
    return tuner


def _vectors(
    posts: Sequence[Post],
    features: Sequence[str],
    *,
    encoder: Encoder,
    workspace: Workspace,
    watch: Watch,
) -> dict[str, NDArray[np.float32]]:
    if not needs_encoder(features):
        return {}
    cache = EmbeddingCache(workspace.cache, encoder.name)
    ids, texts = [post.post_id for post in posts], [post.model_text or "" for post in posts]
    with watch.stage("embed", total=len(texts)) as step:
        vectors = view_vectors(ids, texts, features, encoder, cache=cache, progress=step)
    for fault in cache.faults:
        watch.warn(fault)
    return vectors


def group_numbers(posts: Sequence[Post]) -> NDArray[np.intp]:
    """Number the groups of `posts` that a split must not separate, 0 upward; shape (n,).

    They are those of `copy_groups`; near-copies of one first post are in one group as well.
    """
    numbers: dict[str, int] = {}
    firsts = (post.duplicate_of or post.post_id for post in posts)
    marked = np.array([numbers.setdefault(first, len(numbers)) for first in firsts], dtype=np.intp)
    return join_groups(copy_groups([post.model_text or "" for post in posts]), marked)


def languages(posts: Sequence[Post], *, least: int = 10, share: float = 0.02) -> tuple[str, ...]:
    """Return the languages that `posts` teach: on at least so many, and such a share, of them."""
    counts = Counter(post.lang for post in posts if post.lang)
    needed = min(max(least, share * len(posts)), max(counts.values(), default=0))
    return tuple(sorted(lang for lang, n in counts.items() if n >= needed))


def _left_to_the_majority(labels: Sequence[str]) -> tuple[str, ...]:
    if not labels:
        return ()
    return (f"too few posts have three answers to weigh annotators: {', '.join(labels)}",)


def _notes(
    annotated: set[str], found: Sequence[Post], kept: Sequence[Post], n_undecided: int
) -> tuple[str, ...]:
    notes = []
    if len(annotated) > len(found):
        notes.append(f"{len(annotated) - len(found):,} annotated posts are not among the posts")
    if len(found) > len(kept):
        notes.append(f"{len(found) - len(kept):,} annotated posts have no text")
    if n_undecided:
        notes.append(
            f"{n_undecided:,} cells stay unknown, as the annotators disagree: the figures above "
            "are of the cells on which they agree, which are the easier ones"
        )
    return tuple(notes)
