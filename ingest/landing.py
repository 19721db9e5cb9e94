"""Put a partition together from staged parts, and in its place.

The rows of a partition are ordered by (`ts_recv`, file, row in the file), files by their first and
last `ts_recv` and then by what is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEED_BY_PATH, ROOT_SYMBOL, Feed
from es_physics.bronze.manifest import Provenance, coverage, symbol_mappings, write_manifest
from es_physics.bronze.partitions import PartitionCheck
from es_physics.calendar import utc_dates
from ingest.merge import Merger, in_file_order
from ingest.partition_writer import DATA_NAME, PartitionWriter
from ingest.parts import Contribution, Part, Partition
from ingest.reader import Window
from ingest.staging import Staging

_SORTED = "records of a file that were not in the order of ts_recv have been sorted"


@dataclass(frozen=True)
class Landed:
    """A partition that was put in its place: its rows, and those that several files held."""

    rows: int
    repeated: int


def land(
    partition: Partition,
    given: Sequence[Contribution],
    staging: Staging,
    provenance: Provenance,
    *,
    beside: PartitionCheck | None = None,
) -> Landed:
    """Make the partition from the contributions of its files.

    Replaces what is there, but `beside`: that is added to, and overlaps none of the files in time.
    Raises InputError, OSError or pa.ArrowException, and then leaves what is there.
    """
    feed, day = FEED_BY_PATH[partition[0]], partition[1]
    parts = in_file_order(part for source in given if (part := source.parts[partition]))
    before = beside.manifest if beside else {}
    if beside and beside.rows:
        parts = in_file_order([*parts, _as_part(beside)])
    folder = staging.folder()
    merger = Merger(feed.schema, staging.file)
    first: int | None
    last: int | None
    if len(parts) == 1 and parts[0].sha256:
        first, last, rows, sha256 = parts[0].first, parts[0].last, parts[0].rows, parts[0].sha256
        parts[0].files[0].rename(folder / DATA_NAME)
    else:
        writer = PartitionWriter(folder / DATA_NAME, feed.schema)
        with closing(merger), closing(writer):
            for batch in merger.rows(parts):
                writer.write(batch)
        first, last, rows = writer.first_ts_recv, writer.last_ts_recv, writer.rows
        sha256 = writer.sha256
        for source in given:
            for file in part.files if (part := source.parts[partition]) else ():
                file.unlink()
    sources = [*before.get("sources", []), *(_source(one, partition) for one in given)]
    windows = [*map(tuple, before.get("coverage", [])), *(source.window for source in given)]
    was_sorted = any(not part.is_sorted for part in parts) or _SORTED in before.get("warnings", [])
    manifest = {
        **_identity(feed, day),
        "made_from": given[0].schema,
        "first_ts_recv": first,
        "last_ts_recv": last,
        "sources": sorted(sources, key=lambda source: source["sha256"]),
        "repeated_rows": merger.repeated + before.get("repeated_rows", 0),
        "coverage": coverage(day, windows),
        "symbol_mappings": symbol_mappings(set().union(*(part.symbol_ids for part in parts))),
        **_with_conditions(provenance, day, given, before).fields([_SORTED] if was_sorted else []),
    }
    write_manifest(folder, manifest, {DATA_NAME: rows}, {DATA_NAME: sha256})
    staging.commit(feed, day, folder)
    return Landed(rows, merger.repeated)


def _with_conditions(
    provenance: Provenance, day: date, given: Sequence[Contribution], before: Mapping[str, Any]
) -> Provenance:
    """With the vendor's word on the date, where it came with the files and is not known already."""
    if provenance.dataset_condition is not None:
        return provenance
    days = {one["date"]: one for one in before.get("dataset_condition") or []}
    for source in given:
        for utc in source.conditions.keys() & utc_dates(day):
            days[utc.isoformat()] = {"date": utc.isoformat(), **source.conditions[utc]}
    return replace(provenance, dataset_condition=[days[key] for key in sorted(days)] or None)


def _source(given: Contribution, partition: Partition) -> dict[str, Any]:
    """What the partition's manifest says of one of its files."""
    part = given.parts[partition]
    return given.source | {
        "rows": part.rows if part else 0,
        "first": part.first if part else None,
        "last": part.last if part else None,
    }


def _as_part(landed: PartitionCheck) -> Part:
    """A partition that is there, as a part of the one that will be."""
    manifest = landed.manifest
    mappings: Mapping[str, Iterable[int]] = manifest["symbol_mappings"]
    return Part(
        files=tuple(landed.files),
        rows=landed.rows,
        first=manifest["first_ts_recv"],
        last=manifest["last_ts_recv"],
        is_sorted=True,
        sha256=None,
        symbol_ids=frozenset((symbol, one) for symbol, ids in mappings.items() for one in ids),
    )


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
            "made_from": None,
            "first_ts_recv": None,
            "last_ts_recv": None,
            "sources": [],
            "repeated_rows": 0,
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
