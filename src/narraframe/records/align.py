"""Rows meet by post_id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from narraframe.errors import TableError
from narraframe.records.computed import Embeddings, HeldOut, Scores, Themes
from narraframe.records.labelling import Targets

Rows = TypeVar("Rows", Embeddings, Targets, Themes, Scores, HeldOut)


def align(post_ids: Sequence[str], rows: Rows) -> Rows:
    """Return `rows` with one row per wanted post, in the wanted order.

    Parameters
    ----------
    post_ids : sequence of str of length n
        The wanted posts; may be a subset of the rows, and must not repeat.
    rows : Embeddings, Targets, Themes, Scores or HeldOut
        A record with `post_ids` and arrays whose first axis runs over them.

    Returns
    -------
    The same type, with ``post_ids == tuple(post_ids)``.

    Raises
    ------
    TableError
        If a post_id repeats on either side, or a wanted one has no row.
    """
    wanted = tuple(post_ids)
    kind = type(rows).__name__
    position = {post_id: i for i, post_id in enumerate(rows.post_ids)}
    if len(position) != len(rows.post_ids):
        raise TableError(f"{kind} hold a post_id twice", got=_first_repeat(rows.post_ids))
    if len(set(wanted)) != len(wanted):
        raise TableError("a post_id is asked for twice", got=_first_repeat(wanted))
    missing = [post_id for post_id in wanted if post_id not in position]
    if missing:
        raise TableError(
            f"{kind} have no row for {len(missing)} of {len(wanted)} posts",
            got=missing[0],
            remedy="They were computed from other posts: run that stage again.",
        )
    index = np.fromiter((position[p] for p in wanted), dtype=np.intp, count=len(wanted))
    changes: dict[str, object] = {"post_ids": wanted}
    for name in rows.ROWS:
        column = getattr(rows, name)
        changes[name] = (
            tuple(column[i] for i in index) if isinstance(column, tuple) else column[index]
        )
    return replace(rows, **changes)  # type: ignore[arg-type]


def _first_repeat(post_ids: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for post_id in post_ids:
        if post_id in seen:
            return post_id
        seen.add(post_id)
    return None
