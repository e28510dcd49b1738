"""A new fit takes up where the last one was: numbers, gone themes, parts of splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.themes.discover import Discovery
from narraframe.themes.match import Change, ThemeProfile, match_themes
from narraframe.themes.reference import reference
from narraframe.themes.settings import ThemeSettings
from narraframe.themes.state import ThemesState
from narraframe.themes.terms import keywords_of, theme_terms


@dataclass(frozen=True)
class Refit:
    """The state of the new fit, under stable numbers, and what became of the themes."""

    state: ThemesState
    changes: tuple[Change, ...]


def graph_fingerprint(
    vectors: NDArray[np.float32], groups: Sequence[str], settings: ThemeSettings
) -> str:
    """Return what the neighbour graph of these posts depends on, as a SHA-256."""
    digest = hashlib.sha256(np.ascontiguousarray(vectors).tobytes())
    digest.update("\0".join(groups).encode())
    digest.update(f"{settings.n_neighbors}".encode())
    return digest.hexdigest()


def take_up(
    discovery: Discovery,
    vectors: NDArray[np.float32],
    *,
    months: Sequence[str | None],
    channels: Sequence[str | None],
    encoder: str,
    fingerprint: str,
    next_theme: int = 0,
    previous: ThemesState | None = None,
    seed: int = 0,
) -> Refit:
    """Give the themes of a discovery the numbers of the `previous` fit's themes they continue.

    Parameters
    ----------
    discovery : Discovery
        Of n posts, m of them distinct.
    vectors : float32 array of shape (n, d)
        That it was made from.
    months, channels : sequence of str or None of length n
        Of the posts.
    encoder, fingerprint : str
        Kept in the state.
    next_theme : int, default=0
        No number below it is given to a new theme.
    previous : ThemesState, default=None
        Of an earlier fit by the same encoder; None begins anew.
    seed : int, default=0
        Seed of the reference's sample.
    """
    # No finer than the state keeps them, so that it says the same after it was saved and read.
    distinct = vectors[discovery.distinct].astype(np.float16).astype(np.float32)
    provisional = discovery.found.clusters.theme
    kept = reference(distinct, provisional, refits=discovery.found.refits, seed=seed)
    after = _profiles_of(discovery, kept.themes.tolist(), kept.centroids)
    before = profiles(previous) if previous else ()
    matching = match_themes(
        before,
        after,
        next_theme=max(next_theme, previous.next_theme if previous else 0),
        gone=previous.gone if previous else (),
    )
    number = np.array([matching.numbers[t] for t in kept.themes.tolist()], np.int32)
    order = np.argsort(number, kind="stable")
    theme = _renumbered(discovery.themes.theme, number)
    fits = (*(previous.fits if previous else ()), _fit_id(fingerprint, theme))
    lost = {p.theme: p for p in (*(previous.gone if previous else ()), *before)}
    state = ThemesState(
        post_ids=discovery.themes.post_ids,
        theme=theme,
        membership=discovery.themes.membership,
        xy=discovery.themes.xy,
        month=tuple(months),
        channel=tuple(channels),
        row_of_post=discovery.row_of_post,
        distinct=discovery.distinct,
        vectors=distinct,
        terms=discovery.terms,
        graph=discovery.found.graph,
        fingerprint=fingerprint,
        # The reference keeps its themes in ascending order.
        reference=replace(
            kept,
            theme=_renumbered(kept.theme, number),
            themes=number[order],
            centroids=kept.centroids[order],
            calibration=replace(kept.calibration, usual=kept.calibration.usual[order]),
        ),
        theme_stability={
            int(number[t]): float(v) for t, v in enumerate(discovery.found.theme_stability)
        },
        parts=previous.parts if previous else {},
        gone=tuple(p for theme, p in sorted(lost.items()) if theme not in set(number.tolist())),
        next_theme=matching.next_theme,
        encoder=encoder,
        fits=tuple(dict.fromkeys(fits)),
    )
    return Refit(state, matching.changes)


def profiles(state: ThemesState) -> tuple[ThemeProfile, ...]:
    """Return what the themes of a state are known by."""
    terms = theme_terms(state.terms, state.theme_of_distinct)
    listed = dict(zip(terms.themes.tolist(), keywords_of(terms), strict=True))
    members = _members(state.post_ids, state.theme)
    return tuple(
        ThemeProfile(theme, centroid, dict(listed[theme]), members[theme])
        for theme, centroid in zip(
            state.reference.themes.tolist(), state.reference.centroids, strict=True
        )
    )


def _profiles_of(
    discovery: Discovery, themes: Sequence[int], centroids: NDArray[np.float32]
) -> tuple[ThemeProfile, ...]:
    members = _members(discovery.themes.post_ids, discovery.themes.theme)
    keywords = {summary.theme: dict(summary.keywords) for summary in discovery.summaries}
    return tuple(
        ThemeProfile(theme, centroid, keywords[theme], members[theme])
        for theme, centroid in zip(themes, centroids, strict=True)
    )


def _fit_id(fingerprint: str, theme: NDArray[np.int32]) -> str:
    # By content, not by chance: the same themes under the same numbers are one fit in any folder.
    return hashlib.sha256(fingerprint.encode() + theme.tobytes()).hexdigest()[:12]


def _members(post_ids: Sequence[str], theme: NDArray[np.int32]) -> dict[int, frozenset[str]]:
    found: dict[int, list[str]] = {}
    for post_id, number in zip(post_ids, theme.tolist(), strict=True):
        if number >= 0:
            found.setdefault(number, []).append(post_id)
    return {number: frozenset(ids) for number, ids in found.items()}


def _renumbered(theme: NDArray[np.int32], number: NDArray[np.int32]) -> NDArray[np.int32]:
    # index -1, noise, finds the last
    stable: NDArray[np.int32] = np.append(number, np.int32(-1))
    found: NDArray[np.int32] = stable[np.where(theme < 0, -1, theme)]
    return found
