"""Put a partition together from staged parts, and in its place.

The rows of a partition are ordered by (`ts_recv`, file, row in the file), files by their first
`ts_recv`, last `ts_recv` and sha256.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEED_BY_PATH, ROOT_SYMBOL, Feed
from es_physics.bronze.manifest import Provenance, coverage, symbol_mappings, write_manifest
from ingest.merge import in_file_order, merged, refuse_repeats
from ingest.partition_writer import DATA_NAME, PartitionWriter
from ingest.parts import Contribution, Partition
from ingest.reader import Window
from ingest.staging import Staging

# The vendor repeats these records from file to file: a repeat is no double counting.
_REPEATS_ALLOWED = ("futures/definition", "options/definition", "options/statistics")


def land(
    partition: Partition,
    given: Sequence[Contribution],
    staging: Staging,
    provenance: Provenance,
) -> int:
    """Make the partition from the contributions of its files, by sha256; the number of its rows.

    Replaces what is there. Raises InputError, OSError or pa.ArrowException, and then leaves it.
    """
    feed, day = FEED_BY_PATH[partition[0]], partition[1]
    parts = in_file_order(part for source in given if (part := source.parts[partition]))
    folder = staging.folder()
    first: int | None
    last: int | None
    if feed.path not in _REPEATS_ALLOWED:
        refuse_repeats(parts, feed.schema, staging.folder())
    if len(parts) == 1 and parts[0].is_final:
        first, last, rows = parts[0].first, parts[0].last, parts[0].rows
        sha256 = parts[0].data_sha256
        parts[0].path.rename(folder / DATA_NAME)
    else:
        writer = PartitionWriter(folder / DATA_NAME, feed.schema)
        with closing(writer):
            for batch in merged(parts):
                writer.write(batch)
        first, last, rows = writer.first_ts_recv, writer.last_ts_recv, writer.rows
        sha256 = writer.sha256
        for part in parts:
            part.path.unlink()
    manifest = {
        **_identity(feed, day),
        "first_ts_recv": first,
        "last_ts_recv": last,
        "sources": [
            source.source | {"rows": part.rows if (part := source.parts[partition]) else 0}
            for source in given
        ],
        "coverage": coverage(day, [source.window for source in given]),
        "symbol_mappings": symbol_mappings(set().union(*(part.symbol_ids for part in parts))),
        **provenance.fields(
            f"{part.name} was not in ts_recv order and has been sorted"
            for part in parts
            if not part.is_sorted
        ),
    }
    write_manifest(folder, manifest, {DATA_NAME: rows}, {DATA_NAME: sha256})
    staging.commit(feed, day, folder)
    return rows


def land_nothing(
    bronze_root: str | Path,
    feed: Feed,
    day: date,
    window: Window,
    provenance: Provenance,
) -> None:
    """Land "asked, and there was nothing" where not even a request could be made.

    As for options of which none was listed. Replaces the partition; `window`: the [start, end) in
    ns for which there was nothing. Raises InputError or OSError if Bronze cannot be written.
    """
    with Staging(Path(bronze_root)) as staging:
        folder = staging.folder()
        PartitionWriter(folder / DATA_NAME, feed.schema).close()
        manifest = {
            **_identity(feed, day),
            "first_ts_recv": None,
            "last_ts_recv": None,
            "sources": [],
            "coverage": coverage(day, [window]),
            "symbol_mappings": {},
            **provenance.fields(),
        }
        write_manifest(folder, manifest, {DATA_NAME: 0})
        staging.commit(feed, day, folder)


def _identity(feed: Feed, day: date) -> dict[str, Any]:
    return {
        "feed": feed.path,
        "root": ROOT_SYMBOL if feed.has_root_key else None,
        "date": day.isoformat(),
    }
