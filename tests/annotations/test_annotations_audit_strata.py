"""The strata of an audit, read back from its limits."""

import numpy as np

from narraframe.annotations.audit import draw_audit
from narraframe.annotations.audit_strata import UNCOVERED, strata_of


def test_cells_of_one_limit_are_one_stratum_and_cells_without_are_in_none():
    limits = {("a", "2024-05"): 0.25, ("a", "2024-06"): 0.5, ("b", "2024-05"): 0.25}
    cells = [("b", "2024-05"), ("a", "2024-06"), ("a", "2024-05"), ("c", "2024-05")]
    assert strata_of(cells, limits).tolist() == [0, 1, 0, UNCOVERED]


def test_strata_read_back_are_those_the_audit_was_drawn_from():
    rng = np.random.default_rng(0)
    ids = [f"p{i}" for i in range(600)]
    channels = [str(c) for c in rng.integers(0, 4, 600)]
    months = [f"2024-0{m}" for m in rng.integers(1, 7, 600)]
    sample = draw_audit(ids, channels, months, n=50, seed=0)
    stratum = dict(
        zip(ids, strata_of(list(zip(channels, months, strict=True)), sample.limits), strict=True)
    )
    pairs = {(name, stratum[i]) for i, name in zip(sample.post_ids, sample.stratum, strict=True)}
    assert len(pairs) == len(set(sample.stratum)) == sample.strata
    sizes = np.bincount(list(stratum.values()))
    for i, size in zip(sample.post_ids, sample.population, strict=True):
        assert sizes[stratum[i]] == size
