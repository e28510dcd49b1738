"""What the classifier gets wrong: held-out posts, the most confident mistakes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Codebook, HeldOut, Post
from narraframe.report.facets import label_name
from narraframe.report.shown import day, excerpt

SHOWN, OF_A_LABEL = 12, 3
_EXCERPT = 400


@dataclass(frozen=True)
class Mistake:
    """A decision that the annotators do not share; `row` of the post in the report, -1 = absent.

    `given` tells whether the classifier gave the label wrongly or overlooked it; `percent` is its
    probability.
    """

    label: str
    given: bool
    percent: int
    post_id: str
    row: int
    channel: str
    date: str
    text: str


def mistakes(
    held_out: HeldOut, posts: Sequence[Post], codebook: Codebook | None
) -> tuple[Mistake, ...]:
    """Return the most confidently wrong decisions, at most `OF_A_LABEL` a label and way of erring.

    Of near-copies only the worst is taken, as all of them fail alike.
    """
    place = {post.post_id: row for row, post in enumerate(posts)}
    known = held_out.mask & np.isfinite(held_out.probability)
    found: list[tuple[float, int, int]] = []
    for j in range(len(held_out.label_ids)):
        for truth in (0, 1):
            wrong = known[:, j] & (held_out.y[:, j] == truth)
            rows = np.flatnonzero(wrong & (held_out.decision[:, j] != bool(truth)))
            off = np.abs(held_out.probability[rows, j] - truth)
            found += _worst(rows, off, held_out, j)
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    return tuple(_mistake(held_out, i, j, posts, place, codebook) for _, i, j in found[:SHOWN])


def _worst(
    rows: NDArray[np.intp], off: NDArray[np.float32], held_out: HeldOut, j: int
) -> list[tuple[float, int, int]]:
    taken: dict[int, tuple[float, int, int]] = {}
    for at in np.argsort(-off, kind="stable"):
        group = int(held_out.groups[rows[at]])
        if group not in taken:
            taken[group] = (float(off[at]), int(rows[at]), j)
        if len(taken) == OF_A_LABEL:
            break
    return list(taken.values())


def _mistake(
    held_out: HeldOut,
    i: int,
    j: int,
    posts: Sequence[Post],
    place: dict[str, int],
    codebook: Codebook | None,
) -> Mistake:
    post_id = held_out.post_ids[i]
    row = place.get(post_id, -1)
    post = posts[row] if row >= 0 else None
    return Mistake(
        label=label_name(codebook, held_out.label_ids[j]),
        given=bool(held_out.decision[i, j]),
        percent=round(100 * float(held_out.probability[i, j])),
        post_id=post_id,
        row=row,
        channel=post.channel or "" if post else "",
        date=day(post.created_at) if post and post.created_at else "",
        text=excerpt(post.text, _EXCERPT) if post else "",
    )
