"""Assign: the themes of new posts, and what among them may be a new theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from narraframe.config import Workspace
from narraframe.io.assignments import AssignedPost, write_assignments
from narraframe.io.curation import read_curations
from narraframe.io.files import check_output
from narraframe.io.rows import SUFFIXES
from narraframe.records import Embeddings, Post
from narraframe.workflows.embedding import embed_with_cache, open_encoder_of
from narraframe.workflows.reading import ReadOptions, read_ready
from narraframe.workflows.themes import read_state, said_of
from narraframe.workflows.watch import Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from narraframe.themes.emerging import Candidate
    from narraframe.themes.view import View

BETWEEN, NEW, HIDDEN, NO_TEXT = "between themes", "new", "theme is hidden", "no text"
_KEYWORDS, _EXAMPLES = 6, 3


@dataclass(frozen=True)
class CandidateTheme:
    """A group of new posts that may be a theme: what it is about, and posts that stand for it."""

    number: int
    name: str
    n_posts: int
    n_groups: int
    cohesion: float
    examples: tuple[Post, ...]


@dataclass(frozen=True)
class Assigned:
    """Posts by theme (number, name, posts), posts without theme by reason, and candidate themes;
    the largest first.
    """

    n_posts: int
    by_theme: tuple[tuple[int, str, int], ...]
    by_reason: tuple[tuple[str, int], ...]
    candidates: tuple[CandidateTheme, ...]


def assign_posts(
    paths: Sequence[str],
    *,
    themes: Path,
    output: Path,
    options: ReadOptions,
    workspace: Workspace,
    force: bool,
    assign_all: bool,
    watch: Watch,
) -> Assigned:
    """Assign the posts of `paths` to the themes of the folder `themes`; write ASSIGNMENTS.

    With `assign_all` every post with text gets its most probable theme.

    Raises
    ------
    InputError
        If an input cannot be read, or no post has text.
    TableError
        If the themes cannot be read, or were found with another encoder.
    OutputError
        If `output` exists and `force` is False, or cannot be written.
    """
    check_output(output, endings=SUFFIXES, inputs=paths, force=force)
    state = read_state(themes)
    log = said_of(state, read_curations(workspace.curation))
    posts = read_ready(paths, options=options, watch=watch).posts
    encoder = open_encoder_of(state.encoder, workspace=workspace, made=themes, watch=watch)
    embeddings = embed_with_cache(posts, encoder=encoder, workspace=workspace, watch=watch)
    from narraframe.themes.assign import assign
    from narraframe.themes.curate import shown_themes
    from narraframe.themes.emerging import emerging
    from narraframe.themes.view import view

    with watch.stage("assign", total=len(embeddings.post_ids)) as step:
        # 0 for both: however far away and however doubtful
        limits = {"novel_share": 0.0, "least_probability": 0.0} if assign_all else {}
        found = assign(state.reference, embeddings.vectors, **limits)
        step(len(embeddings.post_ids))
    seen = view(state, log)
    by_id = {post.post_id: post for post in posts}
    groups = [by_id[p].duplicate_of or p for p in embeddings.post_ids]
    candidates = emerging(embeddings.vectors, found, groups)
    suggested = shown_themes(found.suggested, embeddings.vectors, seen.curated, state.parts)
    themed = np.ones(len(groups), np.bool_) if assign_all else found.theme >= 0
    rows = _rows(embeddings, suggested, themed, found.known, found.probability, candidates, seen)
    by_post = {row.post_id: row for row in rows}
    every = [by_post.get(p.post_id, AssignedPost(post_id=p.post_id, reason=NO_TEXT)) for p in posts]
    write_assignments(output, every, force=force)
    described = _described(candidates, embeddings, by_id)
    themes_of = Counter((row.theme, row.name) for row in every)
    reasons = Counter(row.reason for row in every if row.reason is not None)
    return Assigned(
        n_posts=len(every),
        by_theme=tuple(
            (t, name, n) for (t, name), n in themes_of.most_common() if t is not None and name
        ),
        by_reason=tuple(reasons.most_common()),
        candidates=described,
    )


def _rows(
    embeddings: Embeddings,
    suggested: NDArray[np.int32],
    themed: NDArray[np.bool_],
    known: NDArray[np.bool_],
    probability: NDArray[np.float32],
    candidates: Sequence[Candidate],
    seen: View,
) -> list[AssignedPost]:
    names = {summary.theme: summary.name for summary in seen.summaries}
    group = {int(r): k for k, candidate in enumerate(candidates) for r in candidate.rows}
    rows = []
    for i, post_id in enumerate(embeddings.post_ids):
        number = int(suggested[i])
        hidden = number in seen.curated.hidden
        inside = bool(themed[i]) and number >= 0 and not hidden
        outside = HIDDEN if hidden and themed[i] else BETWEEN if known[i] else NEW
        rows.append(
            AssignedPost(
                post_id=post_id,
                theme=number if inside else None,
                name=names.get(number, f"theme {number}") if inside else None,
                probability=float(probability[i]),
                suggested=number if number >= 0 and not hidden else None,
                reason=None if inside else outside,
                candidate=group.get(i),
            )
        )
    return rows


def _described(
    candidates: Sequence[Candidate], embeddings: Embeddings, by_id: dict[str, Post]
) -> tuple[CandidateTheme, ...]:
    """Name the candidates by their words, as against each other and all other new posts."""
    from narraframe.themes.counting import count_terms
    from narraframe.themes.keywords import theme_name
    from narraframe.themes.terms import theme_keywords

    if not candidates:
        return ()
    posts = [by_id[post_id] for post_id in embeddings.post_ids]
    number = np.full(len(posts), -1, np.int32)
    for k, candidate in enumerate(candidates):
        number[candidate.rows] = k
    matrix = count_terms([p.model_text or "" for p in posts], [p.lang for p in posts])
    keywords = theme_keywords(matrix, number, n_keywords=_KEYWORDS)
    return tuple(
        CandidateTheme(
            number=k,
            name=theme_name(keywords[k]) or f"candidate {k}",
            n_posts=len(candidate.rows),
            n_groups=candidate.n_groups,
            cohesion=candidate.cohesion,
            examples=tuple(posts[i] for i in candidate.representatives[:_EXAMPLES]),
        )
        for k, candidate in enumerate(candidates)
    )
