"""How good the themes are, in figures, and what to beware of, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from narraframe.themes.terms import Keywords, TermMatrix

FEWEST_POSTS = 15
_STEADY_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeQuality:
    """Figures over distinct posts (`n_groups`); nan where undefined.

    `outlier_share` is the share of noise; `confidence` the mean over posts in themes;
    `relative_validity` that of the layout, in [-1, 1]; `npmi` the coherence of the keywords, in
    [-1, 1]; `diversity` the share of distinct ones among all keywords; `stability` the agreement
    (adjusted Rand index) with runs of other seeds, `stability_resampled` with such that also left a
    fifth of the posts out.
    """

    n_posts: int
    n_groups: int
    n_themes: int
    granularity: float
    outlier_share: float
    confidence: float
    relative_validity: float
    npmi: float
    diversity: float
    stability: float
    stability_resampled: float
    warnings: tuple[str, ...]


def coherence(matrix: TermMatrix, keywords: Sequence[Keywords]) -> float:
    """Return the mean normalised pointwise mutual information of keyword pairs within themes.

    Probabilities are shares of posts that hold the term, or both. A pair that never meets counts
    -1, one that is in every post 1; nan where no theme has two keywords.

    References
    ----------
    Bouma (2009), GSCL; Lau, Newman and Baldwin (2014), EACL.
    """
    wanted = {term for listed in keywords for term, _ in listed}
    column = [i for i, term in enumerate(matrix.terms) if term in wanted]
    place = {matrix.terms[i]: k for k, i in enumerate(column)}
    pairs = [
        (place[a], place[b]) for listed in keywords for (a, _), (b, _) in combinations(listed, 2)
    ]
    if not pairs:
        return float("nan")
    held = (matrix.counts[:, column] > 0).astype(np.int32)
    share = (held.T @ held).tocsr() / matrix.counts.shape[0]
    first, second = np.array(pairs).T
    p_both = np.asarray(share[first, second]).ravel()
    p_either = share.diagonal()
    with np.errstate(divide="ignore", invalid="ignore"):
        npmi = np.log(p_both / (p_either[first] * p_either[second])) / -np.log(p_both)
    npmi[p_both == 0.0] = -1.0
    npmi[p_both == 1.0] = 1.0
    return float(npmi.mean())


def diversity(keywords: Sequence[Keywords]) -> float:
    """Return the share of distinct terms among the keywords of all themes; nan without any.

    References
    ----------
    Dieng, Ruiz and Blei (2020), TACL 8.
    """
    terms = [term for listed in keywords for term, _ in listed]
    return len(set(terms)) / len(terms) if terms else float("nan")


def theme_warnings(
    *,
    n_groups: int,
    n_themes: int,
    outlier_share: float,
    largest_share: float,
    stability: float,
    stability_resampled: float,
) -> tuple[str, ...]:
    """Say in words what makes these themes doubtful; empty when nothing does.

    The limits are far above random vectors of many dimensions, whose themes agree by 0.1 at most
    when a fifth of the posts is left out, and below labelled corpora of 3,000 posts, which agree by
    0.6 and more. Random vectors of very few dimensions do clump, and pass.
    """
    if n_groups < FEWEST_POSTS:
        return (
            f"Only {n_groups} distinct posts: below {FEWEST_POSTS} no themes are sought, "
            "and every post stays without one.",
        )
    doubts = {
        f"Only {n_groups} distinct posts: below about {_STEADY_FROM} themes change with single "
        "posts. Read them as a first look.": n_groups < _STEADY_FROM,
        "No themes were found: the posts are too even, or too different from each other.": (
            n_themes == 0
        ),
        f"One theme holds {largest_share:.0%} of the posts: they are too even to tell themes "
        "apart, or more granularity is needed.": largest_share > 0.5,
        f"{outlier_share:.0%} of the posts belong to no theme: the themes describe the lesser "
        "part of the corpus.": n_themes > 0 and outlier_share > 0.5,
        f"Another seed gives rather different themes (agreement {stability:.2f}): do not build "
        "on single posts' themes.": n_themes > 0 and stability < 0.5,
        f"Without a fifth of the posts the themes are rather different (agreement "
        f"{stability_resampled:.2f}): there may be no clear ones.": (
            n_themes > 0 and stability_resampled < 0.4
        ),
    }
    return tuple(text for text, holds in doubts.items() if holds)
