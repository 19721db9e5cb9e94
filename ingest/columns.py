"""From DBN version 3 record arrays to Arrow columns, with undefined values as NULL."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from databento_dbn import UNDEF_ORDER_SIZE, UNDEF_PRICE
from numpy.typing import NDArray

Records = np.ndarray[Any, np.dtype[Any]]

# The format's other sentinels depend on the type alone: see `column`.
UNDEFINED = {"size": UNDEF_ORDER_SIZE, "maturity_year": 65535, "maturity_month": 255}

_CHARACTERS = pa.array([None, *(chr(code) for code in range(1, 128)), *[None] * 128], pa.string())


def column(records: Records, name: str, kind: pa.DataType) -> pa.Array:
    """One field of the records as an Arrow array of type `kind`.

    NULL where the value is the format's "undefined": the largest INT64 (UNDEF_PRICE and the
    statistics' quantity), the largest UINT64 (UNDEF_TIMESTAMP), a field's own sentinel, an empty
    string; and everywhere where the record has no such field (bbo-1s: action, depth,
    ts_in_delta; definitions of version 3: trading_reference_price).
    """
    if name not in (records.dtype.names or ()):
        return pa.nulls(len(records), kind)
    values = records[name].copy()  # Whole, as the records are overwritten by the next.
    if values.dtype.kind == "S":
        return _text(values)
    if values.dtype == np.uint64:
        values = values.view(np.int64)
        return _array(values, kind, values == -1)
    if values.dtype == np.int64:
        return _array(values, kind, values == UNDEF_PRICE)
    return _array(values, kind, values == UNDEFINED[name] if name in UNDEFINED else None)


def _array(
    values: NDArray[Any], kind: pa.DataType, undefined: NDArray[np.bool_] | None
) -> pa.Array:
    """An Arrow array on the memory of `values`, whose type is that of `kind`."""
    assert pa.from_numpy_dtype(values.dtype) == kind, f"{values.dtype} read as {kind}"
    defined = None
    if undefined is not None and undefined.any():
        defined = pa.py_buffer(np.packbits(~undefined, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [defined, pa.py_buffer(values)])


def _text(values: NDArray[np.bytes_]) -> pa.Array:
    """Fixed-width, NUL-padded text as strings; ArrowInvalid if it is not UTF-8."""
    if values.dtype.itemsize == 1:
        return _CHARACTERS.take(pa.array(values.view(np.uint8)))
    text = pa.array(values, pa.binary()).cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def to_batch(records: Records, schema: pa.Schema, symbols: pa.Array) -> pa.RecordBatch:
    """The records as a batch with the feed's columns but `row_nr`, which the writer assigns.

    `symbols`: the raw symbol of each record.
    """
    fields = [field for field in schema if field.name != "row_nr"]
    return pa.RecordBatch.from_arrays(
        [
            symbols if field.name == "symbol" else column(records, field.name, field.type)
            for field in fields
        ],
        schema=pa.schema(fields),
    )
