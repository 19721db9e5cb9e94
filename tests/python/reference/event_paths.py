"""Price and flow around each event, before and after (definitions, section 13)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import polars as pl

from reference.clock import SECOND_NS
from reference.kinematics import PriceHistory
from reference.trades import Trade, signed_size

PATHS_SCHEMA = {
    "event_id": pl.String,
    "offset_s": pl.Int64,
    "is_placebo": pl.Boolean,
    "move": pl.Float64,
    "signed_volume": pl.Int64,
    "path_source_ts_ns": pl.Int64,
}
OFFSETS_S = range(-600, 481, 10)


def event_paths(
    events: pl.DataFrame, placebos: pl.DataFrame, trades: Sequence[Trade]
) -> pl.DataFrame:
    """The `event_paths` table, by `PATHS_SCHEMA`: 109 rows for each event and placebo.

    `trades` are the ordered front-month trades of the trade date.
    """
    prices = PriceHistory(trades)
    times = [trade.ts_ns for trade in trades]
    running = [0, *accumulate(signed_size(trade) for trade in trades)]

    def traded_by(ts_ns: int) -> int:
        return bisect_right(times, ts_ns)

    rows: list[dict[str, Any]] = []
    for table, is_placebo in ((events, False), (placebos, True)):
        for event in table.iter_rows(named=True):
            t0, sign = event["event_ts_ns"], event["dir_sign"]
            for offset in OFFSETS_S:
                then = t0 + offset * SECOND_NS
                known = traded_by(max(t0, then))
                row = {
                    "event_id": event["event_id"],
                    "offset_s": offset,
                    "is_placebo": is_placebo,
                    "path_source_ts_ns": times[known - 1],
                    "move": None,
                    "signed_volume": None,
                }
                # After the last trade of the trade date nothing is known any more.
                if then <= times[-1]:
                    price, price_then = prices.at(t0), prices.at(then)
                    if price is not None and price_then is not None:
                        row["move"] = sign * (price_then - price)
                    volume = running[traded_by(then)] - running[traded_by(t0)]
                    row["signed_volume"] = sign * (volume if offset > 0 else -volume)
                rows.append(row)
    return pl.DataFrame(rows, schema=PATHS_SCHEMA)
