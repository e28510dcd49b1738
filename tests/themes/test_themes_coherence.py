from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest
import scipy.sparse as sp

from narraframe.themes.quality import coherence
from narraframe.themes.terms import TermMatrix


def slowly(counts: np.ndarray, terms: str, keywords: list[str]) -> float:
    values = []
    for listed in keywords:
        for a, b in combinations(listed, 2):
            holds_a, holds_b = counts[:, terms.index(a)] > 0, counts[:, terms.index(b)] > 0
            p_a, p_b, p_both = holds_a.mean(), holds_b.mean(), (holds_a & holds_b).mean()
            if p_both in {0.0, 1.0}:
                values.append(-1.0 if p_both == 0.0 else 1.0)
            else:
                values.append(log(p_both / (p_a * p_b)) / -log(p_both))
    return sum(values) / len(values)


@pytest.mark.parametrize("seed", range(5))
def test_coherence_is_that_of_a_slow_count(seed):
    rng = np.random.default_rng(seed)
    terms = "abcdefgh"
    counts = rng.poisson(0.6, (12, len(terms)))
    counts[:, 0] = 1 + rng.poisson(1, 12)
    counts[:, 1] = 2
    keywords = ["".join(rng.permutation(list(terms))[: rng.integers(0, 6)]) for _ in range(4)]
    keywords.append("abc")
    listed = [tuple((term, 1.0) for term in theme) for theme in keywords]
    found = coherence(TermMatrix(sp.csr_matrix(counts), tuple(terms)), listed)
    assert found == pytest.approx(slowly(counts, terms, keywords))
