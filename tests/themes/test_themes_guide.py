import numpy as np

from narraframe.themes.guide import guided


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_post_near_a_seed_moves_a_quarter_of_the_way_and_others_stay():
    posts = unit([[1, 0.2, 0], [0, 0.3, 1], [0, 1, 1]])
    seeds = unit([[1, 0, 0]])
    found = guided(posts, seeds)
    np.testing.assert_allclose(found[0], unit([0.75 * posts[0] + 0.25 * seeds[0]])[0], atol=1e-6)
    np.testing.assert_allclose(found[1:], posts[1:], atol=1e-6)


def test_posts_of_one_seed_come_closer_to_each_other_and_stay_normalised():
    rng = np.random.default_rng(0)
    seeds = unit(rng.normal(size=(3, 32)))
    posts = unit(np.repeat(seeds, 20, axis=0) + 0.4 * rng.normal(size=(60, 32)))
    found = guided(posts, seeds)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    for k in range(3):
        before, after = (x[k * 20 : k * 20 + 20] for x in (posts, found))
        assert (after @ after.T).mean() > (before @ before.T).mean() + 0.02


def test_posts_far_from_all_seeds_are_left_as_they_are():
    rng = np.random.default_rng(1)
    posts = unit(rng.normal(size=(40, 32)) + 3 * np.eye(32)[0])
    np.testing.assert_allclose(guided(posts, unit([-np.eye(32)[0]])), posts, atol=1e-6)
