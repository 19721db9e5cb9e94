"""Faults of data and of code, one for each gate, and how to plant them.

A fault of the data changes one feed's records of the session in Bronze; one of the code replaces a
piece of text in a copy of the project.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from conftest import PROJECT

from es_physics.bronze.manifest import write_manifest

SESSION = "2025-12-10"
NEEDED_DATES = ("2025-12-05", "2025-12-08", "2025-12-09", "2025-12-10")

OPEN_NS = 1_765_377_000 * 10**9
"""09:30 New York on the session's date."""
MINUTE_NS = 60 * 10**9
FRONT, BACK = pl.col("symbol") == "ESZ5", pl.col("symbol") == "ESH6"
NOW, NUMBER = pl.col("ts_recv"), pl.col("row_nr")
IN_SESSION = NOW.is_between(OPEN_NS, OPEN_NS + 240 * MINUTE_NS)

Change = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Fault:
    """What goes wrong and the gate that has to say so.

    `data`: changes of feeds' records, by feed; `code`: a text and its replacement, by file;
    `damaged`: a feed whose file is no more what its manifest says.
    """

    gate: str
    data: dict[str, Change]
    code: dict[str, tuple[str, str]]
    damaged: str | None = None

    @classmethod
    def of(cls, gate: str, place: str, *change: Change | str) -> Fault:
        """A fault of one feed, given a function, or of one file, given a text and another."""
        if isinstance(change[0], str):
            return cls(gate, {}, {place: change})  # type: ignore[dict-item]
        return cls(gate, {place: change[0]}, {})


def changed(when: pl.Expr, **columns: pl.Expr) -> Change:
    """A change of these columns in the records that `when` is true of."""
    return lambda rows: rows.with_columns(
        **{
            name: pl.when(when).then(value).otherwise(pl.col(name)).cast(rows.schema[name])
            for name, value in columns.items()
        }
    )


def _with_its_first_half_twice(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.head(rows.height // 2)])


def _with_a_trade_just_after(anchor_ns: int) -> Change:
    """The front month's first trade after the anchor comes one nanosecond after it."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        later = rows.filter(FRONT, anchor_ns < NOW).sort("ts_recv", "row_nr")["row_nr"][0]
        return changed(later == NUMBER, ts_recv=pl.lit(anchor_ns + 1))(rows)

    return change


def _quoted_on_one_side_from(moment_ns: int) -> Change:
    """Every bid is withdrawn at that moment, and none comes after it."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        before, after = rows.filter(moment_ns > NOW), rows.filter(moment_ns <= NOW)
        withdrawn = before.unique("instrument_id", keep="last", maintain_order=True)
        one_sided = pl.concat([withdrawn.with_columns(ts_recv=pl.lit(moment_ns)), after])
        return pl.concat([before, one_sided.with_columns(bid_px_00=pl.lit(None, pl.Int64))])

    return change


def _with_the_back_month_at(share: float) -> Change:
    """The back month has so much of the front month's volume, from the open on."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        front, back = (rows.filter(one, IN_SESSION)["size"].sum() for one in (FRONT, BACK))
        factor = share * front / back
        return changed(BACK & IN_SESSION, size=(pl.col("size") * factor).ceil())(rows)

    return change


def error_faults(anchor_ns: int) -> dict[str, Fault]:
    """Faults after which nothing may be published; `anchor_ns` is that of some event."""
    return {
        "a flipped byte in a file": Fault("bronze_is_whole", {}, {}, "index/spx"),
        "a second contract in the book": Fault.of(
            "one_contract_in_trades_and_book",
            "futures/mbp10",
            lambda rows: changed(
                FRONT & IN_SESSION & (NUMBER % 200 == 0),
                instrument_id=pl.lit(rows.filter(BACK)["instrument_id"][0]),
            )(rows),
        ),
        "trades taken in twice": Fault.of(
            "every_record_is_there_once", "futures/trades", _with_its_first_half_twice
        ),
        "shuffled rows in the book": Fault.of(
            "files_lie_in_time_order",
            "models/staging/stg_databento__futures_mbp10.sql",
            "select * from renamed",
            "select * from renamed order by if(row_nr between 999 and 1039, 2038 - row_nr, row_nr)",
        ),
        "a clock without summer time": Fault.of(
            "clock_is_zero_at_the_open",
            "macros/clock.sql",
            "epoch_us(timezone('America/New_York', ",
            "epoch_us(timezone('Etc/GMT+5', ",
        ),
        "premarket bars in ATR": Fault.of(
            "no_premarket_bar_in_volatility",
            "models/intermediate/bars/int_rth_volatility.sql",
            "where is_rth",
            "where bar_end_ns > 0",
        ),
        "a print far off the market before the open": Fault.of(
            "prices_are_plausible",
            "futures/trades",
            lambda rows: changed(
                rows.filter(FRONT, NOW > OPEN_NS - 60 * MINUTE_NS)["row_nr"].min() == NUMBER,
                price=pl.lit(0),
            )(rows),
        ),
        "an ATR of another instrument": Fault.of(
            "atr_is_plausible",
            "models/intermediate/levels/int_level_minutes.sql",
            "        minute_volatility.atr,\n",
            "        100 * minute_volatility.atr as atr,\n",
        ),
        "a feature that reads one nanosecond too far": Fault(
            "no_feature_sees_the_future",
            {"futures/trades": _with_a_trade_just_after(anchor_ns)},
            {
                "models/intermediate/features/int_event_tape_trades.sql": (
                    "events.event_ts_ns >= trades.ts_ns",
                    "events.event_ts_ns + 1 >= trades.ts_ns",
                )
            },
        ),
        "a label that starts at its anchor": Fault.of(
            "no_label_sees_the_past",
            "python_models/int_event_labels.py",
            "return triple_barrier_labels(\n            event_ts_ns,",
            "return triple_barrier_labels(\n            event_ts_ns - 1,",
        ),
    }


WARN_FAULTS = {
    "a column of zeros": Fault.of(
        "features_are_covered",
        "models/intermediate/features/int_event_tape.sql",
        "        sums.tape_sell_volume,\n",
        "        0::bigint as tape_sell_volume,\n",
    ),
    "a zone of which nothing is shown": Fault.of(
        "zone_is_visible",
        "models/intermediate/features/int_event_zone_depth.sql",
        "            least(last_tick, coalesce(tenth_tick, last_tick))\n",
        "            least(last_tick, best_tick - 1)\n",
    ),
    "a crossed book": Fault.of(
        "book_is_not_crossed",
        "futures/mbp10",
        changed(
            FRONT & IN_SESSION & (NUMBER % 100 == 1),
            bid_px_00=pl.col("ask_px_00"),
            ask_px_00=pl.col("bid_px_00"),
        ),
    ),
    "a gap of a minute in the front month's book": Fault.of(
        "book_has_no_gap",
        "futures/mbp10",
        lambda rows: rows.filter(
            ~(FRONT & NOW.is_between(OPEN_NS + 160 * MINUTE_NS, OPEN_NS + 161 * MINUTE_NS))
        ),
    ),
    "many rows flagged as a bad book": Fault.of(
        "book_is_vouched_for",
        "futures/mbp10",
        changed(NUMBER % 50 == 2, flags=pl.col("flags") | 4),
    ),
    "late records": Fault.of(
        "records_arrive_in_time",
        "futures/mbp10",
        changed(NUMBER % 50 == 3, ts_event=NOW - 2 * 10**9),
    ),
    "a future without a definition": Fault.of(
        "instruments_are_defined", "futures/definition", lambda rows: rows.filter(~BACK)
    ),
    "a back month with much of the volume": Fault.of(
        "front_month_dominates", "futures/trades", _with_the_back_month_at(0.8)
    ),
    "a chain that expires the day after": Fault.of(
        "chain_is_there",
        "options/definition",
        lambda rows: rows.with_columns(expiration=pl.col("expiration") + 24 * 60 * MINUTE_NS),
    ),
    "another contract that leads before the open": Fault.of(
        "front_month_was_known_at_the_open",
        "futures/trades",
        changed(BACK & (NOW < OPEN_NS), size=pl.col("size") * 1000),
    ),
    "a chain quoted on one side from 11:20 on": Fault.of(
        "quotes_give_a_volatility",
        "options/nbbo",
        _quoted_on_one_side_from(OPEN_NS + 110 * MINUTE_NS),
    ),
    "calls three points too dear": Fault.of(
        "parity_holds",
        "options/nbbo",
        changed(
            pl.col("symbol").str.contains(" C"),
            bid_px_00=pl.col("bid_px_00") + 3 * 10**9,
            ask_px_00=pl.col("ask_px_00") + 3 * 10**9,
        ),
    ),
    "open interest of few options": Fault.of(
        "open_interest_is_published",
        "options/statistics",
        changed(pl.col("instrument_id") % 5 < 3, quantity=pl.lit(0)),
    ),
    "option trades without a side": Fault.of(
        "option_flow_has_a_side",
        "options/trades",
        changed(NUMBER % 10 < 3, side=pl.lit("N")),
    ),
}
"""Faults that are put on record and published."""


def copy_bronze(source: Path, target: Path) -> None:
    """The partitions that the session reads, to be changed at will."""
    for day in NEEDED_DATES:
        for folder in (*source.glob(f"*/*/root=ES/date={day}"), *source.glob(f"*/*/date={day}")):
            shutil.copytree(folder, target / folder.relative_to(source))


def copy_project(target: Path) -> None:
    """What dbt reads of the project, to be changed at will."""
    for name in ("macros", "models", "python_models", "seeds", "tests/generic"):
        shutil.copytree(PROJECT / name, target / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, target)


def plant(fault: Fault, bronze: Path, project: Path) -> None:
    """Plant a fault in a copy of Bronze and in one of the project."""
    for feed, change in fault.data.items():
        rewrite(bronze / feed / f"root=ES/date={SESSION}", change)
    for name, (text, other) in fault.code.items():
        path = project / name
        before = path.read_text()
        assert before.count(text) == 1, f"{name} has changed: plant this fault anew"
        path.write_text(before.replace(text, other))
    if fault.damaged:
        (folder,) = (bronze / fault.damaged).glob(f"**/date={SESSION}")
        damage(folder)


def damage(folder: Path) -> None:
    """Flip one bit of a partition's one file, in its middle."""
    file = folder / "data.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def rewrite(folder: Path, change: Change) -> None:
    """Replace a partition's one file by a changed one in the order of time, with a manifest that
    matches it, as an importer of changed records would."""
    file = folder / "data.parquet"
    rows = change(pl.read_parquet(file, hive_partitioning=False)).sort(
        "ts_recv", maintain_order=True
    )
    put(folder, rows.with_columns(row_nr=pl.int_range(pl.len(), dtype=pl.Int64)))


def put(folder: Path, rows: pl.DataFrame) -> None:
    """Make these rows, whatever they are, a partition's one file, with a manifest that matches."""
    file = folder / "data.parquet"
    rows.write_parquet(file)
    manifest = json.loads((folder / "_manifest.json").read_text())
    for name, number in (("first_ts_recv", 0), ("last_ts_recv", -1)):
        if "ts_recv" in rows.columns:
            manifest[name] = rows["ts_recv"][number] if rows.height else None
    write_manifest(folder, manifest, {file.name: rows.height})
