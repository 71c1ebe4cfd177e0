"""Matrix products whose rows do not depend on how many there are.

BLAS multiplies a single row, and few rows, with other kernels than many, which add in another order
and so round differently. A call among others would then get other figures than the same call alone,
and a threshold somewhere turns the last bit into another decision.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BATCH_ROWS: Final = 16
"""Multiple to which rows are filled up. From 16 rows on, OpenBLAS 0.3 gives each row the same bits
in every batch; below, it does not (measured up to 200 rows: `tests/duplex/test_products.py`)."""


def in_whole_batches(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, columns] with rows of zeros appended, so that n is a multiple of a batch."""
    count, columns = rows.shape
    if count % _BATCH_ROWS == 0:
        return rows
    filled = np.zeros((count + -count % _BATCH_ROWS, columns), np.float32)
    filled[:count] = rows
    return filled
