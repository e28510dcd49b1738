"""Embed: the vectors of posts that have text, from the cache where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from narraframe.config import Workspace
from narraframe.embeddings.embed import embed_posts
from narraframe.embeddings.encoder import Encoder, stands_in
from narraframe.embeddings.sentence import load_encoder
from narraframe.errors import InputError, TableError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.files import check_output
from narraframe.io.tables import write_embeddings
from narraframe.records import Embeddings, Post
from narraframe.workflows.precision import open_precisely
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.watch import Watch


def embed(
    paths: Sequence[str],
    *,
    output: Path | None,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> Embeddings:
    """Embed the posts of `paths` into the cache, and into the table EMBEDDINGS at `output`.

    Raises
    ------
    InputError
        If an input cannot be read, or no post has text.
    EncoderError
        If the encoder of the settings is not to be found.
    UsageError
        If `output` does not end in .parquet.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    if output is not None:
        check_output(output, endings=(".parquet",), inputs=paths, force=force)
    posts = read_ready(paths, options=options, watch=watch).posts
    encoder = open_encoder(workspace, watch=watch)
    embeddings = embed_with_cache(posts, encoder=encoder, workspace=workspace, watch=watch)
    if output is not None:
        write_embeddings(output, embeddings, force=force)
    return embeddings


def open_encoder(workspace: Workspace, *, watch: Watch, name: str | None = None) -> Encoder:
    """Load the encoder of the settings, or `name`."""
    settings = workspace.config.encoder
    with watch.stage(f"load encoder {name or settings.name}", unit="encoder"):
        return load_encoder(
            name or settings.name,
            device=settings.device or None,
            backend=settings.backend,
            precision=settings.precision,
        )


def open_encoder_of(name: str, *, workspace: Workspace, made: Path, watch: Watch) -> Encoder:
    """Load the encoder of the settings, which must be `name`: the one that `made` came of.

    It computes in the precision of `name`, or in another that may stand in for it.

    Raises
    ------
    TableError
        If it is another one.
    """
    settings = workspace.config.encoder
    with watch.stage(f"load encoder {settings.name}", unit="encoder"):
        opened = open_precisely(load_encoder, settings.name, name, settings=settings)
    if opened.warning:
        watch.warn(opened.warning)
    if not stands_in(opened.encoder.name, name):
        raise TableError(
            "the themes were found with another encoder",
            where=made,
            got=name,
            remedy=f"This workspace has {opened.encoder.name}: find the themes again, or change "
            "it back.",
        )
    return opened.encoder


def embed_with_cache(
    posts: Sequence[Post], *, encoder: Encoder, workspace: Workspace, watch: Watch
) -> Embeddings:
    """Return the embeddings of the posts that have text, in their order.

    Raises
    ------
    InputError
        If no post has text.
    """
    texts = {post.post_id: post.model_text for post in posts if post.model_text}
    if not texts:
        raise InputError(
            "no post has text to embed",
            got=f"{len(posts)} posts",
            remedy="Media-only posts cannot be embedded; name the text column by --text.",
        )
    cache = EmbeddingCache(workspace.cache, encoder.name)
    with watch.stage("embed", total=len(texts)) as step:
        embeddings = embed_posts(
            tuple(texts), tuple(texts.values()), encoder, cache=cache, progress=step
        )
    for fault in cache.faults:
        watch.warn(fault)
    return embeddings
