"""Rows of several instruments as one feed: arrival order, latency, sequence, event boundaries."""

from __future__ import annotations

import databento_dbn as dbn
import numpy as np

from ingest.simulate.book_rows import F_LAST

TRADE = np.dtype(dbn.TradeMsg._dtypes)

_TYPICAL_LATENCY_NS = 40_000.0
_LATENCY_SPREAD = 0.4
_SLOW_SHARE = 0.0005
_SLOW_LATENCY_NS = 3_000_000.0


class FeedOrder:
    """Puts batches of rows, each later than the one before it, into the order of one feed."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._last_recv_ns = 0
        self._last_sequence = 0

    def merged(self, batches: list[np.ndarray]) -> np.ndarray:
        """All rows by arrival, with `ts_recv`, `ts_in_delta`, `sequence` and F_LAST filled in.

        Rows of one instrument and moment are one event: they arrive together, and only the last
        has F_LAST.
        """
        rows = np.concatenate(batches)
        if not len(rows):
            return rows
        rows = rows[np.argsort(rows["ts_recv"], kind="stable")]
        moment = rows["ts_recv"].astype(np.int64)
        starts = np.ones(len(rows), dtype=bool)
        starts[1:] = (np.diff(moment) > 0) | (np.diff(rows["instrument_id"].astype(np.int64)) != 0)
        event = np.cumsum(starts) - 1
        count = event[-1] + 1

        latency = _TYPICAL_LATENCY_NS * np.exp(_LATENCY_SPREAD * self._rng.standard_normal(count))
        slow = self._rng.random(count) < _SLOW_SHARE
        latency[slow] += self._rng.exponential(_SLOW_LATENCY_NS, np.count_nonzero(slow))
        arrival = np.maximum.accumulate(moment[starts] + latency.astype(np.int64))
        arrival = np.maximum(arrival, self._last_recv_ns)
        rows["ts_recv"] = arrival[event]
        rows["ts_in_delta"] = self._rng.integers(8_000, 20_000, count)[event]
        rows["sequence"] = self._last_sequence + 1 + np.arange(len(rows))
        rows["flags"] |= np.where(np.append(starts[1:], True), np.uint8(F_LAST), np.uint8(0))
        self._last_recv_ns = int(arrival[-1])
        self._last_sequence += len(rows)
        return rows


def trades_of(rows: np.ndarray) -> np.ndarray:
    """The trades feed's records (dtype TRADE) of the T rows among book rows."""
    traded = rows[rows["action"] == b"T"]
    trades = np.zeros(len(traded), dtype=TRADE)
    for name in TRADE.names or ():
        trades[name] = traded[name]
    trades["length"] = TRADE.itemsize // 4
    trades["rtype"] = 0
    return trades
