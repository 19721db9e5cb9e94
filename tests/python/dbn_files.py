"""Write genuine DBN files of any version for tests: record arrays behind encoded metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import partitions

UNDEF_PRICE = 2**63 - 1
UNDEF_TS = 2**64 - 1

VERSIONS = {1: dbn.v1, 2: dbn.v2, 3: dbn.v3}
RECORDS = {
    "trades": (0, "TradeMsg"),
    "tbbo": (1, "MBP1Msg"),
    "mbp-1": (1, "MBP1Msg"),
    "mbp-10": (10, "MBP10Msg"),
    "mbo": (160, "MBOMsg"),
    "bbo-1s": (195, "BBOMsg"),
    "definition": (19, "InstrumentDefMsg"),
    "statistics": (24, "StatMsg"),
    "ohlcv-1s": (32, "OHLCVMsg"),
}

IDS = {5602: "ESZ5", 5603: "ESH6", 5604: "ESZ5-ESH6"}
OPTION_IDS = {7001: "E3AZ5 C6800", 7002: "E3AZ5 P6800", 7003: "UD:1V: VT 2558973"}


@dataclass
class Interval:
    start_date: date
    end_date: date
    symbol: str


@dataclass
class Mapping:
    raw_symbol: str
    intervals: list[Interval] = field(default_factory=list)


def new_york(text: str) -> int:
    """Epoch ns of a New York wall-clock time such as "2025-12-16 09:30"."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))
    return round(moment.timestamp()) * 10**9


def dtype(schema: str, version: int = 3) -> np.dtype[Any]:
    return np.dtype(getattr(VERSIONS[version], RECORDS[schema][1])._dtypes)


def records(schema: str, ts_recv: Any, *, version: int = 3, **columns: Any) -> Any:
    """Records at these times (ns), with a plausible header; `columns` fill further fields."""
    times = np.asarray(ts_recv, np.uint64)
    made = np.zeros(times.shape, dtype(schema, version))
    made["length"] = made.dtype.itemsize // 4
    made["rtype"] = RECORDS[schema][0]
    made["publisher_id"] = 1
    made["ts_event"] = times - np.uint64(150_000)
    if "ts_recv" in made.dtype.names:
        made["ts_recv"] = times
    for name, values in ({"instrument_id": 5602} | columns).items():
        made[name] = values
    return made


def trades(ts_recv: Any, **columns: Any) -> Any:
    """Trades whose price and sequence tell them apart."""
    count = np.size(ts_recv)
    usual = {
        "price": 6_800_000_000_000 + 250_000_000 * np.arange(count),
        "size": 1 + np.arange(count) % 7,
        "sequence": 100 + np.arange(count),
        "action": b"T",
        "side": b"B",
        "ts_in_delta": 14_000,
    }
    return records("trades", ts_recv, **(usual | columns))


def definitions(ts_recv: Any, *, version: int = 3, **columns: Any) -> Any:
    """Definitions of futures, undefined wherever that is the normal value."""
    usual = {
        "raw_symbol": b"ESZ5",
        "instrument_class": b"F",
        "asset": b"ES",
        "group": b"ES",
        "cfi": b"FFIXSX",
        "security_type": b"FUT",
        "underlying": b"",
        "strike_price": UNDEF_PRICE,
        "unit_of_measure_qty": 50 * 10**9,
        "min_price_increment": 250_000_000,
        "expiration": new_york("2025-12-19 09:30"),
        "activation": UNDEF_TS,
        "user_defined_instrument": b"N",
        "maturity_year": 65535,
        "maturity_month": 255,
        "match_algorithm": b"F",
        "security_update_action": b"A",
    }
    if version < 3:
        usual["trading_reference_price"] = UNDEF_PRICE
    return records("definition", ts_recv, version=version, **(usual | columns))


def metadata(
    schema: str,
    start: int,
    end: int | None,
    *,
    version: int = 3,
    symbols: tuple[str, ...] = ("ES.FUT",),
    ids: dict[int, str] | None = None,
    mappings: list[Mapping] | None = None,
    stype_in: dbn.SType = dbn.SType.PARENT,
    stype_out: dbn.SType = dbn.SType.INSTRUMENT_ID,
    limit: int | None = None,
    dataset: str = "GLBX.MDP3",
) -> dbn.Metadata:
    """Metadata whose mappings give every id of `ids` its symbol on all days around the window."""
    if mappings is None:
        day = timedelta(days=1)
        first = date(1970, 1, 1) + timedelta(seconds=start // 10**9) - 5 * day
        last = date(1970, 1, 1) + timedelta(seconds=(end or start) // 10**9) + 40 * day
        mappings = [
            Mapping(symbol, [Interval(first, last, str(instrument))])
            for instrument, symbol in (IDS if ids is None else ids).items()
        ]
    return dbn.Metadata(
        dataset=dataset,
        start=start,
        end=end,
        stype_in=stype_in,
        stype_out=stype_out,
        schema=dbn.Schema.from_str(schema),
        symbols=list(symbols),
        mappings=mappings,
        limit=limit,
        version=version,
    )


def encode(schema: str, rows: Any, *, zstd: bool = True, **about: Any) -> bytes:
    """A DBN file's bytes. The window is about the rows' times unless `start`, `end` are given."""
    times = rows["ts_recv"] if "ts_recv" in (rows.dtype.names or ()) else rows["ts_event"]
    about.setdefault("start", int(times.min()) if len(rows) else 0)
    about.setdefault("end", int(times.max()) + 1 if len(rows) else 0)
    raw = metadata(schema, **about).encode() + rows.tobytes()
    return zstandard.ZstdCompressor(write_checksum=True).compress(raw) if zstd else raw


def write(path: Path, schema: str, rows: Any, **about: Any) -> Path:
    """Write a DBN file, see `encode`; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(schema, rows, **about))
    return path


def partition(bronze_root: Path, feed_path: str, day: str) -> pa.Table:
    """The rows of one partition, as any reader would see them."""
    folder = FEED_BY_PATH[feed_path].partition_dir(bronze_root, date.fromisoformat(day))
    return pq.ParquetFile(folder / "data.parquet").read()


def manifest(bronze_root: Path, feed_path: str, day: str) -> dict[str, Any]:
    """The partition's manifest."""
    folder = FEED_BY_PATH[feed_path].partition_dir(bronze_root, date.fromisoformat(day))
    return json.loads((folder / "_manifest.json").read_text())


def tree(bronze_root: Path) -> dict[str, bytes]:
    """Every file below the root with its content."""
    files = sorted(path for path in bronze_root.rglob("*") if path.is_file())
    return {str(path.relative_to(bronze_root)): path.read_bytes() for path in files}


def partition_names(bronze_root: Path) -> list[str]:
    """What there is, as "futures/trades 2025-12-16"."""
    return [f"{feed.path} {day}" for feed, day in partitions(bronze_root)]
