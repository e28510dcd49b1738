"""What a model card tells of the posts, the annotators and the failures behind a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from narraframe.annotations.agreement import measure_agreement
from narraframe.metrics.leak import LeakTable
from narraframe.metrics.slices import confused_pairs, slice_quality
from narraframe.records import Annotation, Codebook, Estimate, HeldOut, Post, Quality
from narraframe.workflows.card import CardFacts, Counts

_RESAMPLES = 200
_UNKNOWN = "not known"


def card_facts(
    posts: Sequence[Post],
    annotations: Sequence[Annotation],
    codebook: Codebook,
    held_out: HeldOut,
    *,
    test: Quality | None = None,
    others: Sequence[Quality] = (),
    leak: LeakTable | None = None,
) -> CardFacts:
    """Gather the facts.

    Parameters
    ----------
    posts : sequence of Post
        The posts that the model was trained and measured on; those of `held_out` among them.
    annotations : sequence of Annotation
        Those of other posts are left out.
    codebook : Codebook
        Of the annotations.
    held_out : HeldOut
        Predictions that say where the model fails.
    test : Quality, default=None
        On the frozen test set.
    others : sequence of Quality, default=()
        By other splits; `how` names the split.
    leak : LeakTable, default=None
        What a careless split would have claimed.
    """
    by_id = {post.post_id: post for post in posts}
    used = [a for a in annotations if a.post_id in by_id]
    dates = [post.created_at for post in posts if post.created_at]
    tested = [by_id[post_id] for post_id in held_out.post_ids]
    answers = {(a.annotator, a.post_id) for a in used}
    design_of = {a.post_id: a.design for a in used}
    return CardFacts(
        languages=_counts(post.lang for post in posts),
        channels=_counts(post.channel for post in posts),
        first=min(dates, default=None),
        last=max(dates, default=None),
        n_undated=len(posts) - len(dates),
        annotators=tuple(n for _, n in Counter(who for who, _ in answers).most_common()),
        designs=_counts(design_of.values()),
        agreement=_agreement(used, answers, codebook),
        languages_worst=slice_quality(held_out, [post.lang for post in tested]),
        channels_worst=slice_quality(held_out, [post.channel for post in tested]),
        confused=confused_pairs(held_out, {x.label_id: x.facet_id for x in codebook.labels}),
        test=test,
        others=tuple(others),
        leak=leak,
    )


def _counts(names: Iterable[str | None]) -> Counts:
    """Count names, the most frequent first; none at all where none is known."""
    counts = Counter(name or _UNKNOWN for name in names)
    return tuple(counts.most_common()) if set(counts) - {_UNKNOWN} else ()


def _agreement(
    annotations: Sequence[Annotation], answers: set[tuple[str, str]], codebook: Codebook
) -> tuple[tuple[str, Estimate], ...]:
    """Measure agreement on the posts that several annotated: the others tell nothing of it."""
    times = Counter(post_id for _, post_id in answers)
    shared = [a for a in annotations if times[a.post_id] > 1]
    if not shared:
        return ()
    found = measure_agreement(shared, codebook, n_resamples=_RESAMPLES)
    return tuple((facet.facet_id, facet.alpha) for facet in found.facets if facet.alpha.n)
