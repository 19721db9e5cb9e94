"""Committed sessions made up directly as Silver tables: many, small, and the same for a seed.

Their tables have the names, columns and types of the real ones and hold together as far as gold
looks: labels come from a simulated price, outcomes agree with times, nulls with barriers. Among the
sessions are half days, days without a cash session, sessions without events, without a book or
without options; among the values NULLs, ties, UNDEFINED outcomes and barriers passed at the anchor.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from gold.made_events import made_events
from gold.made_session import MadeSession, made_session_tables, made_sessions_row
from gold.silver_columns import shaped

from es_physics.project import project_vars
from es_physics.silver.commit import COMMITS, VERSIONS, table_path
from es_physics.silver.fingerprint import inputs_sha256

FIRST_DAY = date(2024, 1, 2)


def make_silver(
    root: Path,
    sessions: int = 60,
    events: int = 30,
    seed: int = 7,
    *,
    first_day: date = FIRST_DAY,
    placebos_per_event: int = 4,
    is_plain: bool = False,
    code_version: str = "made",
    build_vars: Mapping[str, Any] | None = None,
) -> list[date]:
    """Commit so many sessions below `root`, weekdays from `first_day`, and return their dates.

    A session has about `events` events and `placebos_per_event` times as many placebos; with
    `is_plain` every one is a full day with a book and options.
    """
    variables = dict(build_vars or project_vars())
    days = []
    day = first_day
    for number in range(sessions):
        tables = made_tables(day, number, events, seed, placebos_per_event, is_plain)
        write_session(root, day, tables, code_version=code_version, build_vars=variables)
        days.append(day)
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return days


def made_tables(
    day: date,
    number: int,
    events: int = 30,
    seed: int = 7,
    placebos_per_event: int = 4,
    is_plain: bool = False,
) -> dict[str, pl.DataFrame]:
    """Every table that gold reads of one session; its kind follows from its `number`."""
    rng = np.random.default_rng([seed, number])
    session = MadeSession.of(day, number, is_plain, rng)
    count = 0
    if session.clock.has_rth and not session.is_empty:
        count = max(1, int(rng.poisson(events)))
    tables = made_events(session, count, placebos_per_event, rng)
    tables |= made_session_tables(session, rng)
    tables["sessions"] = made_sessions_row(session, tables["lead_lag"])
    return {name: shaped(name, table, day) for name, table in tables.items()}


def write_session(
    root: Path,
    day: date,
    tables: Mapping[str, pl.DataFrame],
    *,
    code_version: str = "made",
    build_vars: Mapping[str, Any] | None = None,
) -> None:
    """Commit a session as a publication does, but without its care for power cuts."""
    folder = f"{VERSIONS}/{day}/made"
    outputs = {}
    for name, table in sorted(tables.items()):
        file, path = f"{folder}/{name}", table_path(name, day)
        for place in (root / file, root / path):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
        table.write_parquet(root / file, compression="zstd", compression_level=1)
        os.link(root / file, root / path)
        content = (root / file).read_bytes()
        outputs[name] = {
            "path": path.as_posix(),
            "file": file,
            "rows": table.height,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    inputs = {
        "bronze": [
            {"feed": feed, "trade_date": str(day), "status": "ok", "sha256": []}
            for feed in ("futures/trades", "futures/mbp10", "options/nbbo")
        ],
        "code_version": code_version,
        "packages": {},
        "vars": dict(build_vars or {}) | {"session_date": str(day)},
    }
    record = {
        "session_date": str(day),
        "version": "made",
        "fingerprint": inputs_sha256(inputs),
        "inputs": inputs,
        "outputs": outputs,
        "committed_at": f"{day}T23:00:00+00:00",
        "wall_time_s": 1.0,
    }
    commit = root / COMMITS / f"{day}.json"
    commit.parent.mkdir(parents=True, exist_ok=True)
    commit.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
