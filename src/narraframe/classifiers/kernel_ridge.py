"""Kernel ridge regression for many labels at once, with exact scores of unseen groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lapack
from sklearn.base import BaseEstimator

from narraframe.classifiers.kernels import KERNELS, Matrix, kernel
from narraframe.errors import TrainingError

MOST_EXACT = 8_000
"""Posts up to which every post is a landmark; the time grows with their cube."""
N_LANDMARKS = 4_000
_BLOCK = 4_096

Floats = NDArray[np.float32]


class RidgeHead(BaseEstimator):  # type: ignore[misc]
    """Regress -1/+1 per label on a kernel, with unknown cells left out exactly.

    The function of a label minimises ``sum over known posts (t - f(x))^2 + alpha |f|^2`` in the
    space of ``k(x, x') + 1``. Scores of posts that the fit did not see need no refit: for a group b
    of near-duplicates, with G the inverse of (K + alpha I) and a = G t, leaving b out gives
    ``t_b - inv(G_bb) a_b``, exactly. G itself is not formed, only a root of it.

    Above `MOST_EXACT` posts the function is sought in the span of 4,000 of them, drawn by `seed`
    (Nystroem's method); leave-group-out scores are exact for that span.

    Parameters
    ----------
    kernel : {"rbf", "linear"}, default="rbf"
        ``exp(-|x - x'|^2)``, made for rows of length 1, or the inner product.
    alpha : float, default=0.3
        The penalty.
    seed : int, default=0
        Of the landmarks.

    Attributes
    ----------
    landmarks_ : matrix of shape (m, f)
        Posts that the function is made of.
    coefficients_ : float32 array of shape (m, k)
        0 for a label without known positives or negatives.
    held_out_scores_ : float64 array of shape (n, k)
        Score of each known cell by the fit without the post's group; nan elsewhere.

    References
    ----------
    Rifkin and Lippert (2007), Notes on regularized least squares, MIT-CSAIL-TR-2007-025, for
    single posts; the blocks are from the inverse of a partitioned matrix. Nystroem: Williams and
    Seeger (2001).
    """

    def __init__(self, *, kernel: str = "rbf", alpha: float = 0.3, seed: int = 0) -> None:
        self.kernel = kernel
        self.alpha = alpha
        self.seed = seed

    def fit(
        self,
        x: Matrix,
        y: NDArray[np.int8],
        *,
        mask: NDArray[np.bool_] | None = None,
        groups: ArrayLike | None = None,
    ) -> RidgeHead:
        """Fit all labels.

        Parameters
        ----------
        x : float32 array or csr matrix of shape (n, f)
            Rows of length 1 at most.
        y : int8 array of shape (n, k)
            Targets, 1 where a label applies.
        mask : bool array of shape (n, k), default=None
            Known cells; None = all.
        groups : array-like of shape (n,), default=None
            Near-duplicates, left out together; None = every post by itself.
        """
        if self.kernel not in KERNELS or not self.alpha > 0:
            raise ValueError(f"kernel {self.kernel!r} and alpha {self.alpha} are no ridge")
        known = np.ones(y.shape, dtype=np.bool_) if mask is None else mask
        names = np.arange(len(y)) if groups is None else np.asarray(groups)
        member = np.unique(names, return_inverse=True)[1]
        target = np.where(y == 1, 1, -1).astype(np.float32)
        usable = _two_sided(y, known)
        fit = _exact if x.shape[0] <= MOST_EXACT else _nystroem
        chosen, coefficients, scores = fit(x, target, known & usable, member, self)
        self.landmarks_ = x[chosen]
        self.coefficients_ = coefficients
        self.held_out_scores_ = scores
        return self

    def decision_function(self, x: Matrix) -> NDArray[np.float64]:
        """Return scores (n, k): about -1 for no, +1 for yes."""
        wide = kernel(x, self.landmarks_, self.kernel, dtype=np.float64)
        return np.asarray(wide @ self.coefficients_.astype(np.float64))


def _exact(
    x: Matrix, target: Floats, known: NDArray[np.bool_], member: NDArray[np.intp], head: RidgeHead
) -> tuple[Any, Floats, NDArray[np.float64]]:
    system = kernel(x, x, head.kernel, dtype=np.float32)
    coefficients = np.zeros(target.shape, dtype=np.float32)
    scores = np.full(target.shape, np.nan)
    whole: Floats | None = None
    for columns in _by_mask(known):
        rows = known[:, columns[0]]
        absent = np.flatnonzero(~rows)
        if not rows.any():
            continue
        if len(absent) > len(rows) / 6:  # from there on a root of its own is quicker
            root = _root(system[np.ix_(rows, rows)], head.alpha)
        else:
            if whole is None:
                whole = _root(system, head.alpha)
            root = _without(whole, absent, rows)
        t = target[np.ix_(rows, columns)]
        part = root.T @ (root @ t)
        coefficients[np.ix_(rows, columns)] = part
        left_out = t - part / np.einsum("ij,ij->j", root, root)[:, None]
        for block in _blocks(member[rows]):
            of_block = root[:, block]
            left_out[block] = t[block] - np.linalg.solve(of_block.T @ of_block, part[block])
        scores[np.ix_(rows, columns)] = left_out
    return np.arange(len(target)), coefficients, scores


def _without(root: Floats, absent: NDArray[np.intp], rows: NDArray[np.bool_]) -> Floats:
    """Return a root of the inverse of a system without the `absent` rows and columns.

    With G = R'R, taking them out of the system takes what their columns of R span out of the
    others: ``G_rr - G_ra inv(G_aa) G_ar = R_r' (I - QQ') R_r``.
    """
    if not len(absent):
        return root
    span = np.linalg.qr(root[:, absent])[0]
    kept = root[:, rows]
    kept -= span @ (span.T @ kept)
    return kept


def _nystroem(
    x: Matrix, target: Floats, known: NDArray[np.bool_], member: NDArray[np.intp], head: RidgeHead
) -> tuple[Any, Floats, NDArray[np.float64]]:
    n, k = target.shape
    chosen = np.sort(np.random.default_rng(head.seed).permutation(n)[:N_LANDMARKS])
    landmarks = x[chosen]
    among = kernel(landmarks, landmarks, head.kernel, dtype=np.float64)
    among[np.diag_indices(len(among))] += 1e-6 * len(among)
    whitening = np.linalg.inv(np.linalg.cholesky(among))
    spread = whitening.T.astype(np.float32)  # kernel values to coordinates in the span
    blocks = [np.arange(a, min(a + _BLOCK, n)) for a in range(0, n, _BLOCK)]
    at = np.empty((n, len(chosen)), dtype=np.float32)
    for block in blocks:
        at[block] = kernel(x[block], landmarks, head.kernel, dtype=np.float32) @ spread
    coefficients = np.zeros((len(chosen), k), dtype=np.float32)
    scores = np.full((n, k), np.nan)
    for columns in _by_mask(known):
        rows = np.flatnonzero(known[:, columns[0]])
        if not len(rows):
            continue
        here, t = at[rows], target[np.ix_(rows, columns)]
        root = _root(here.T @ here, head.alpha)
        weights = root.T @ (root @ (here.T @ t))
        coefficients[:, columns] = spread @ weights
        seen = here @ root.T
        residual = t - here @ weights
        left_out = t - residual / (1 - np.einsum("ij,ij->i", seen, seen))[:, None]
        for copies in _blocks(member[rows]):
            inner = np.eye(len(copies), dtype=np.float32) - seen[copies] @ seen[copies].T
            left_out[copies] = t[copies] - np.linalg.solve(inner, residual[copies])
        scores[np.ix_(rows, columns)] = left_out
    return chosen, coefficients, scores


def _root(matrix: Floats, alpha: float) -> Floats:
    """Return R with R'R the inverse of (matrix + alpha I), which is positive definite.

    R is the inverse of the Cholesky factor. All that is asked of the inverse, its diagonal, blocks
    and products, comes from R: a third of the work less than to form it.
    """
    system = matrix.T.copy(order="F")  # it is its own transpose; so it is copied as it lies
    system[np.diag_indices(len(system))] += np.float32(alpha)
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    if not failed:
        root, failed = lapack.strtri(factor, lower=1, overwrite_c=1)
    if failed or not np.isfinite(root.diagonal()).all():  # lapack may let nan through
        raise TrainingError(
            "the features of the posts cannot be solved for",
            got=f"lapack code {failed}",
            remedy="Look for values that are not finite among the embeddings.",
        )
    return np.asarray(root)


def _two_sided(y: NDArray[np.int8], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(((y == 1) & known).any(axis=0) & ((y != 1) & known).any(axis=0))


def _by_mask(known: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Put labels together that are known of the same posts: they share one inverse."""
    alike: dict[bytes, list[int]] = {}
    for column, of_label in enumerate(known.T):
        alike.setdefault(of_label.tobytes(), []).append(column)
    return [np.array(columns, dtype=np.intp) for columns in alike.values()]


def _blocks(member: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the rows of each group of two and more."""
    order = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.diff(member[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    several = ends - starts > 1
    return [order[a:b] for a, b in zip(starts[several], ends[several], strict=True)]
