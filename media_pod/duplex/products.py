"""Matrix products whose rows do not depend on how many there are.

BLAS chooses its kernels by the size of a product and by a row's place in it, and they round
differently. A call among others would then get other figures than the same call alone, and a
threshold somewhere turns the last bit into another decision.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 4
"""Rows of each product that BLAS is given: it takes one kernel for all of them. Eight and twelve
have two kernels on processors without AVX-512. See docs/decisions/0028-products-of-four-rows.md."""


def product(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, k] @ [k, columns]; a row's bits are the same for every n and at every place.

    Measured with the kernels for four kinds of processor: `tests/duplex/test_products.py`.
    """
    count, groups = len(rows), -(-len(rows) // _ROWS)
    if count < groups * _ROWS:
        filled = np.zeros((groups * _ROWS, rows.shape[1]), np.float32)
        filled[:count] = rows
        rows = filled
    found = rows.reshape(groups, _ROWS, rows.shape[1]) @ matrix
    return found.reshape(groups * _ROWS, matrix.shape[1])[:count]
