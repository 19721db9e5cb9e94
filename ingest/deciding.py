"""What is to become of each partition: a pure function of what is given and what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from es_physics.bronze.partitions import PartitionCheck
from ingest.parts import Damage, Partition


class Verdict(Enum):
    """What is to be done with a partition."""

    UP_TO_DATE = auto()
    """It is there, from the files given."""
    WRITE = auto()
    """From the files given, in the place of what may be there."""
    HELD_BACK = auto()
    """Left as it is: a file that turned out bad would be part of it."""
    OTHER_FILES = auto()
    """Left as it is: it came from other files, and to replace it was not asked for."""


@dataclass(frozen=True)
class Decision:
    """The verdict on one partition.

    files: the sha256 of those it is, or would be, made from. held_back_by: the bad file.
    """

    verdict: Verdict
    files: frozenset[str]
    held_back_by: Path | None = None


def decide(
    claims: Mapping[str, Set[Partition]],
    landed: Mapping[Partition, PartitionCheck],
    damages: Iterable[Damage],
    *,
    force: bool,
) -> dict[Partition, Decision]:
    """The decision on every partition that a given file is part of.

    claims:  the partitions of each file, by its sha256.
    landed:  what is there of each of them.
    damages: the files that turned out bad.
    force:   replace also what came from other files or is up to date. Otherwise what is there is
             replaced only if it is damaged, or if all its files are given again with new ones.
    """
    wanted: dict[Partition, set[str]] = {}
    for sha256, claimed in claims.items():
        for partition in claimed:
            wanted.setdefault(partition, set()).add(sha256)
    damages = list(damages)
    return {
        partition: _decide(partition, frozenset(files), landed[partition], damages, force)
        for partition, files in wanted.items()
    }


def _decide(
    partition: Partition,
    files: frozenset[str],
    landed: PartitionCheck,
    damages: Iterable[Damage],
    force: bool,
) -> Decision:
    present = {source["sha256"] for source in landed.manifest.get("sources", [])}
    if present == files and not force:
        return Decision(Verdict.UP_TO_DATE, files)
    bad = next((damage.path for damage in damages if damage.hits(partition)), None)
    if bad:
        return Decision(Verdict.HELD_BACK, files, bad)
    grows = bool(present) and present < files
    if landed.status == "ok" and not force and not grows:
        return Decision(Verdict.OTHER_FILES, files)
    return Decision(Verdict.WRITE, files)
