"""From verified raw files to a Bronze partition, by the same path as any file's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.manifest import Provenance
from es_physics.errors import first_line
from ingest.download.errors import DownloadError
from ingest.download.plan import Conditions, Target, Unit, conditions_within
from ingest.errors import InputError
from ingest.importer import import_paths
from ingest.landing import land_nothing


def land(
    target: Target,
    bronze_root: Path,
    units: Sequence[Unit],
    done: Sequence[dict[str, Any]],
    files: Sequence[Path],
) -> int:
    """Make the units' raw files the target's partition; the number of its rows.

    done: the ledger's record of each unit's completion. Raises DownloadError if Bronze does not
    take the files, or they give another number of rows than the vendor has counted.
    """
    provenance = Provenance(
        request=[unit.described() for unit in units],
        dataset_condition=done[0]["condition"],
        cost_usd=sum(event["usd"] for event in done),
        warnings=tuple(dict.fromkeys(text for event in done for text in event["warnings"])),
    )
    counted = sum(event["records"] for event in done)
    result = import_paths(
        files,
        bronze_root,
        force=target.replace,
        feeds=[target.feed],
        report=lambda line: None,
        provenance=provenance,
        expected_rows=counted,
    )
    if result.errors:
        raise DownloadError(
            f"is downloaded and not landed ({result.errors[0]}); run again, nothing is paid for it"
        )
    return counted


def land_unlisted(target: Target, bronze_root: Path, conditions: Conditions, why: str) -> None:
    """Land a zero-row partition for options of which none was listed. Raises DownloadError."""
    provenance = Provenance(
        request=[],
        dataset_condition=conditions_within(target.window, conditions),
        cost_usd=0.0,
        warnings=(why,),
    )
    feed = FEED_BY_PATH[target.feed]
    try:
        land_nothing(bronze_root, feed, target.day, target.window, provenance)
    except (InputError, OSError) as error:
        raise DownloadError(f"is not landed ({first_line(error)}); run again") from error
