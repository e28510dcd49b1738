"""How like two posts are, by their rows of features."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

KERNELS = ("rbf", "linear")
_ROWS = 32  # few enough to stay in the processor's cache from one step to the next
Matrix: TypeAlias = NDArray[np.float32] | sp.csr_matrix


def kernel(a: Matrix, b: Matrix, kind: str, *, dtype: Any) -> NDArray[Any]:
    """Return 1 + k(a_i, b_j), shape (n, m); the 1 stands for an intercept.

    Parameters
    ----------
    a, b : arrays or csr matrices of shapes (n, f) and (m, f)
        Rows of length 1; for "linear" of any length.
    kind : {"rbf", "linear"}
        ``exp(-|a - b|^2) = exp(2 a.b - 2)``, or ``a.b``.
    dtype : float32 or float64
        In which it is computed.
    """
    if sp.issparse(a):
        product = (a.astype(dtype) @ b.T.astype(dtype)).toarray()
    else:
        product = np.asarray(a, dtype=dtype) @ np.asarray(b, dtype=dtype).T
    for start in range(0, len(product), _ROWS):
        part = product[start : start + _ROWS]
        if kind == "rbf":
            part *= 2
            part -= 2
            np.exp(part, out=part)
        part += 1
    return np.asarray(product)
