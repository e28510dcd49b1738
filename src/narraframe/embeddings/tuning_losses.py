"""What an encoder can be tuned for. Cells that nobody annotated take no part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_DOUBT = 0.1
"""Posts are told apart if they share a label that is not known of both with less probability."""
_SCALE = 10.0  # of unit vectors, that a linear layer need not grow far


def frequency(y: NDArray[np.int8], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share (k,) of the posts of which a label is known that carry it; 0 of none."""
    return np.asarray(((y == 1) & mask).sum(axis=0) / np.maximum(mask.sum(axis=0), 1))


def alike(
    y: NDArray[np.int8], mask: NDArray[np.bool_], usual: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Say which pairs of posts share a label.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
    usual : float64 array of shape (k,)
        The labels' frequencies.

    Returns
    -------
    float32 array of shape (n, n)
        1 where both are known to carry a label; 0 where that is known of no label, and is unlikely
        of those that are not known of one or both; nan where it is not known, and on the diagonal.
    """
    has = ((y == 1) & mask).astype(np.float64)
    chance = np.where(mask, has, usual)
    shares = has @ has.T > 0
    doubtful = chance @ chance.T >= MOST_DOUBT
    found = np.where(shares, 1.0, np.where(doubtful, np.nan, 0.0)).astype(np.float32)
    np.fill_diagonal(found, np.nan)
    return found


class PairLoss:
    """Asks for a cosine of 1 between posts that share a label, and of 0 between those that do not.

    In a batch the pairs that share one count as much, together, as those that do not.
    """

    def __init__(self, y: NDArray[np.int8], mask: NDArray[np.bool_]) -> None:
        self._y, self._mask, self._usual = y, mask, frequency(y, mask)
        self.parameters: list[Any] = []

    def __call__(self, vectors: Any, rows: NDArray[np.intp]) -> Any:
        """Return the loss of the batch of posts at `rows`, whose `vectors` are (b, d)."""
        import torch

        known = alike(self._y[rows], self._mask[rows], self._usual)
        wanted = torch.from_numpy(known).to(vectors.device)
        off = (vectors @ vectors.T - torch.nan_to_num(wanted)) ** 2
        sides = [off[wanted == 1], off[wanted == 0]]
        means = [side.mean() for side in sides if len(side)]
        return torch.stack(means).mean() if means else off.sum() * 0


class LabelLoss:
    """Log loss of each label by a linear layer, learned beside."""

    def __init__(
        self, y: NDArray[np.int8], mask: NDArray[np.bool_], *, width: int, device: Any
    ) -> None:
        import torch

        self._y = torch.from_numpy(((y == 1) & mask).astype(np.float32)).to(device)
        self._mask = torch.from_numpy(mask.astype(np.float32)).to(device)
        share = np.clip(frequency(y, mask), 1e-3, 1 - 1e-3)
        start = torch.from_numpy(np.log(share / (1 - share)).astype(np.float32))
        self._bias = start.to(device).requires_grad_()
        self._weight = torch.zeros(y.shape[1], width, device=device, requires_grad=True)
        self.parameters: list[Any] = [self._weight, self._bias]

    def __call__(self, vectors: Any, rows: NDArray[np.intp]) -> Any:
        """Return the loss of the batch of posts at `rows`, whose `vectors` are (b, d)."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        said = _SCALE * vectors @ self._weight.T + self._bias
        loss = binary_cross_entropy_with_logits(said, self._y[rows], reduction="none")
        known = self._mask[rows]
        return (loss * known).sum() / torch.clamp(known.sum(), min=1)
