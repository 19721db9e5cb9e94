"""What is to become of each partition: a pure function of what is given and what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import PartitionCheck
from ingest.parts import Damage, Partition
from ingest.reader import Window

_ALWAYS = (0, 1 << 63)


class Verdict(Enum):
    """What is to be done with a partition."""

    UP_TO_DATE = auto()
    """It is there, from the files given, others too maybe."""
    BETTER_THERE = auto()
    """It is there from a better schema than any that is given."""
    WRITE = auto()
    """From the files given, in the place of what may be there."""
    ADD = auto()
    """The files given to what is there, which overlaps none of them in time."""
    HELD_BACK = auto()
    """Left as it is: a file that turned out bad would be part of it."""
    OTHER_FILES = auto()
    """Left as it is: it came from other files, and to replace it was not asked for."""


@dataclass(frozen=True)
class Offer:
    """A file that has something for a partition, were it "asked, and there was nothing".

    schema: of its records; None for SPX. spans: the time it is about, by its window and records.
    """

    sha256: str
    schema: str | None
    spans: tuple[Window, ...]


@dataclass(frozen=True)
class Decision:
    """The verdict on one partition.

    files:        the sha256 of those that it is, or would be, made from or added to.
    schema:       of their records.
    unused:       the schemas that are given too, and are worse.
    held_back_by: the bad file's name.
    """

    verdict: Verdict
    files: frozenset[str]
    schema: str | None
    unused: tuple[str, ...] = ()
    held_back_by: str | None = None


def spans(window: Window | None, first: int | None, last: int | None) -> tuple[Window, ...]:
    """The time a file's part of a partition is about: what was asked for, and what is there."""
    there = () if first is None or last is None else ((first, last + 1),)
    asked = () if window is None else (window,)
    return (*asked, *there)


def decide(
    offers: Mapping[Partition, Sequence[Offer]],
    landed: Mapping[Partition, PartitionCheck],
    damages: Iterable[Damage],
    *,
    force: bool,
) -> dict[Partition, Decision]:
    """The decision on every partition that something is offered for.

    One schema fills a partition, the best of those given. What is there stays if it is of a better
    one, is replaced if it is of a worse one or damaged, or if all its files are given again with
    new ones; files that overlap nothing in it are added to it.

    landed:  what is there of each partition.
    damages: the files that turned out bad.
    force:   replace also what came from other files or is up to date.
    """
    damages = list(damages)
    return {
        partition: _decide(partition, offered, landed[partition], damages, force)
        for partition, offered in offers.items()
    }


def _decide(
    partition: Partition,
    offered: Sequence[Offer],
    landed: PartitionCheck,
    damages: Iterable[Damage],
    force: bool,
) -> Decision:
    rank = {schema: at for at, schema in enumerate(FEED_BY_PATH[partition[0]].made_from)}

    def rank_of(schema: str | None) -> int:
        return rank.get(schema or "", -1)

    best = min((offer.schema for offer in offered), key=rank_of)
    chosen = [offer for offer in offered if offer.schema == best]
    unused = {offer.schema for offer in offered if offer.schema and offer.schema != best}
    decision = Decision(
        Verdict.WRITE,
        frozenset(offer.sha256 for offer in chosen),
        best,
        tuple(sorted(unused, key=rank_of)),
    )
    if landed.status == "ok" and not force:
        if not landed.manifest["sources"]:  # A download's: none was listed, so nothing was asked.
            return replace(decision, verdict=Verdict.OTHER_FILES)
        there = landed.made_from
        if rank_of(there) < rank_of(best):
            return replace(decision, verdict=Verdict.BETTER_THERE)
        if there == best:
            decision = _beside(decision, chosen, landed)
    if decision.verdict in (Verdict.WRITE, Verdict.ADD):
        for damage in damages:
            # A damaged file of a worse schema would not be part of it.
            worse = damage.schema is not None and rank_of(damage.schema) > rank_of(best)
            if not worse and damage.hits(partition):
                return replace(decision, verdict=Verdict.HELD_BACK, held_back_by=damage.name)
    return decision


def _beside(decision: Decision, chosen: Sequence[Offer], landed: PartitionCheck) -> Decision:
    """The decision where the partition is there from files of the same schema."""
    present = {source["sha256"] for source in landed.manifest["sources"]}
    if decision.files <= present:
        return replace(decision, verdict=Verdict.UP_TO_DATE)
    if present < decision.files:
        return decision
    new = [offer for offer in chosen if offer.sha256 not in present]
    there = [span for source in landed.manifest["sources"] for span in _source_spans(source)]
    if (
        landed.manifest.get("request") is None  # A download's partition stays as it was asked for.
        and not any(_overlap(a, b) for offer in new for a in offer.spans for b in there)
    ):
        files = frozenset(offer.sha256 for offer in new)
        return replace(decision, verdict=Verdict.ADD, files=files)
    return replace(decision, verdict=Verdict.OTHER_FILES)


def _source_spans(source: Mapping[str, object]) -> tuple[Window, ...]:
    """The time that a manifest's source is about; all of it if that is not known."""
    start, end, first, last = (source.get(name) for name in ("start", "end", "first", "last"))
    window = (start, end) if isinstance(start, int) and isinstance(end, int) else None
    there = (first, last) if isinstance(first, int) and isinstance(last, int) else (None, None)
    return spans(window, *there) or (_ALWAYS,)


def _overlap(a: Window, b: Window) -> bool:
    return a[0] < b[1] and b[0] < a[1]
