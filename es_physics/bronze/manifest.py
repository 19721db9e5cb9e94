"""A partition's `_manifest.json`: what its parts say and how it is written.

It holds no wall-clock time and its keys are sorted, so the same sources give the same bytes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from es_physics.bronze.feeds import MANIFEST_NAME
from es_physics.calendar import trade_date_interval
from es_physics.files import file_sha256, fsync

FORMAT = 1
"""The manifest's format. A partition of another format does not match and is imported again."""


@dataclass(frozen=True)
class Provenance:
    """How a partition was asked for, where that is known.

    request:           the vendor requests whose answers it holds.
    dataset_condition: the vendor's word on each UTC date it touches, as of the download.
    cost_usd:          the price of those requests.
    warnings:          what the vendor said beside the data.
    """

    request: list[dict[str, Any]] | None = None
    dataset_condition: list[dict[str, Any]] | None = None
    cost_usd: float | None = None
    warnings: tuple[str, ...] = ()

    def fields(self, warnings: Iterable[str] = ()) -> dict[str, Any]:
        """The manifest's fields of these names, with further warnings after the vendor's."""
        return {
            "request": self.request,
            "dataset_condition": self.dataset_condition,
            "cost_usd": self.cost_usd,
            "warnings": [*self.warnings, *warnings],
        }


def coverage(day: date, windows: Iterable[tuple[int, int] | None]) -> list[list[int]]:
    """The union of the sources' windows within the trade date, as [start, end) pairs in ns."""
    start, end = trade_date_interval(day)
    union: list[list[int]] = []
    for window in sorted(window for window in windows if window):
        low, high = max(window[0], start), min(window[1], end)
        if union and low <= union[-1][1]:
            union[-1][1] = max(union[-1][1], high)
        elif low < high:
            union.append([low, high])
    return union


def symbol_mappings(symbol_ids: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """The instrument ids that each symbol has, by the pairs that occur."""
    mappings: dict[str, list[int]] = defaultdict(list)
    for symbol, instrument_id in sorted(symbol_ids):
        mappings[symbol].append(instrument_id)
    return dict(mappings)


def write_manifest(
    folder: Path,
    manifest: dict[str, Any],
    row_counts: dict[str, int],
    hashes: Mapping[str, str] | None = None,
) -> None:
    """Complete the manifest with `format`, `files`, `bytes` and `rows`, and write it to disk.

    `row_counts`: the rows of each data file in `folder`, by name, in row order; `hashes`: their
    sha256 where it is known. The files are fsynced, and so is the folder.
    """
    files: list[dict[str, Any]] = []
    for name, rows in row_counts.items():
        path = folder / name
        fsync(path)
        size = path.stat().st_size
        sha256 = (hashes or {}).get(name) or file_sha256(path)
        files.append({"name": name, "bytes": size, "rows": rows, "sha256": sha256})
    totals = {key: sum(entry[key] for entry in files) for key in ("rows", "bytes")}
    document = {**manifest, **totals, "format": FORMAT, "files": files}
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fsync(path)
    fsync(folder)
