"""A codebook and annotations made from posts that came with labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyascii import anyascii

from narraframe.errors import CodebookError
from narraframe.records import Annotation, Codebook, Facet, Label, Post

FACET_ID = "label"
_VERSION = "0.1.0"
_LONGEST_STEM = 200  # MLflow takes 250 characters, "average_precision/ID.high" for example


@dataclass(frozen=True, slots=True)
class FromLabels:
    """A generated codebook, the annotations in its terms, and posts per label as `counts`."""

    codebook: Codebook
    annotations: tuple[Annotation, ...]
    counts: dict[str, int]


def from_labels(
    posts: Iterable[Post],
    *,
    title: str,
    annotator: str,
    minimum: int = 1,
    most: int | None = None,
    one_label: bool = False,
) -> FromLabels:
    """Make one facet of the labels in `posts`, and annotations of the posts.

    A post whose labels are None stays unannotated; one whose labels are () is a known "none".
    Labels stand in order of frequency, then of name; ids are made from the names.

    Parameters
    ----------
    posts : iterable of Post
        Posts, some with labels.
    title, annotator : str
        Title of the codebook; annotator named in the annotations.
    minimum : int, default=1
        Labels on fewer posts are left out (their posts stay, as "none of the others").
    most : int, default=None
        Keep only so many labels, the most frequent; None keeps all.
    one_label : bool, default=False
        The labels rule each other out: make a single-choice facet of them.

    Raises
    ------
    CodebookError
        If no post has a label that is kept, or a post has several in spite of `one_label`.
    """
    labelled = [post for post in posts if post.labels is not None]
    counts = Counter(name for post in labelled for name in dict.fromkeys(post.labels or ()))
    ordered = sorted((n for n in counts if counts[n] >= minimum), key=lambda n: (-counts[n], n))
    names = ordered[:most]
    if not names:
        raise CodebookError(
            "no post carries a label",
            got=f"{len(labelled)} posts with a `labels` field",
            remedy="Each record needs `labels`, a list of names; name another column by --labels.",
        )
    kept = set(names)
    several = [post for post in labelled if len(kept & set(post.labels or ())) > 1]
    if one_label and several:
        raise CodebookError(
            "posts carry several labels, though each should carry one",
            got=f"{len(several)} of {len(labelled)}, the first: {several[0].post_id}",
            remedy="Leave out one_label, or correct the labels.",
        )
    ids = _ids(names)
    codebook = Codebook(
        version=_VERSION,
        title=title,
        facets=(_facet(one_label=one_label),),
        labels=tuple(Label(ids[name], FACET_ID, name) for name in names),
    )
    rows = [row for post in labelled for row in _annotations(post, ids, annotator)]
    return FromLabels(codebook, tuple(rows), {ids[name]: counts[name] for name in names})


def _facet(*, one_label: bool) -> Facet:
    if one_label:
        return Facet(FACET_ID, "Label", choice="single", question="Which label applies?")
    return Facet(FACET_ID, "Label", question="Which labels apply?")


def _annotations(post: Post, ids: dict[str, str], annotator: str) -> list[Annotation]:
    chosen = [ids[name] for name in dict.fromkeys(post.labels or ()) if name in ids]
    values = [(FACET_ID, int(bool(chosen)))] + [(label_id, 1) for label_id in chosen]
    return [
        Annotation(
            post_id=post.post_id,
            annotator=annotator,
            label_id=label_id,
            value=value,
            codebook_version=_VERSION,
            origin="imported",
        )
        for label_id, value in values
    ]


def _ids(names: Sequence[str]) -> dict[str, str]:
    """Make ids of names: in Latin letters, cut, and numbered where they are alike."""
    ids: dict[str, str] = {}
    taken: set[str] = {FACET_ID}
    for number, name in enumerate(names, start=1):
        plain = re.sub(r"[^a-z0-9]+", "_", anyascii(name).lower()).strip("_")
        stem = plain[:_LONGEST_STEM] or f"label_{number}"
        label_id, copy = stem, 2
        while label_id in taken:
            label_id, copy = f"{stem}_{copy}", copy + 1
        taken.add(label_id)
        ids[name] = label_id
    return ids
