"""From the columns of the vendor's CSV and Parquet to Bronze columns, with undefined as NULL.

The vendor writes fixed-point fields as integers of 1e-9, decimals or doubles, times as integers or
timestamps, and what is undefined as the format's sentinel, an empty field or NaN.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import UNDEFINED
from ingest.errors import InputError

TIMES = ("ts_recv", "ts_event", "ts_ref", "expiration", "activation")
WHOLE = ("quantity",)
"""Of the INT64 columns those that are times, and whole numbers; the others are fixed-point."""

DECIMAL = pa.decimal128(19, 9)
"""Holds every fixed-point value exactly."""

_FIXED_POINT = 10**9
# Below it, a whole number of 1e-9 that became a double of points comes back exactly.
_EXACT_IN_DOUBLE = 2**51


def is_fixed_point(field: pa.Field) -> bool:
    """Whether a Bronze column is in units of 1e-9."""
    return bool(field.type == pa.int64()) and field.name not in (*TIMES, *WHOLE, "row_nr")


def bronze_column(values: pa.Array, field: pa.Field) -> pa.Array:
    """The vendor's column as the Bronze column of that name and type.

    Raises InputError, in words that go on after the column's name, or ArrowInvalid for values that
    have no place in it.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), field.type)
    if field.type == pa.string():
        return _text(values)
    if field.name in TIMES:
        return _nanoseconds(values)
    if is_fixed_point(field):
        return _units(values)
    return _whole(values, field)


def _without(values: pa.Array, undefined: int) -> pa.Array:
    return pc.if_else(pc.equal(values, pa.scalar(undefined, values.type)), None, values)


def _largest(kind: pa.DataType) -> int:
    return int(np.iinfo(kind.to_pandas_dtype()).max)


def _text(values: pa.Array) -> pa.Array:
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise InputError(f"is {values.type}, not text")
    text = values.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def _nanoseconds(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise InputError("is a timestamp without a time zone; write it in UTC")
        if kind.unit != "ns":
            raise InputError(f"is in {kind.unit}, which loses nanoseconds; export timestamp[ns]")
        return values.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    if not pa.types.is_integer(kind):
        raise InputError(f"is {kind}; make it nanoseconds or a timestamp with a time zone")
    return _without(values, _largest(kind)).cast(pa.int64())


def _units(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_integer(kind):
        return _without(values, _largest(kind)).cast(pa.int64())
    if pa.types.is_decimal(kind):
        return _units_of_decimal(values.cast(pa.decimal128(38, 9)))
    if kind != pa.float64():  # A smaller one holds seven digits.
        raise InputError(f"is {kind}; make it integers of 1e-9, decimals or doubles")
    points = pc.if_else(pc.is_nan(values), None, values)
    units = pc.round(pc.multiply(points, float(_FIXED_POINT)))
    largest = pc.max(pc.abs(units)).as_py()
    if largest is not None and not largest < _EXACT_IN_DOUBLE:
        raise InputError(
            f"holds {largest / _FIXED_POINT:,.0f}, too large to be exact in a double; export"
            " fixed-point prices"
        )
    return units.cast(pa.int64())


def _units_of_decimal(values: pa.Array) -> pa.Array:
    """The unscaled integers of a decimal128 column."""
    halves = np.frombuffer(values.buffers()[1], np.int64).reshape(-1, 2)
    low, high = halves[values.offset : values.offset + len(values)].T
    undefined = values.is_null().to_numpy(zero_copy_only=False)
    if ((high != low >> 63) & ~undefined).any():
        raise InputError("holds a number beyond 9,223,372,036")
    return pa.array(low.copy(), pa.int64(), mask=undefined)


def _whole(values: pa.Array, field: pa.Field) -> pa.Array:
    kind = values.type
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), None, values).cast(field.type)
    elif not pa.types.is_integer(kind):
        raise InputError(f"is {kind}, not a whole number")
    if field.name in UNDEFINED:
        return _without(values.cast(field.type), UNDEFINED[field.name])
    if field.name in WHOLE:
        values = _without(values, _largest(values.type))
    return values.cast(field.type)
