"""The vendor's MBP-10 record with its ten levels as one field."""

from __future__ import annotations

import databento_dbn as dbn
import numpy as np

from es_physics.bronze.feeds import BOOK_LEVELS

BOOK_LEVEL = np.dtype(
    [
        ("bid_px", "i8"),
        ("ask_px", "i8"),
        ("bid_sz", "u4"),
        ("ask_sz", "u4"),
        ("bid_ct", "u4"),
        ("ask_ct", "u4"),
    ]
)
_HEADER = [field for field in dbn.MBP10Msg._dtypes if not field[0].endswith(tuple("0123456789"))]

BOOK_RECORD = np.dtype([*_HEADER, ("levels", BOOK_LEVEL, (BOOK_LEVELS,))])
"""The bytes are those of the vendor's record, and so is `rtype`."""

RTYPE_MBP10 = 10


def blank_book_records(count: int) -> np.ndarray:
    """Records (dtype BOOK_RECORD) with the format's length and type, all else 0."""
    records = np.zeros(count, BOOK_RECORD)
    records["length"] = BOOK_RECORD.itemsize // 4
    records["rtype"] = RTYPE_MBP10
    return records
