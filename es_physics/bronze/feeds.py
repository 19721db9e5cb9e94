"""The Bronze feeds: where each one lies, which DBN schemas fill it, and its exact columns.

This is the only place that names a Bronze column's type. The importer writes by it, the dbt
plugin builds typed empty views from it, and the simulated market is checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

ROOT_SYMBOL = "ES"
"""The product root that the partition key `root` carries."""

DATASET = "GLBX.MDP3"
"""The vendor's dataset that the product trades in."""

BOOK_LEVELS = 10
"""Price levels per side of an MBP-10 record."""

MANIFEST_NAME = "_manifest.json"

_I64, _U32, _U16, _U8, _I32, _STR = (
    pa.int64(),
    pa.uint32(),
    pa.uint16(),
    pa.uint8(),
    pa.int32(),
    pa.string(),
)

_TIMES = [("ts_recv", _I64), ("ts_event", _I64), ("row_nr", _I64)]
_INSTRUMENT = [("instrument_id", _U32), ("symbol", _STR)]
_MARKET = [
    *_TIMES,
    *_INSTRUMENT,
    ("sequence", _U32),
    ("flags", _U8),
    ("ts_in_delta", _I32),
]
_ACTION = [
    ("price", _I64),
    ("size", _U32),
    ("action", _STR),
    ("side", _STR),
    ("depth", _U8),
]


def _book_levels(count: int) -> list[tuple[str, pa.DataType]]:
    """The six columns of each price level 00, 01, ... in the vendor's order."""
    per_level = [
        ("bid_px", _I64),
        ("ask_px", _I64),
        ("bid_sz", _U32),
        ("ask_sz", _U32),
        ("bid_ct", _U32),
        ("ask_ct", _U32),
    ]
    return [(f"{name}_{level:02d}", kind) for level in range(count) for name, kind in per_level]


_DEFINITION = [
    *_TIMES,
    *_INSTRUMENT,
    ("instrument_class", _STR),
    ("strike_price", _I64),
    ("expiration", _I64),
    ("activation", _I64),
    ("underlying", _STR),
    ("underlying_id", _U32),
    ("unit_of_measure_qty", _I64),
    ("min_price_increment", _I64),
    ("asset", _STR),
    ("group", _STR),
    ("cfi", _STR),
    ("security_type", _STR),
    ("user_defined_instrument", _STR),
    ("trading_reference_price", _I64),
    ("maturity_year", _U16),
    ("maturity_month", _U8),
]
_STATISTICS = [
    *_TIMES,
    *_INSTRUMENT,
    ("ts_ref", _I64),
    ("stat_type", _U16),
    ("price", _I64),
    ("quantity", _I64),
    ("stat_flags", _U8),
    ("update_action", _U8),
]


@dataclass(frozen=True)
class Feed:
    """One Bronze feed.

    path:        below the Bronze root.
    dbn_schemas: the DBN schemas whose records are its own, the best first; none for SPX.
    schema:      its columns.
    trades_of:   the DBN schemas whose trades (action T) are its records too, for want of those.
    """

    path: str
    dbn_schemas: tuple[str, ...]
    schema: pa.Schema
    trades_of: tuple[str, ...] = ()
    has_root_key: bool = True

    @property
    def made_from(self) -> tuple[str, ...]:
        """Every DBN schema that can fill the feed, the best first; one partition takes one."""
        return (*self.dbn_schemas, *self.trades_of)

    @property
    def name(self) -> str:
        """The feed's name as an identifier: `futures/mbp10` is `futures_mbp10`."""
        return self.path.replace("/", "_")

    def partition_dir(self, bronze_root: Path, trade_date: date) -> Path:
        """The folder that holds this feed's files of one trade date."""
        folder = bronze_root / self.path
        if self.has_root_key:
            folder = folder / f"root={ROOT_SYMBOL}"
        return folder / f"date={trade_date.isoformat()}"


FEEDS: tuple[Feed, ...] = (
    Feed(
        "futures/trades",
        ("trades", "tbbo"),
        pa.schema([*_MARKET, *_ACTION]),
        trades_of=("mbp-1", "mbp-10", "mbo"),
    ),
    Feed(
        "futures/mbp10",
        ("mbp-10", "mbo"),
        pa.schema([*_MARKET, *_ACTION, *_book_levels(BOOK_LEVELS)]),
    ),
    Feed("futures/definition", ("definition",), pa.schema(_DEFINITION)),
    Feed(
        "options/trades",
        ("trades", "tbbo"),
        pa.schema([*_MARKET, *_ACTION]),
        trades_of=("mbp-1",),
    ),
    Feed("options/nbbo", ("mbp-1", "bbo-1s"), pa.schema([*_MARKET, *_ACTION, *_book_levels(1)])),
    Feed("options/definition", ("definition",), pa.schema(_DEFINITION)),
    Feed("options/statistics", ("statistics",), pa.schema(_STATISTICS)),
    Feed(
        "index/spx",
        (),
        pa.schema([("ts_recv", _I64), ("row_nr", _I64), ("price", _I64)]),
        has_root_key=False,
    ),
)

FEED_BY_PATH: dict[str, Feed] = {feed.path: feed for feed in FEEDS}
