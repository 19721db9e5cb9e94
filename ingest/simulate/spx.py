"""The cash index beside the futures: about one price a second while the cash market is open.

Or, where a lag is given, an echo of a future: every change of its mid so long after, or up to a few
milliseconds sooner, so that a measure of who leads has a right answer.
"""

from __future__ import annotations

from pathlib import Path

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.bronze.feeds import FEED_BY_PATH
from ingest.simulate.dbn_writer import replacing
from ingest.simulate.hours import Session
from ingest.simulate.instruments import PRICE_SCALE
from ingest.simulate.price_path import IndexPath

_NOISE_POINTS = 0.08
_CENT = PRICE_SCALE // 100
_LATEST_IN_SECOND_NS = 200_000_000

ECHO_JITTER_NS = 5_000_000
"""By how much an echo may come sooner than its lag says."""


def spx_prices(rng: np.random.Generator, session: Session, path: IndexPath) -> pa.Table:
    """`ts_recv` (UTC ns) and `price` (1e-9 points), one row a second of the cash session."""
    end_ns = session.rth_end_ns or session.rth_start_ns  # Without a cash session: no rows.
    cash = (path.at_ns >= session.rth_start_ns) & (path.at_ns < end_ns)
    noisy = path.price[cash] + _NOISE_POINTS * rng.standard_normal(np.count_nonzero(cash))
    ts_recv = path.at_ns[cash] + rng.integers(0, _LATEST_IN_SECOND_NS, len(noisy))
    return _table(ts_recv, np.rint(noisy * 100).astype(np.int64) * _CENT)


class Echo:
    """The cash index as an echo of one instrument's mid, `lag_ns` after its book rows arrived.

    Or a little sooner, at random: an estimate that adds up what overlaps finds less in changes that
    coincide than in such as come just before.
    """

    def __init__(self, instrument_id: int, lag_ns: int) -> None:
        self._instrument_id = instrument_id
        self._lag_ns = lag_ns
        self._heard: list[tuple[np.ndarray, np.ndarray]] = []

    def hear(self, rows: np.ndarray) -> None:
        """Take up the MBP-10 records that the feed shows next."""
        best = rows["levels"][:, 0]
        bid, ask = best["bid_px"], best["ask_px"]
        shown = (rows["instrument_id"] == self._instrument_id) & (rows["action"] != b"T")
        shown &= (bid != dbn.UNDEF_PRICE) & (ask != dbn.UNDEF_PRICE) & (bid < ask)
        mid = (bid[shown] + ask[shown]) // 2
        self._heard.append(_changes(rows["ts_recv"][shown].astype(np.int64), mid))

    def prices(self, rng: np.random.Generator, session: Session, path: IndexPath) -> pa.Table:
        """As `spx_prices`, from the open to the close; it starts where the path is, to the cent."""
        heard, mid = _changes(*map(np.concatenate, zip(*self._heard, strict=True)))
        later = self._lag_ns - rng.integers(0, ECHO_JITTER_NS, len(mid))
        ts_recv = np.maximum.accumulate(heard + later)
        end_ns = session.rth_end_ns or session.rth_start_ns
        cash = (ts_recv >= session.rth_start_ns) & (ts_recv < end_ns)
        ts_recv, mid = ts_recv[cash], mid[cash]
        at_open = float(np.interp(0, path.at_ns - session.rth_start_ns, path.price))
        basis = np.rint((mid[:1] / PRICE_SCALE - at_open) * 100).astype(np.int64) * _CENT
        return _table(ts_recv, mid - basis)


def _changes(ts_ns: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    changed = np.append(True, np.diff(price) != 0)[: len(price)]
    return ts_ns[changed], price[changed]


def _table(ts_recv: np.ndarray, price: np.ndarray) -> pa.Table:
    schema = FEED_BY_PATH["index/spx"].schema
    return pa.table(
        {"ts_recv": ts_recv, "price": price},
        schema=pa.schema([schema.field("ts_recv"), schema.field("price")]),
    )


def write_spx(file: Path, prices: pa.Table) -> None:
    """Write the prices as Parquet, whole or not at all."""
    with replacing(file) as partial:
        pq.write_table(prices, partial, compression="zstd")
