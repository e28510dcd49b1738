"""Queue: what to label next, drawn at random for the audit and chosen to teach the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import sqrt
from pathlib import Path

from narraframe.annotations.active import Choice, choose
from narraframe.annotations.audit import permanent_numbers
from narraframe.config import Workspace
from narraframe.errors import InputError
from narraframe.io.codebook import read_codebook
from narraframe.io.files import check_output
from narraframe.io.queue import write_queue
from narraframe.io.registry import find_model
from narraframe.io.skips import read_skips
from narraframe.records import Post, QueueItem
from narraframe.workflows.auditing import Audit, draw, write
from narraframe.workflows.candidates import assemble_corpus, candidates, read_theme_of
from narraframe.workflows.labelled import annotations_of
from narraframe.workflows.preannotating import find_source
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.scorer import Scorer, open_registered
from narraframe.workflows.watch import Watch

AUDIT, ACTIVE = "audit", "active"
NO_MODEL = "none"
_RANDOM = "drawn at random for the audit"


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    """How many posts, and which shares of them; `model` "" is the champion, if there is one.

    `themes` None takes data/themes of the workspace, if it is there.
    """

    n: int = 200
    audit: float = 0.3
    double: float = 0.2
    blind: float = 0.1
    model: str = ""
    themes: Path | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class QueueSummary:
    """What is in the queue, and why; `model` "" if there was none.

    `audit` is the whole audit: with what was drawn before. `precision`: half the width of the 95 %
    interval of a share of one in ten, once all of it is labelled.
    """

    items: tuple[QueueItem, ...]
    reasons: Mapping[str, int]
    audit: Audit
    model: str
    n_labelled: int

    @property
    def precision(self) -> float:
        """Half the width of that interval; inf without an audit."""
        size = self.audit.sample.effective_size
        return 1.96 * sqrt(0.1 * 0.9 / size) if size else float("inf")


def queue(
    paths: Sequence[str],
    *,
    output: Path,
    wanted: QueueOptions,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    watch: Watch,
) -> QueueSummary:
    """Write what to label next to `output`, and the audit it draws from to the workspace.

    Audit posts that nobody has labelled stay in the queue until someone has: an audit with holes is
    no random sample. All else is chosen anew, by what is known now. An audit that needs more than
    its share gets it, unless its share is 0. If there are fewer posts than wanted, all are taken.

    Raises
    ------
    InputError
        If an input cannot be read, no post has text, or no post is left to be labelled.
    CodebookError, TableError
        If the codebook, the annotations, the themes or the audit so far cannot be read.
    ModelError, EncoderError, UsageError
        If the model or its encoder is not to be found, or several models have a champion.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=(".csv",), inputs=paths, force=force)
    codebook = read_codebook(workspace.codebook)
    annotations = annotations_of(workspace, codebook)
    theme_of = read_theme_of(wanted.themes, workspace=workspace)
    scorer = _open_scorer(wanted.model, workspace, watch=watch)
    posts = [p for p in read_ready(paths, options=options, watch=watch).posts if p.model_text]
    labelled = {row.post_id for row in annotations} & {post.post_id for post in posts}
    skips = read_skips(workspace.path(workspace.config.paths.skipped))
    skipped = {post_id for post_id, _ in skips} - labelled
    share = round(wanted.audit * wanted.n)
    audit = draw(posts, labelled, skipped=skipped, n=share, workspace=workspace, watch=watch)
    if not wanted.audit:
        audit = replace(audit, asked=())
    free = candidates(posts, labelled.union(skipped, audit.sample.post_ids))
    chosen: tuple[Choice, ...] = ()
    if free and wanted.n > len(audit.asked):
        corpus = assemble_corpus(
            free,
            posts,
            annotations,
            codebook,
            asked=audit.asked,
            scorer=scorer,
            theme_of=theme_of,
            workspace=workspace,
            watch=watch,
        )
        with watch.stage("choose"):
            chosen = choose(corpus, n=wanted.n - len(audit.asked))
    items = _with_shares(_items(audit, chosen, free), wanted)
    _check_any(items, paths, n_posts=len(posts))
    write(audit, workspace=workspace)
    write_queue(output, items, force=force)
    return QueueSummary(
        items=items,
        reasons=dict(Counter(choice.kind for choice in chosen).most_common()),
        audit=audit,
        model=scorer.title if scorer else "",
        n_labelled=len(labelled),
    )


def _check_any(items: Sequence[QueueItem], paths: Sequence[str], *, n_posts: int) -> None:
    if not n_posts:
        raise InputError(
            "no post has text",
            where=", ".join(paths),
            remedy="Media-only posts cannot be labelled; name the text column by --text.",
        )
    if not items:
        raise InputError(
            "every post with text is labelled, or a copy of one that is",
            where=", ".join(paths),
            got=f"{n_posts:,} posts",
            remedy="Ingest newer posts.",
        )


def _open_scorer(uri: str, workspace: Workspace, *, watch: Watch) -> Scorer | None:
    if uri == NO_MODEL:
        return None
    found = find_model(workspace.store, uri) if uri else find_source(workspace, None).model
    return open_registered(found, workspace=workspace, watch=watch) if found else None


def _items(audit: Audit, chosen: Sequence[Choice], free: Sequence[Post]) -> list[QueueItem]:
    """Spread both streams evenly over the queue: wherever labelling stops, both are in."""
    chance = dict(zip(audit.sample.post_ids, audit.sample.inclusion_probability, strict=True))
    stratum = dict(zip(audit.sample.post_ids, audit.sample.stratum, strict=True))
    drawn = [
        QueueItem(
            post_id=post_id,
            rank=0,
            design=AUDIT,
            reason=_RANDOM,
            stratum=stratum[post_id],
            inclusion_probability=float(chance[post_id]),
        )
        for post_id in audit.asked
    ]
    active = [
        QueueItem(post_id=free[c.row].post_id, rank=0, design=ACTIVE, reason=c.reason)
        for c in chosen
    ]
    placed = [
        ((i + 0.5) / len(part), item) for part in (drawn, active) for i, item in enumerate(part)
    ]
    ordered = [item for _, item in sorted(placed, key=lambda pair: pair[0])]
    return [replace(item, rank=rank) for rank, item in zip(count(), ordered)]


def _with_shares(items: Sequence[QueueItem], wanted: QueueOptions) -> tuple[QueueItem, ...]:
    """Have a random share labelled twice, and pre-annotations of another held back.

    By numbers that a post keeps, so that a queue made anew asks the same of it; they are other ones
    than those of the audit, whose posts would else all come first.
    """
    ids = [item.post_id for item in items]
    double = _lowest(ids, wanted.double, seed=2 * wanted.seed + 1)
    blind = _lowest(ids, wanted.blind, seed=2 * wanted.seed + 2)
    return tuple(
        replace(
            item,
            n_annotators=2 if item.post_id in double else 1,
            blind=item.post_id in blind,
        )
        for item in items
    )


def _lowest(ids: Sequence[str], share: float, *, seed: int) -> set[str]:
    numbers = permanent_numbers(ids, seed=seed)
    return {ids[i] for i in numbers.argsort(kind="stable")[: round(share * len(ids))]}
