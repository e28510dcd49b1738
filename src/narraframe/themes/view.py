"""The themes as the analyst sees them: the machine's, with the curation log replayed over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Themes, ThemeSummary
from narraframe.themes.curate import Curated, Curation, replay, shown_themes
from narraframe.themes.keywords import theme_name
from narraframe.themes.modularity import NOISE
from narraframe.themes.represent import representatives
from narraframe.themes.state import ThemesState
from narraframe.themes.terms import ThemeTerms, keywords_of, theme_terms


@dataclass(frozen=True)
class View:
    """Themes and summaries, largest first, as shown; `curated` says what the log did to them."""

    themes: Themes
    summaries: tuple[ThemeSummary, ...]
    terms: ThemeTerms
    curated: Curated


def view(
    state: ThemesState,
    log: Sequence[Curation] = (),
    *,
    n_keywords: int = 10,
    n_representatives: int = 5,
) -> View:
    """Replay `log` over the themes of a fit and describe what comes out.

    The posts of a hidden theme count as noise. A merged theme's stability is the mean over its
    posts, and a part of a split has that of the whole.

    Parameters
    ----------
    state : ThemesState
        Of the fit.
    log : sequence of Curation
        Oldest first.
    n_keywords, n_representatives : int
        At most so many per theme.
    """
    machine = state.theme_of_distinct
    curated = replay(log, state.numbers)
    shown = shown_themes(machine, state.vectors, curated, state.parts)
    shown[np.isin(shown, sorted(curated.hidden))] = NOISE
    terms = theme_terms(state.terms, shown)
    listed = keywords_of(terms, n_keywords=n_keywords)
    themes = Themes(
        post_ids=state.post_ids,
        theme=shown[state.row_of_post],
        membership=np.where(shown[state.row_of_post] < 0, 0, state.membership).astype(np.float32),
        xy=state.xy,
    )
    summaries = []
    for number, keywords in zip(terms.themes.tolist(), listed, strict=True):
        rows = np.flatnonzero(shown == number)
        chosen = rows[representatives(state.vectors[rows], n=n_representatives)]
        posts = np.flatnonzero(themes.theme == number)
        summaries.append(
            ThemeSummary(
                theme=number,
                name=curated.names.get(number) or theme_name(keywords) or f"theme {number}",
                keywords=keywords,
                n_posts=len(posts),
                n_groups=len(rows),
                representative_post_ids=tuple(state.post_ids[state.distinct[i]] for i in chosen),
                confidence=_mean(state.membership[state.distinct[rows]]),
                stability=_stability(machine[rows], state.theme_stability),
                months=tuple(sorted(_count(state.month, posts).items())),
                channels=tuple(_count(state.channel, posts).most_common()),
            )
        )
    summaries.sort(key=lambda summary: (-summary.n_posts, summary.theme))
    return View(themes, tuple(summaries), terms, curated)


def _mean(values: NDArray[np.floating]) -> float:
    return round(float(values.mean(dtype=np.float64)), 6)


def _stability(machine: NDArray[np.int32], stability: Mapping[int, float]) -> float:
    return _mean(np.array([stability.get(number, np.nan) for number in machine.tolist()]))


def _count(column: Sequence[str | None], posts: NDArray[np.intp]) -> Counter[str]:
    return Counter(name for i in posts.tolist() if (name := column[i]) is not None)
