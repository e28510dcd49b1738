import itertools

import numpy as np
import pytest

from narraframe.embeddings.tuning_losses import MOST_DOUBT, LabelLoss, PairLoss, alike, frequency

torch = pytest.importorskip("torch")


def all_known(y):
    return np.ones(np.shape(y), dtype=bool)


def test_posts_that_share_a_label_are_alike_and_others_are_not():
    y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.int8)
    found = alike(y, all_known(y), frequency(y, all_known(y)))
    nan = np.nan
    np.testing.assert_array_equal(
        found, [[nan, 1, 0, 0], [1, nan, 1, 0], [0, 1, nan, 0], [0, 0, 0, nan]]
    )


def test_pairs_that_may_well_share_a_label_that_is_not_known_are_left_out():
    y = np.array([[1, 0], [0, 1], [0, 0], [1, 0]], dtype=np.int8)
    mask = all_known(y)
    mask[2, 0] = False
    found = alike(y, mask, np.array([0.5, 0.5]))
    assert np.isnan(found[2, [0, 3]]).all()  # the label that is not known of post 2 is on both
    assert found[2, 1] == 0
    rare = alike(y, mask, np.array([0.01, 0.5]))
    assert (rare[2, [0, 1, 3]] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_a_slow_count(seed):
    rng = np.random.default_rng(seed)
    y = (rng.random((9, 3)) < 0.4).astype(np.int8)
    mask = rng.random(y.shape) < 0.7
    usual = frequency(y, mask)
    found = alike(y, mask, usual)
    for i, j in itertools.permutations(range(9), 2):
        cells = [(y[i, c], mask[i, c], y[j, c], mask[j, c], usual[c]) for c in range(3)]
        shared = any(a and ka and b and kb for a, ka, b, kb, _ in cells)
        chance = sum((a if ka else u) * (b if kb else u) for a, ka, b, kb, u in cells)
        wanted = 1.0 if shared else np.nan if chance >= MOST_DOUBT else 0.0
        np.testing.assert_equal(found[i, j], wanted)


def test_a_label_that_is_known_of_no_post_changes_no_pair():
    y = np.array([[1, 1], [1, 0], [0, 1]], dtype=np.int8)
    mask = all_known(y)
    mask[:, 1] = False
    np.testing.assert_array_equal(
        alike(y, mask, frequency(y, mask)),
        alike(y[:, :1], mask[:, :1], frequency(y[:, :1], mask[:, :1])),
    )


def test_the_loss_of_pairs_weighs_both_kinds_alike_whatever_their_numbers():
    y = np.array([[1], [1], [0], [0], [0]], dtype=np.int8)
    loss = PairLoss(y, all_known(y))
    same = torch.nn.functional.normalize(torch.ones(5, 3), dim=1)
    # the pair that shares the label is where it should be; the nine others are off by 1
    assert float(loss(same, np.arange(5))) == pytest.approx(0.5)
    apart = torch.eye(5)
    assert float(loss(apart, np.arange(5))) == pytest.approx(0.5)


def test_the_loss_of_labels_leaves_unknown_cells_out_and_begins_at_the_frequencies():
    y = np.array([[1, 1], [1, 0], [0, 0], [1, 0]], dtype=np.int8)
    mask = all_known(y)
    mask[3, 1] = False
    loss = LabelLoss(y, mask, width=3, device="cpu")
    vectors = torch.nn.functional.normalize(torch.ones(4, 3), dim=1)
    share = np.array([3 / 4, 1 / 3])
    cells = -(y * np.log(share) + (1 - y) * np.log(1 - share))
    found = float(loss(vectors, np.arange(4)).detach())
    assert found == pytest.approx(cells[mask].mean(), rel=1e-5)


@pytest.mark.parametrize("make", [PairLoss, lambda *a: LabelLoss(*a, width=3, device="cpu")])
def test_a_batch_of_which_nothing_is_known_has_no_loss_and_no_gradient(make):
    y = np.ones((3, 2), dtype=np.int8)
    mask = np.zeros(y.shape, dtype=bool)
    vectors = torch.eye(3, requires_grad=True)
    loss = make(y, mask)(vectors, np.arange(3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not vectors.grad.any()
