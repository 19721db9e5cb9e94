"""Bronze partitions: which there are, and whether they are what their manifests say.

A partition is the folder of one feed and trade date, with its Parquet files and `_manifest.json`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from es_physics.bronze.contents import columns_problem, records_problem
from es_physics.bronze.feeds import FEEDS, MANIFEST_NAME, Feed
from es_physics.bronze.manifest import FORMAT
from es_physics.errors import first_line
from es_physics.files import file_sha256, is_local, root_path


@dataclass(frozen=True)
class PartitionCheck:
    """The state of one partition.

    status:   `ok`; `missing` if there is no folder or nothing in it; `invalid` if it holds files
              without a manifest or that do not match it: for a reader, such a one does not exist.
    problem:  what is wrong, in words; None if ok or missing.
    files:    the data files (below the Bronze root as it was given); empty unless ok.
    rows:     of all files, by the manifest; 0 unless ok.
    sha256:   of each file.
    manifest: as read; empty unless ok.
    """

    status: Literal["ok", "missing", "invalid"]
    problem: str | None = None
    files: list[Path] = field(default_factory=list)
    rows: int = 0
    sha256: list[str] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def made_from(self) -> str | None:
        """The schema that all of its records are from; None for SPX and where it is not known.

        Manifests did not always say so, but all of a partition's sources were of one schema, or
        two of quotes, which cannot be told apart.
        """
        sources = self.manifest.get("sources") or [{}]
        schema: str | None = self.manifest.get("made_from", sources[0].get("schema"))
        return schema


def check_partition(
    bronze_root: Path, feed: Feed, trade_date: date, *, hash_files: bool = True
) -> PartitionCheck:
    """Whether the partition's files are those of its manifest: names, bytes and sha256.

    `hash_files=False` leaves out the sha256. `verify_partition` looks inside the files as well.
    Raises OSError if the root is an object store that cannot be read.
    """
    folder = feed.partition_dir(root_path(bronze_root), trade_date)
    try:
        if not folder.is_dir():
            return _no_folder(folder)
        present = {path.name for path in folder.iterdir()}
        if not present:
            return PartitionCheck("missing")
        manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        expected = (FORMAT, feed.path, trade_date.isoformat())
        if (found := (manifest["format"], manifest["feed"], manifest["date"])) != expected:
            return PartitionCheck("invalid", f"manifest is of {found}, not {expected}")
        entries = manifest["files"]
        totals = {key: sum(entry[key] for entry in entries) for key in ("rows", "bytes")}
        listed = {entry["name"] for entry in entries}
        if problem := _compare_listing(present - {MANIFEST_NAME}, listed, manifest, totals):
            return PartitionCheck("invalid", problem)
        for entry in entries:
            path = folder / entry["name"]
            if (size := path.stat().st_size) != entry["bytes"]:
                return PartitionCheck(
                    "invalid", f"{path.name} has {size} bytes, its manifest says {entry['bytes']}"
                )
            if hash_files and file_sha256(path) != entry["sha256"]:
                return PartitionCheck("invalid", f"{path.name} does not match its sha256")
        return PartitionCheck(
            "ok",
            files=[folder / entry["name"] for entry in entries],
            rows=totals["rows"],
            sha256=[entry["sha256"] for entry in entries],
            manifest=manifest,
        )
    except FileNotFoundError as error:
        return PartitionCheck("invalid", f"has no {Path(error.filename or str(error)).name}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, OSError) and not is_local(folder):
            raise  # a store that cannot be reached says nothing about the partition
        return PartitionCheck("invalid", f"manifest unusable ({error!r})")


def _no_folder(folder: Path) -> PartitionCheck:
    """Nothing was ever asked for, unless a file or a link that leads nowhere is in its place."""
    if is_local(folder):
        for path in (folder, *folder.parents):
            if path.is_symlink() and not path.exists():
                return PartitionCheck("invalid", f"{path} is a link that leads nowhere")
    return (
        PartitionCheck("invalid", "is no folder") if folder.exists() else PartitionCheck("missing")
    )


def fetch_partition(bronze_root: Path, feed: Feed, trade_date: date, cache: Path) -> PartitionCheck:
    """`verify_partition` with `files` on this machine, in the order of their records.

    Files of an object store are copied to their place below `cache`, unless they are there already,
    and hashed there: each is transferred once, however often the queries read it.
    """
    local = is_local(root_path(bronze_root))
    check = check_partition(bronze_root, feed, trade_date, hash_files=local)
    if check.status != "ok":
        return check
    if local:
        return _proven(check, feed, trade_date)
    folder = feed.partition_dir(cache, trade_date)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for source, sha256 in zip(check.files, check.sha256, strict=True):
        target = folder / source.name
        if not (target.is_file() and file_sha256(target) == sha256):
            with tempfile.TemporaryDirectory(dir=folder) as arriving:
                copy = Path(arriving, source.name)
                source.fs.get_file(source.path, str(copy))  # type: ignore[attr-defined]
                if file_sha256(copy) != sha256:
                    return PartitionCheck("invalid", f"{source.name} does not match its sha256")
                copy.replace(target)
        files.append(target)
    return _proven(replace(check, files=files), feed, trade_date)


def _proven(check: PartitionCheck, feed: Feed, trade_date: date) -> PartitionCheck:
    """The same with `files` in the order of their records, or what is wrong inside them."""
    if check.status != "ok":
        return check
    try:
        problem = columns_problem(check.files, feed)
        if not problem:
            check = _in_record_order(check)
            problem = records_problem(check.files, feed, trade_date, check.manifest)
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = f"a file is no Bronze Parquet ({first_line(error)})"
    return PartitionCheck("invalid", problem) if problem else check


def _in_record_order(check: PartitionCheck) -> PartitionCheck:
    """The same with `files` in the order of their first `row_nr`: names need not follow it."""
    if len(check.files) < 2:
        return check
    parts = sorted(zip(map(_first_row_nr, check.files), check.files, check.sha256, strict=True))
    return replace(
        check, files=[file for _, file, _ in parts], sha256=[sha256 for _, _, sha256 in parts]
    )


def _first_row_nr(file: Path) -> int:
    """The first record's number, -1 of a file without records."""
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=1, columns=["row_nr"]):
            return int(batch.column(0)[0].as_py() or 0)
    return -1


def _compare_listing(
    present: set[str], listed: set[str], manifest: dict[str, Any], totals: dict[str, int]
) -> str | None:
    if not listed:
        return "manifest lists no file"
    if missing := sorted(listed - present):
        return f"{missing[0]} is missing"
    if extra := sorted(present - listed):
        return f"{extra[0]} is not in its manifest"
    for key, total in totals.items():
        if manifest[key] != total:
            return f"manifest says {manifest[key]} {key}, its files add up to {total}"
    return None


def verify_partition(bronze_root: Path, feed: Feed, trade_date: date) -> PartitionCheck:
    """`check_partition`, and inside the files: column types, keys, order, times and trade date."""
    return _proven(check_partition(bronze_root, feed, trade_date), feed, trade_date)


def partitions(bronze_root: Path) -> Iterator[tuple[Feed, date]]:
    """Every partition folder below the root, by feed and date."""
    for feed in FEEDS:
        above = feed.partition_dir(Path(bronze_root), date.min).parent
        for folder in sorted(above.glob("date=*")):
            with suppress(ValueError):
                yield feed, date.fromisoformat(folder.name.removeprefix("date="))
