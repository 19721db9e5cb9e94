"""Values that a format does not forbid and a vendor does not send: landed, and said."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from es_physics.calendar import EARLIEST, LATEST, utc_midnight_ns
from ingest.columns import Records

# What the format's one-letter fields may hold.
_LETTERS = {"action": b"ACMRTFN", "side": b"ABN"}
_KNOWN = {name: np.isin(np.arange(256), list(letters)) for name, letters in _LETTERS.items()}
_SLACK_NS = 60 * 10**9
"""So much later than it was received nothing happens, by any two clocks."""
_UNDEFINED = (-1, (1 << 63) - 1)


def odd_letters(records: Records) -> Counter[str]:
    """How many records have a letter that the format does not know, by what it is."""
    return +Counter(
        {
            f"an unknown {name}": int((~known[records[name].view(np.uint8)]).sum())
            for name, known in _KNOWN.items()
            if name in (records.dtype.names or ())
        }
    )


def odd_texts(columns: dict[str, pa.Array]) -> Counter[str]:
    """The same of a table's columns of text."""
    odd: Counter[str] = Counter()
    for name, letters in _LETTERS.items():
        if name in columns:
            counts = columns[name].value_counts()
            for letter, count in zip(*(part.to_pylist() for part in counts.flatten()), strict=True):
                if letter is not None and (len(letter) != 1 or letter.encode() not in letters):
                    odd[f"an unknown {name}"] += count
    return odd


def odd_times(ts_event: NDArray[np.int64], ts_recv: NDArray[np.int64]) -> Counter[str]:
    """How many records happened after they were received, or in another age."""
    is_odd = (ts_event < utc_midnight_ns(EARLIEST)) | (ts_event >= utc_midnight_ns(LATEST))
    is_odd |= ts_event > ts_recv + _SLACK_NS
    is_odd &= ~np.isin(ts_event, _UNDEFINED)
    return +Counter({"a ts_event that cannot be": int(is_odd.sum())})


def remarks(odd: Counter[str], records: int) -> list[str]:
    """A clause for each kind of oddity among so many records."""
    return [
        f"{count:,} of its {records:,} records have {what}; they have been landed"
        for what, count in odd.items()
    ]
