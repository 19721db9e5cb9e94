"""One number for each record, by all of its values: equal records are told by it."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FACTOR = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
_NULL = np.uint64(0xD6E8FEB86659FD93)


def record_hashes(table: pa.Table, columns: list[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of these columns of each record, the same in every process.

    Integers and text, NULL being a value of its own. Multiply and fold, column by column, with the
    odd constant that is 2^64 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4):
    no defence against records that are made to collide.
    """
    hashes = np.zeros(len(table), np.uint64)
    for name in columns:
        hashes = (hashes ^ _numbers(table.column(name).combine_chunks())) * FACTOR
        hashes ^= hashes >> HALF
    return hashes


def _numbers(values: pa.Array) -> NDArray[np.uint64]:
    if pa.types.is_string(values.type):
        codes = values.dictionary_encode(null_encoding="encode")
        numbers = [
            _NULL if text is None else np.frombuffer(_digest(text), np.uint64)[0]
            for text in codes.dictionary.to_pylist()
        ]
        return np.array(numbers, np.uint64)[codes.indices.to_numpy()]
    numbers_of = values.fill_null(0).to_numpy(zero_copy_only=False)
    result = numbers_of.astype(np.int64).view(np.uint64)
    if values.null_count:
        result[values.is_null().to_numpy(zero_copy_only=False)] = _NULL
    return result


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
