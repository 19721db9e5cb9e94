"""The cash index beside the futures: about one price a second while the cash market is open."""

from __future__ import annotations

from pathlib import Path

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


def spx_prices(rng: np.random.Generator, session: Session, path: IndexPath) -> pa.Table:
    """`ts_recv` (UTC ns) and `price` (1e-9 points), one row a second of the cash session."""
    end_ns = session.rth_end_ns or session.rth_start_ns  # Without a cash session: no rows.
    cash = (path.at_ns >= session.rth_start_ns) & (path.at_ns < end_ns)
    noisy = path.price[cash] + _NOISE_POINTS * rng.standard_normal(np.count_nonzero(cash))
    ts_recv = path.at_ns[cash] + rng.integers(0, _LATEST_IN_SECOND_NS, len(noisy))
    price = np.rint(noisy * 100).astype(np.int64) * _CENT
    schema = FEED_BY_PATH["index/spx"].schema
    return pa.table(
        {"ts_recv": ts_recv, "price": price},
        schema=pa.schema([schema.field("ts_recv"), schema.field("price")]),
    )


def write_spx(file: Path, prices: pa.Table) -> None:
    """Write the prices as Parquet, whole or not at all."""
    with replacing(file) as partial:
        pq.write_table(prices, partial, compression="zstd")
