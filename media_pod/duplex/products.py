"""Matrix products whose rows do not depend on how many there are.

BLAS multiplies a single row, and small products, with other kernels than large ones, which add in
another order and so round differently. A call among others would then get other figures than the
same call alone, and a threshold somewhere turns the last bit into another decision.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SMALL_PRODUCT: Final = 100**3
"""Rows * columns * columns of the result up to which OpenBLAS 0.3 takes the kernels for small ones
(its `SMALL_MATRIX_OPT`)."""
_MOST_FILLED: Final = 64
"""Rows to which a product is filled up at most. A matrix for which that is still a small product
stays one in any batch of a pod: that of the band levels up to 640 rows, which are 320 calls."""


def product(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, k] @ [k, columns]; a row's bits are the same for every n.

    Measured up to 200 rows: `tests/duplex/test_products.py`.
    """
    count = len(rows)
    least = min(_SMALL_PRODUCT // matrix.size + 1, _MOST_FILLED)
    if count >= least:
        return rows @ matrix
    filled = np.zeros((least, rows.shape[1]), np.float32)
    filled[:count] = rows
    found: NDArray[np.float32] = (filled @ matrix)[:count]
    return found
