"""Matrix products whose rows do not depend on how many there are.

BLAS chooses its kernels by the size of a product and by a row's place in it, and they round
differently. A call among others would then get other figures than the same call alone, and a
threshold somewhere turns the last bit into another decision.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 16
"""Rows of each product that BLAS is given, as the lanes of its vectors: every kernel treats these
alike. With 32, the second half is rounded differently on processors without AVX-512. See
docs/decisions/0032-products-of-sixteen-lanes.md."""


def product(rows: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """[..., n, k] times the transpose of [..., columns, k], as `torch.nn.Linear` has its weights.

    A row's bits are the same for every n and at every place. Measured with the kernels for four
    kinds of processor: `tests/duplex/test_products.py`.
    """
    *_, count, size = rows.shape
    groups = -(-count // _ROWS)
    if count < groups * _ROWS:
        filled = np.zeros((*rows.shape[:-2], groups * _ROWS, size), np.float32)
        filled[..., :count, :] = rows
        rows = filled
    lanes = rows.reshape(*rows.shape[:-2], groups, _ROWS, size).swapaxes(-1, -2)
    found = (weights[..., None, :, :] @ lanes).swapaxes(-1, -2)
    return found.reshape(*found.shape[:-3], groups * _ROWS, found.shape[-1])[..., :count, :]
