"""Drift: are new posts like those that a registered model was trained on?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.cache import EmbeddingCache
from narraframe.io.drift import ENDINGS, drift_text
from narraframe.io.files import check_output, write_text
from narraframe.io.registry import find_model
from narraframe.io.remembered import Remembered
from narraframe.posts.prepare import prepare
from narraframe.records import Drift, Post
from narraframe.workflows.drift_watch import DriftWatch
from narraframe.workflows.reading import Account, ReadOptions, stream, warn_of_bad
from narraframe.workflows.score_items import windows
from narraframe.workflows.scorer import open_registered
from narraframe.workflows.watch import Watch


def drift(
    paths: Sequence[str],
    *,
    output: Path | None,
    model_uri: str,
    alpha: float,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> Drift:
    """Compare the posts of `paths` with the training posts of a model, a window at a time.

    Raises
    ------
    InputError
        If an input cannot be read or none holds a post.
    ModelError, EncoderError
        If the model is not to be found, damaged, or its encoder is not at hand.
    UsageError, OutputError
        If `output` ends in neither .json nor .csv, or cannot be written.
    """
    if output is not None:
        check_output(output, endings=ENDINGS, inputs=paths, force=force)
    found = find_model(workspace.store, model_uri)
    scorer = open_registered(found, workspace=workspace, watch=watch)
    cache = EmbeddingCache(workspace.cache, scorer.encoder.name)
    seen = DriftWatch(scorer, cache)
    account = Account()
    posts = _once(prepare(stream(paths, options=options, account=account)))
    with watch.stage("score and compare") as step:
        for window in windows(posts):
            seen.update(window, scorer.score(window, cache=cache))
            step(len(window))
    if not seen.sample.n_posts:
        raise InputError("no post was found", where=", ".join(paths))
    warn_of_bad(account, watch)
    for fault in cache.faults:
        watch.warn(fault)
    result = seen.result(alpha=alpha)
    if output is not None:
        write_text(output, drift_text(result, ending=output.suffix), force=force)
    return result


def _once(posts: Iterable[Post]) -> Iterator[Post]:
    """Leave out a post whose id was read before; ids are remembered on disk."""
    ids, mark = Remembered(), b"read"
    return (post for post in posts if ids.first(post.post_id, mark) is mark)
