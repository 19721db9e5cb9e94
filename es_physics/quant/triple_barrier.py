"""Triple-barrier labels: what price did after an anchor, read off the trades.

The triple barrier is that of Lopez de Prado (2018), "Advances in Financial Machine Learning",
ch. 3: an upper and a lower horizontal barrier and a vertical one in time. Here the horizontal
barriers stand around a level, not around the price at the anchor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NS_PER_S = 1e9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TripleBarrierLabels:
    """One element per event in every array, under the names of the label columns.

    Unknown is NaN in the float arrays and masked in the two masked ones, so
    `pyarrow.array(column, from_pandas=True)` turns each into a column with the right NULLs.
    Prices and excursions are points, times are seconds after the anchor. `break` is the side in
    the direction of approach, `bounce` the other.
    """

    outcome: NDArray[np.str_]
    """BREAK, BOUNCE, CHOP, or UNDEFINED where the trades end before the horizon does."""
    excursion_max: Floats
    excursion_min: Floats
    strength_signed: Floats
    strength_abs: Floats
    time_to_break_1: Floats
    time_to_break_2: Floats
    time_to_bounce_1: Floats
    time_to_bounce_2: Floats
    time_to_threshold_1: Floats
    time_to_threshold_2: Floats
    tradeable_1: NDArray[np.bool_]
    tradeable_2: NDArray[np.bool_]
    future_price: Floats
    label_end_ts_ns: Ints
    label_first_source_ts_ns: np.ma.MaskedArray
    label_last_source_ts_ns: np.ma.MaskedArray


def triple_barrier_labels(
    event_ts_ns: ArrayLike,
    level: ArrayLike,
    dir_sign: ArrayLike,
    trade_ts_ns: ArrayLike,
    trade_price: ArrayLike,
    *,
    horizon_ns: int,
    outcome_threshold: ArrayLike,
    strength_threshold: float,
) -> TripleBarrierLabels:
    """Label every event by the trades in (event_ts_ns, event_ts_ns + horizon_ns].

    Events, in any order: `event_ts_ns` integers (ns), `level` floats (points), `dir_sign` +1 where
    the level was approached from below, -1 from above. Trades, in their order: `trade_ts_ns`
    integers (ns, never falling), `trade_price` floats (points). No trade at or before an event's
    anchor is looked at.

    A barrier stands `threshold` points from the level on either side and is touched by a trade at
    or beyond it; of trades with the same time the earlier row counts. Threshold 1 is
    `strength_threshold`, 2 is `outcome_threshold`, one for all events or one for each. The first
    touch at threshold 2 is the outcome and ends the label; without one the label ends at the
    horizon, as CHOP, or as UNDEFINED if the last of all trades is earlier than that. Excursions,
    times and the future price are those of the whole window, beyond the first touch too.

    Raises ValueError for arrays of unequal length or the wrong type, a sign other than +1 and -1,
    a level or price that is not finite, trades out of order, and a horizon or threshold that is
    not positive.
    """
    t0 = _integers("event_ts_ns", event_ts_ns)
    levels = _finite("level", level, t0.size)
    sign = _integers("dir_sign", dir_sign, t0.size)
    ts = _integers("trade_ts_ns", trade_ts_ns)
    price = _finite("trade_price", trade_price, ts.size)
    _require(np.abs(sign) == 1, "dir_sign", sign, "neither +1 nor -1")
    _require(ts[1:] >= ts[:-1], "trade_ts_ns", ts[1:], "earlier than the trade before it")
    outcome_barrier = np.broadcast_to(np.asarray(outcome_threshold, np.float64), t0.shape)
    _require(outcome_barrier > 0, "outcome_threshold", outcome_barrier, "not positive")
    for name, value in (("horizon_ns", horizon_ns), ("strength_threshold", strength_threshold)):
        if not value > 0:
            raise ValueError(f"{name} is {value}: give a positive one")

    vertical = t0 + int(horizon_ns)
    begin = np.searchsorted(ts, t0, side="right")
    end = np.searchsorted(ts, vertical, side="right")
    seen = end > begin

    untouched = ts.size
    highest = np.full(t0.size, np.nan)
    lowest = np.full(t0.size, np.nan)
    # The row of the first touch, by [threshold 1 or 2, upper or lower barrier, event].
    touch_row = np.full((2, 2, t0.size), untouched)
    for i in np.flatnonzero(seen):
        window = price[begin[i] : end[i]]
        highest[i], lowest[i] = window.max(), window.min()
        for k, threshold in enumerate((strength_threshold, outcome_barrier[i])):
            upper, lower = levels[i] + threshold, levels[i] - threshold
            if highest[i] >= upper:
                touch_row[k, 0, i] = begin[i] + np.argmax(window >= upper)
            if lowest[i] <= lower:
                touch_row[k, 1, i] = begin[i] + np.argmax(window <= lower)

    upward = sign > 0
    above = np.maximum(highest - levels, 0.0)
    below = np.maximum(levels - lowest, 0.0)
    excursion_max = np.where(upward, above, below)
    excursion_min = np.where(upward, below, above)
    break_1, break_2 = np.where(upward, touch_row[:, 0], touch_row[:, 1])
    bounce_1, bounce_2 = np.where(upward, touch_row[:, 1], touch_row[:, 0])
    first_1, first_2 = np.minimum(break_1, bounce_1), np.minimum(break_2, bounce_2)
    tradeable_1, tradeable_2 = first_1 < untouched, first_2 < untouched

    # No trade is beyond both barriers, so the rows are equal only where neither was touched.
    trades_end_early = vertical > ts[-1] if ts.size else np.full(t0.size, True)
    outcome = np.select(
        [break_2 < bounce_2, bounce_2 < break_2, trades_end_early],
        ["BREAK", "BOUNCE", "UNDEFINED"],
        default="CHOP",
    )

    def seconds_to(row: NDArray[np.intp]) -> Floats:
        return np.where(row < untouched, (_at(ts, row) - t0) / _NS_PER_S, np.nan)

    return TripleBarrierLabels(
        outcome=outcome,
        excursion_max=excursion_max,
        excursion_min=excursion_min,
        strength_signed=excursion_max - excursion_min,
        strength_abs=np.maximum(excursion_max, excursion_min),
        time_to_break_1=seconds_to(break_1),
        time_to_break_2=seconds_to(break_2),
        time_to_bounce_1=seconds_to(bounce_1),
        time_to_bounce_2=seconds_to(bounce_2),
        time_to_threshold_1=seconds_to(first_1),
        time_to_threshold_2=seconds_to(first_2),
        tradeable_1=tradeable_1,
        tradeable_2=tradeable_2,
        future_price=np.where(seen, _at(price, end - 1), np.nan),
        label_end_ts_ns=np.where(tradeable_2, _at(ts, first_2), vertical),
        label_first_source_ts_ns=np.ma.array(_at(ts, begin), mask=~seen),
        label_last_source_ts_ns=np.ma.array(_at(ts, end - 1), mask=~seen),
    )


def _at(values: np.ndarray, row: NDArray[np.intp]) -> np.ndarray:
    """The values at these rows, and any value where there is no such row."""
    return values.take(row, mode="clip") if values.size else np.zeros(row.size, values.dtype)


def _integers(name: str, values: ArrayLike, size: int | None = None) -> Ints:
    """The values as int64, refused if they are not integers: a float cannot hold nanoseconds."""
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} has type {array.dtype}: give integers")
    return _of_size(name, array, size).astype(np.int64, copy=False)


def _finite(name: str, values: ArrayLike, size: int) -> Floats:
    array = _of_size(name, np.asarray(values, dtype=np.float64), size)
    _require(np.isfinite(array), name, array, "not a finite price")
    return array


def _of_size(name: str, array: np.ndarray, size: int | None) -> np.ndarray:
    if array.ndim != 1 or size not in (None, array.size):
        wanted = "one dimension" if size is None else f"shape ({size},)"
        raise ValueError(f"{name} has shape {array.shape}: give {wanted}")
    return array


def _require(right: NDArray[np.bool_], name: str, values: np.ndarray, fault: str) -> None:
    """Raise ValueError that shows the first value that is not right, if there is one."""
    if not right.all():
        first = int(np.argmin(right))
        raise ValueError(f"{name} {values[first]} is {fault} (element {first} of {right.size})")
