"""How good the themes are, in figures, and what to beware of, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from narraframe.themes.terms import Keywords, TermMatrix

FEWEST_POSTS = 15
_STEADY_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeQuality:
    """Figures over distinct posts (`n_groups`); nan where undefined.

    `outlier_share` is the share of noise; `relative_validity` HDBSCAN's, in [-1, 1]; `npmi` the
    coherence of the keywords, in [-1, 1]; `diversity` the share of distinct ones among all
    keywords; `stability` the mean agreement (adjusted Rand index) of runs with other seeds.
    """

    n_posts: int
    n_groups: int
    n_themes: int
    min_cluster_size: int
    outlier_share: float
    relative_validity: float
    npmi: float
    diversity: float
    stability: float
    warnings: tuple[str, ...]


def coherence(matrix: TermMatrix, keywords: Sequence[Keywords]) -> float:
    """Return the mean normalised pointwise mutual information of keyword pairs within themes.

    Probabilities are shares of posts that hold the term, or both. A pair that never meets counts
    -1, one that is in every post 1; nan where no theme has two keywords.

    References
    ----------
    Bouma (2009), GSCL; Lau, Newman and Baldwin (2014), EACL.
    """
    column = {term: i for i, term in enumerate(matrix.terms)}
    values: list[float] = []
    for listed in keywords:
        columns = [column[term] for term, _ in listed]
        held = (matrix.counts[:, columns] > 0).astype(np.float64)
        share = (held.T @ held).toarray() / matrix.counts.shape[0]
        values += [
            _npmi(share[i, i], share[j, j], share[i, j])
            for i, j in combinations(range(len(columns)), 2)
        ]
    return float(np.mean(values)) if values else float("nan")


def diversity(keywords: Sequence[Keywords]) -> float:
    """Return the share of distinct terms among the keywords of all themes; nan without any.

    References
    ----------
    Dieng, Ruiz and Blei (2020), TACL 8.
    """
    terms = [term for listed in keywords for term, _ in listed]
    return len(set(terms)) / len(terms) if terms else float("nan")


def stability(labellings: Sequence[NDArray[np.int32]]) -> float:
    """Return the mean pairwise adjusted Rand index of labellings of the same posts.

    Noise counts as one class: a post that falls in and out of it disagrees. nan for fewer than two
    labellings, or when none has a theme.

    References
    ----------
    Hubert and Arabie (1985), Journal of Classification 2.
    """
    if len(labellings) < 2 or all(labels.max(initial=-1) < 0 for labels in labellings):
        return float("nan")
    return float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(labellings, 2)]))


def theme_warnings(
    *,
    n_groups: int,
    n_themes: int,
    outlier_share: float,
    largest_share: float,
    relative_validity: float,
    stability: float,
) -> tuple[str, ...]:
    """Say in words what makes these themes doubtful; empty when nothing does.

    The limits are where random vectors lie: validity below 0.15, stability below 0.4.
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
        "apart, or a smaller `min_cluster_size` is needed.": largest_share > 0.5,
        f"{outlier_share:.0%} of the posts belong to no theme: the themes describe the lesser "
        "part of the corpus.": n_themes > 0 and outlier_share > 0.5,
        f"The themes are hardly denser than what lies between them (relative validity "
        f"{relative_validity:.2f}): there may be no clear ones.": relative_validity < 0.15,
        f"Another seed gives rather different themes (agreement {stability:.2f}): do not build "
        "on single posts' themes.": n_themes > 0 and stability < 0.4,
    }
    return tuple(text for text, holds in doubts.items() if holds)


def _npmi(p_a: float, p_b: float, p_both: float) -> float:
    if p_both == 0.0:
        return -1.0
    if p_both == 1.0:
        return 1.0
    return float(np.log(p_both / (p_a * p_b)) / -np.log(p_both))
