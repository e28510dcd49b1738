from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from narraframe.errors import ConfigError
from narraframe.themes.calibration import ABSENT
from narraframe.themes.engine import Found, find_clusters, make_graph
from narraframe.themes.settings import ENGINES, LEAST_GRANULARITY, ThemeSettings

engines = pytest.mark.parametrize("engine", ENGINES)


class Told:
    """Remembers the stages opened and what was done in each."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}
        self.done: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def __call__(self, name: str, *, total: int | None = None, unit: str = "posts") -> Iterator:
        self.totals[name] = total

        def step(n: int) -> None:
            self.done[name] += n

        yield step


def as_bytes(found: Found) -> list[bytes]:
    arrays = [getattr(found.clusters, f.name) for f in fields(found.clusters)]
    arrays += [found.xy, found.theme_stability, *found.refits]
    arrays += [found.graph.data, found.graph.indices, found.graph.indptr]
    figures = (found.stability, found.stability_resampled, found.relative_validity)
    return [a.tobytes() for a in arrays] + [repr(figures).encode()]


@engines
def test_two_far_blobs_are_two_themes_of_full_confidence_that_come_back(make_blobs, engine):
    blobs = make_blobs(70, 50)
    # At 1 a round blob of a few dozen posts may fall in two.
    found = find_clusters(blobs.vectors, ThemeSettings(engine=engine, granularity=0.7))
    assert found.clusters.theme.tolist() == blobs.truth.tolist()
    assert found.clusters.confidence.min() > 0.99
    assert found.theme_stability.tolist() == [1.0, 1.0]
    assert found.stability == found.stability_resampled == 1.0


@engines
def test_the_order_of_the_posts_does_not_matter(make_blobs, engine):
    vectors = make_blobs(60, 50, 40, 30, spread=0.1).vectors
    order = np.random.default_rng(1).permutation(len(vectors))
    settings = ThemeSettings(engine=engine, n_reruns=0)
    straight = find_clusters(vectors, settings).clusters.theme
    shuffled = find_clusters(vectors[order], settings).clusters.theme
    assert straight.max() == 3
    assert adjusted_rand_score(straight[order], shuffled) == 1.0


@engines
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(make_blobs, engine):
    vectors = make_blobs(70, 50, spread=0.3).vectors
    found = [
        as_bytes(find_clusters(vectors, ThemeSettings(engine=engine, seed=s))) for s in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


@engines
def test_a_graph_that_is_given_is_not_made_again_and_gives_the_same_bytes(make_blobs, engine):
    vectors, settings, told = make_blobs(60, 40).vectors, ThemeSettings(engine=engine), Told()
    made = find_clusters(vectors, settings)
    again = find_clusters(vectors, settings, graph=make_graph(vectors, settings), stage=told)
    assert as_bytes(made) == as_bytes(again)
    assert list(told.totals) == ["themes", "map"]


@engines
@pytest.mark.parametrize("n", [1, 2, 14])
def test_few_posts_are_all_noise_on_a_finite_map(make_blobs, engine, n):
    found = find_clusters(make_blobs(n).vectors, ThemeSettings(engine=engine))
    assert found.clusters.theme.tolist() == [-1] * n
    assert found.xy.shape == (n, 2)
    assert np.isfinite(found.xy).all()
    assert found.theme_stability.shape == (0,)
    assert np.isnan(found.stability)


@engines
@pytest.mark.parametrize("assign_all", [False, True])
def test_the_same_vector_many_times_has_no_theme(engine, assign_all):
    same = np.full((60, 16), 0.25, np.float32)
    found = find_clusters(same, ThemeSettings(engine=engine, assign_all=assign_all))
    assert (found.clusters.theme == -1).all()
    assert np.isfinite(found.xy).all()


@pytest.fixture(scope="module")
def astray(make_blobs) -> np.ndarray:
    """Vectors of four blobs, and some that belong to none."""
    rng = np.random.default_rng(0)
    loose = rng.normal(size=(60, 32))
    loose /= np.linalg.norm(loose, axis=1, keepdims=True)
    blobs = make_blobs(80, 70, 60, 50, spread=0.12).vectors
    return np.vstack([blobs, loose.astype(np.float32)])


def test_posts_astray_are_noise_with_a_nearest_theme(astray):
    found = find_clusters(astray, ThemeSettings(n_reruns=0)).clusters
    noise = found.theme == -1
    assert noise[260:].any()
    assert not noise[:260].any()
    assert (found.nearest[noise] >= 0).all()
    assert (found.confidence[found.theme >= 0] >= 0.5).all()


@pytest.mark.parametrize("options", [{"assign_all": True}, {"engine": "graph"}])
def test_no_post_is_noise_where_all_are_to_be_assigned_and_with_communities(astray, options):
    found = find_clusters(astray, ThemeSettings(n_reruns=0, **options)).clusters
    assert found.theme.min() == 0
    assert found.theme.max() >= 3


def test_assigning_all_changes_no_theme_of_a_post_that_had_one(astray):
    some = find_clusters(astray, ThemeSettings(n_reruns=0)).clusters.theme
    all_of_them = find_clusters(astray, ThemeSettings(n_reruns=0, assign_all=True)).clusters.theme
    had_one = some >= 0
    assert adjusted_rand_score(some[had_one], all_of_them[had_one]) == 1.0


@engines
def test_every_second_rerun_leaves_out_a_fifth_of_the_posts(make_blobs, engine):
    found = find_clusters(make_blobs(60, 40).vectors, ThemeSettings(engine=engine, n_reruns=4))
    left_out = [np.count_nonzero(again == ABSENT) for again in found.refits]
    assert left_out == [0, 20, 0, 20]
    assert not np.array_equal(found.refits[1], found.refits[3])


@pytest.mark.parametrize("n_reruns", [0, 1, 2])
def test_stability_is_known_where_there_was_a_rerun_for_it(make_blobs, n_reruns):
    found = find_clusters(make_blobs(60, 40).vectors, ThemeSettings(n_reruns=n_reruns))
    assert len(found.refits) == n_reruns
    assert np.isnan(found.stability) == (n_reruns < 1)
    assert np.isnan(found.stability_resampled) == (n_reruns < 2)
    assert np.isnan(found.theme_stability).tolist() == [n_reruns < 1] * 2


def test_vectors_at_random_give_themes_that_do_not_come_back():
    vectors = np.random.default_rng(0).normal(size=(400, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = find_clusters(vectors, ThemeSettings())
    assert np.nanmean([found.stability_resampled]) < 0.3
    assert found.theme_stability.size == 0 or found.theme_stability.mean() < 0.5


def test_relative_validity_is_that_of_a_layout_and_unknown_without_one(make_blobs):
    vectors = make_blobs(60, 40).vectors
    assert find_clusters(vectors, ThemeSettings(n_reruns=0)).relative_validity > 0.5
    graph = find_clusters(vectors, ThemeSettings(n_reruns=0, engine="graph"))
    assert np.isnan(graph.relative_validity)


@engines
@pytest.mark.parametrize("sizes", [(1,), (14,), (16,), (30, 20)])
def test_the_steps_of_each_stage_add_up_to_its_total(make_blobs, engine, sizes):
    told = Told()
    find_clusters(make_blobs(*sizes).vectors, ThemeSettings(engine=engine), stage=told)
    assert list(told.totals) == ["neighbours", "themes", "map"]
    assert told.done == told.totals


def test_the_themes_have_at_least_the_posts_asked_for(make_blobs):
    settings = ThemeSettings(min_cluster_size=25, n_reruns=0)
    theme = find_clusters(make_blobs(80, 60, 20).vectors, settings).clusters.theme
    assert np.bincount(theme[theme >= 0]).min() >= 25


@engines
def test_more_granularity_gives_more_themes(make_blobs, engine):
    vectors = make_blobs(60, 50, 40, 30, spread=0.3).vectors
    graph: sp.csr_matrix = make_graph(vectors, ThemeSettings())
    numbers = [
        find_clusters(
            vectors, ThemeSettings(engine=engine, granularity=g, n_reruns=0), graph=graph
        ).clusters.theme.max()
        for g in (0.5, 4.0)
    ]
    assert numbers[0] < numbers[1]


def test_the_granularity_is_that_of_the_engine_unless_given():
    for engine in ENGINES:
        settings = ThemeSettings(engine=engine)
        assert settings.resolution(20) == settings.resolution(1_000) == 1.0
        assert settings.resolution(3_000) == pytest.approx((1 / 3) ** 0.25)
        assert settings.resolution(100_000) == LEAST_GRANULARITY[engine]
    assert ThemeSettings(granularity=2.5).resolution(20) == 2.5


def test_settings_that_make_no_sense_are_all_named_in_one_error():
    wrong = {
        "engine": "lda", "layout": "tsne", "n_neighbors": 1, "granularity": 0.0,
        "min_cluster_size": 1, "n_keywords": 0, "n_representatives": 0, "n_reruns": -1, "seed": -1,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="theme settings make no sense") as caught:
        ThemeSettings(**wrong)
    for name in wrong:
        assert f"{name} must be" in caught.value.what
    assert "engine must be one of hdbscan, graph" in caught.value.what


@pytest.mark.parametrize("granularity", [-1.0, 101.0, float("nan")])
def test_a_granularity_out_of_bounds_is_refused(granularity):
    with pytest.raises(ConfigError, match="granularity must be above 0, and 100 at most"):
        ThemeSettings(granularity=granularity)
