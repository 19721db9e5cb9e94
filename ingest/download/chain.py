"""The options that expire on a trade date, by their definitions in Bronze."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import check_partition
from es_physics.calendar import NEW_YORK
from ingest.download.plan import OPTION_DEFINITIONS

_COLUMNS = ["instrument_id", "symbol", "instrument_class", "user_defined_instrument", "expiration"]


def expiring_chain(bronze_root: Path, day: date) -> list[str] | None:
    """Raw symbols of the calls and puts whose definition expires on the date, sorted.

    The latest definition of an instrument counts; its symbol's text says nothing. None if the
    definitions of that date are not in Bronze.
    """
    check = check_partition(bronze_root, FEED_BY_PATH[OPTION_DEFINITIONS], day, hash_files=False)
    if check.status != "ok":
        return None
    latest = {
        row["instrument_id"]: row
        for path in check.files
        for row in pq.ParquetFile(path).read(columns=_COLUMNS).to_pylist()
    }
    return sorted(
        {
            row["symbol"]
            for row in latest.values()
            if row["instrument_class"] in ("C", "P")
            and row["user_defined_instrument"] == "N"
            and row["expiration"] is not None
            and datetime.fromtimestamp(row["expiration"] // 10**9, NEW_YORK).date() == day
        }
    )
