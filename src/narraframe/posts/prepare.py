"""Prepare posts as they stream by: clean them and detect their language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from narraframe.posts.clean import clean
from narraframe.posts.language import detect
from narraframe.records import Post


def prepare(posts: Iterable[Post], *, batch_size: int = 1000) -> Iterator[Post]:
    """Yield the posts cleaned and with their language, in the order they come.

    A post that has a `model_text` was prepared before and passes untouched. A language given by the
    input stays; otherwise it is detected from `model_text` and None where that is unsure.

    Parameters
    ----------
    posts : iterable of Post
        Read no further than one batch ahead.
    batch_size : int, default=1000
        Posts held in memory; changes no result.

    Yields
    ------
    Post
    """
    remaining = iter(posts)
    while batch := list(islice(remaining, batch_size)):
        yield from _prepare_batch(batch)


def _prepare_batch(posts: Sequence[Post]) -> list[Post]:
    prepared = [clean(post) if post.model_text is None else post for post in posts]
    unknown = [
        i
        for i, (before, after) in enumerate(zip(posts, prepared, strict=True))
        if before.model_text is None and after.lang is None
    ]
    languages = detect([prepared[i].model_text or "" for i in unknown])
    for i, language in zip(unknown, languages, strict=True):
        prepared[i] = replace(prepared[i], lang=language)
    return prepared
