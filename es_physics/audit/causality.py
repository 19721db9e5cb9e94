"""Causality by cutting: rebuild a session from Bronze that ends at a moment and compare to the bit.

Nothing that was known at a moment may change when the records after it are taken away. A session is
rebuilt from Bronze cut at the anchors of some of its events, with the front month held fixed (it is
chosen by a volume that is known only later), and every event, feature, completed bar, minute of
gamma, state, step and path up to the cut must be the one of the whole session. Likewise without the
trades before the open: ATR and volatility may not move.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from es_physics.bronze.feeds import FEED_BY_PATH, FEEDS, Feed
from es_physics.bronze.manifest import write_manifest
from es_physics.bronze.partitions import check_partition, partitions
from es_physics.build import machine
from es_physics.build.backfill import run_here
from es_physics.build.build_date import Job
from es_physics.calendar import NEW_YORK
from es_physics.errors import Error
from es_physics.files import read_parquet_sql, require_root
from es_physics.silver.fingerprint import code_version

_AT_ONCE = 2

# What is known at $moment_ns, by table: its key and its rows.
_KNOWN = {
    "level_events": (
        ("event_id",),
        "from silver.level_events where event_ts_ns <= $moment_ns order by event_id",
    ),
    "level_event_features": (
        ("event_id",),
        "select features.* from silver.level_event_features as features"
        " inner join silver.level_events as events using (event_id)"
        " where events.event_ts_ns <= $moment_ns order by event_id",
    ),
    "event_replenishment": (
        ("event_id", "bucket"),
        "select buckets.* from silver.event_replenishment as buckets"
        " inner join silver.level_events as events using (event_id)"
        " where events.event_ts_ns <= $moment_ns order by event_id, bucket",
    ),
    # Up to its anchor what an event saw of the book is known; beyond it is a label.
    "event_book": (
        ("event_id", "offset_s"),
        "select book.* from silver.event_book as book"
        " inner join silver.level_events as events using (event_id)"
        " where events.event_ts_ns <= $moment_ns and book.offset_s <= 0"
        " order by event_id, offset_s",
    ),
    "placebo_events": (
        ("event_id",),
        "from silver.placebo_events where event_ts_ns <= $moment_ns order by event_id",
    ),
    # Up to its anchor a path is known; beyond it is a label.
    "event_paths": (
        ("event_id", "offset_s"),
        "select paths.* from silver.event_paths as paths"
        " inner join intermediate.int_zone_entries as entries using (event_id)"
        " where entries.event_ts_ns <= $moment_ns and paths.offset_s <= 0"
        " order by event_id, offset_s",
    ),
    "level_states": (
        ("tau_ns", "level_kind"),
        "from silver.level_states where tau_ns <= $moment_ns order by tau_ns, level_kind",
    ),
    "gamma_by_strike": (
        ("tau_ns", "instrument_id"),
        "from silver.gamma_by_strike where tau_ns <= $moment_ns order by tau_ns, instrument_id",
    ),
    "gamma_by_minute": (
        ("tau_ns",),
        "from silver.gamma_by_minute where tau_ns <= $moment_ns order by tau_ns",
    ),
    "session_grid": (
        ("grid_start_ns",),
        "from silver.session_grid where grid_end_ns <= $moment_ns order by grid_start_ns",
    ),
    "bars_1m": (
        ("bar_start_ns",),
        "from silver.bars_1m where bar_end_ns <= $moment_ns order by bar_start_ns",
    ),
}
_VOLATILITY = {
    "bars_1m": (
        ("bar_start_ns",),
        "select bar_start_ns, true_range, atr, rth_volatility from silver.bars_1m"
        " where is_rth order by bar_start_ns",
    ),
}


class CausalityError(Error):
    """A proof that cannot be made. The message says why and what to do."""

    exit_code = 2


@dataclass(frozen=True)
class Difference:
    """A value of the whole session that another input changed; `column` is None for a whole row."""

    table: str
    key: tuple[Any, ...]
    column: str | None
    whole: Any
    cut: Any

    def __str__(self) -> str:
        place = f"{self.table} {', '.join(map(str, self.key))}"
        if self.column is None:
            return f"{place}: {self.whole} in the whole session, {self.cut} in the cut one"
        return f"{place}: {self.column} is {self.whole!r} of the whole session, {self.cut!r} cut"


@dataclass(frozen=True)
class Proof:
    """One rebuild: what was left out, how many rows of each table were compared, what differs.

    `moment_ns` is the last time that was kept, None for the session without premarket trades.
    """

    moment_ns: int | None
    row_counts: dict[str, int]
    differences: list[Difference]

    def __str__(self) -> str:
        if self.moment_ns is None:
            return "without premarket trades"
        seconds, rest = divmod(self.moment_ns, 10**9)
        return f"cut at {datetime.fromtimestamp(seconds, NEW_YORK):%H:%M:%S}.{rest:09d} ET"


def prove(
    session_date: date,
    bronze_root: Path,
    work: Path,
    *,
    project: Path,
    cuts: int = 3,
    say: Callable[[str], object] = lambda line: None,
) -> list[Proof]:
    """Rebuild the session whole, cut at `cuts` anchors from the first to the last, and without the
    trades before the open, all below the folder `work`. One proof for each, in this order.
    `project` is the dbt project's folder. `say` is told of each step as it ends.

    Raises RootError or CausalityError, at once, if there is no Bronze of the date; CausalityError
    if a build fails or the session has no event.
    """
    require_root(bronze_root, "Bronze")
    if not FEED_BY_PATH["futures/trades"].partition_dir(bronze_root, session_date).is_dir():
        raise CausalityError(
            f"session {session_date} has no Bronze futures/trades below {bronze_root}, so there is"
            " nothing to prove; see python -m ingest status"
        )
    bronze, work, code = bronze_root.resolve(), work.resolve(), code_version(project)
    with chdir(project):  # where builds parse it
        (job,) = _built([_job(session_date, bronze, work / "whole", code)])
        whole = job.kept_database
        contract, rth_start_ns, anchors = _session(whole)
        say(f"built {session_date} whole: {contract}, {len(anchors)} anchors")
        if not anchors:
            raise CausalityError(
                f"Session {session_date} has no event with the Bronze below {bronze_root}, so there"
                " is nothing to prove. Give a session with events."
            )
        chosen = np.unique(np.linspace(0, len(anchors) - 1, cuts).round().astype(int))
        moments: dict[Job, int | None] = {}
        for moment_ns in (*(anchors[number] for number in chosen), None):
            folder = work / str(moment_ns or "without_premarket")
            if moment_ns is None:
                kept = {"futures/trades": f"ts_recv >= {rth_start_ns}"}
            else:
                kept = {feed.path: f"ts_recv <= {moment_ns}" for feed in FEEDS}
            _cut_bronze(session_date, bronze, folder / "bronze", kept)
            job = _job(session_date, folder / "bronze", folder, code, contract)
            moments[job] = moment_ns
        proofs: dict[Job, Proof] = {}
        for job in _built([*moments]):
            proofs[job] = proof = _compare(whole, job.kept_database, moments[job])
            say(f"built {proof}: {len(proof.differences)} values changed")
    return [proofs[job] for job in moments]


def _job(session_date: date, bronze_root: Path, folder: Path, code: str, contract: str = "") -> Job:
    """What is to be compared, in a database of its own below `folder`."""
    threads, memory_mb = machine.share(_AT_ONCE)
    return Job(
        session_date=session_date,
        bronze_root=str(bronze_root),
        silver_root=str(folder / "silver"),
        vars=json.dumps({"fixed_front_month": contract}),
        threads=threads,
        memory_mb=memory_mb,
        retries=0,
        force=False,
        code=code,
        scratch=str(folder),
        tables=tuple(_KNOWN),
    )


def _built(jobs: Sequence[Job]) -> Iterator[Job]:
    """Each as its database is built. Raises CausalityError for one that cannot be."""
    for job, outcome in run_here(jobs, _AT_ONCE):
        if outcome.status != "built":
            # Of an error, the whole of it; of a process that died, why, and its last words.
            in_full = outcome.status == "error" and outcome.log
            said = outcome.log if in_full else f"{outcome.message}\n{outcome.log}"
            raise CausalityError(
                f"The build of session {job.session_date} from {job.bronze_root} failed, so"
                f" nothing is proven. dbt said:\n{said}"
            )
        yield job


def _session(database: Path) -> tuple[str, int, list[int]]:
    """The front month, the open, and the distinct anchors in order."""
    with duckdb.connect(database, read_only=True) as connection:
        ((contract, rth_start_ns),) = connection.execute(
            "select front_month, rth_start_ns from intermediate.int_front_month"
            " inner join intermediate.int_session using (session_date)"
        ).fetchall()
        anchors = connection.execute(
            "select distinct event_ts_ns from silver.level_events order by event_ts_ns"
        ).fetchall()
    return contract, rth_start_ns, [anchor for (anchor,) in anchors]


def _cut_bronze(session_date: date, bronze_root: Path, target: Path, kept: dict[str, str]) -> None:
    """A Bronze whose partitions of the session hold only the records that `kept` is true of, by
    feed; feeds without a condition and all earlier trade dates are links to the partitions."""
    for feed, trade_date in partitions(bronze_root):
        if trade_date > session_date:
            continue
        folder = feed.partition_dir(target, trade_date)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if trade_date == session_date and feed.path in kept:
            _cut_partition(bronze_root, feed, trade_date, folder, kept[feed.path])
        else:
            folder.symlink_to(feed.partition_dir(bronze_root, trade_date).resolve())


def _cut_partition(
    bronze_root: Path, feed: Feed, trade_date: date, folder: Path, kept: str
) -> None:
    # The whole build left out what does not match its manifest, and so does this.
    check = check_partition(bronze_root, feed, trade_date, hash_files=False)
    if check.status != "ok":
        return
    folder.mkdir()
    file = folder / "data.parquet"
    with duckdb.connect() as connection:
        ((rows,),) = connection.execute(
            "copy (select * replace (row_number() over () - 1 as row_nr)"
            f" from {read_parquet_sql(check.files)} where {kept})"
            " to $file (format parquet, compression zstd, row_group_size 250000)",
            {"file": str(file)},
        ).fetchall()
        ((first, last),) = connection.execute(
            f"select min(ts_recv), max(ts_recv) from {read_parquet_sql([file])}"
        ).fetchall()
    about = {**check.manifest, "first_ts_recv": first, "last_ts_recv": last}
    write_manifest(folder, about, {file.name: rows})


def _compare(whole: Path, cut: Path, moment_ns: int | None) -> Proof:
    row_counts: dict[str, int] = {}
    found: list[Difference] = []
    unmoved, parameters = (
        (_VOLATILITY, {}) if moment_ns is None else (_KNOWN, {"moment_ns": moment_ns})
    )
    for table, (key, query) in unmoved.items():
        rows = [_rows(database, query, parameters) for database in (whole, cut)]
        row_counts[table] = rows[0].num_rows
        found += differences(table, key, *rows)
    return Proof(moment_ns, row_counts, found)


def _rows(database: Path, query: str, parameters: dict[str, int]) -> pa.Table:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.sql(query, params=parameters).to_arrow_table()


def differences(table: str, key: Sequence[str], whole: pa.Table, cut: pa.Table) -> list[Difference]:
    """Rows that only one of two tables has, and values whose bits differ in rows of one key.

    Both have the same columns and no key twice. Doubles are compared as the integers of their bits:
    0.0 is not -0.0, and a NaN is equal to itself. Lists are compared as a whole.
    """
    keys = [
        list(zip(*(rows[name].to_pylist() for name in key), strict=True)) for rows in (whole, cut)
    ]
    numbers = {row: number for number, row in enumerate(keys[1])}
    common = [(number, numbers[row]) for number, row in enumerate(keys[0]) if row in numbers]
    found = [
        Difference(table, row, None, "there", "missing") for row in keys[0] if row not in numbers
    ]
    missing = set(keys[1]) - set(keys[0])
    found += [Difference(table, row, None, "missing", "there") for row in keys[1] if row in missing]
    left = whole.take(pa.array([pair[0] for pair in common], pa.int64()))
    right = cut.take(pa.array([pair[1] for pair in common], pa.int64()))
    for name in whole.column_names:
        this, other = _bits(left[name]), _bits(right[name])
        same = pc.or_(
            pc.fill_null(pc.equal(this, other), False),
            pc.and_(pc.is_null(this), pc.is_null(other)),
        )
        for number in np.flatnonzero(~same.to_numpy(zero_copy_only=False)).tolist():
            found.append(
                Difference(
                    table,
                    tuple(left[part][number].as_py() for part in key),
                    name,
                    left[name][number].as_py(),
                    right[name][number].as_py(),
                )
            )
    return found


def _bits(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    if pa.types.is_list(values.type):
        return pa.array([None if value is None else repr(value) for value in values.to_pylist()])
    return values.view(pa.int64()) if pa.types.is_float64(values.type) else values
