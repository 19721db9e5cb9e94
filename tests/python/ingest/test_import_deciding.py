"""What becomes of a partition, from nothing but what is given and what is there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from es_physics.bronze.partitions import PartitionCheck
from es_physics.calendar import trade_date_interval
from ingest.deciding import Decision, Verdict, decide
from ingest.parts import Damage

DAY = date(2025, 12, 16)
PARTITION = ("futures/trades", DAY)
MISSING, INVALID = PartitionCheck("missing"), PartitionCheck("invalid", "its sha256 differs")


def landed(*files: str) -> PartitionCheck:
    return PartitionCheck("ok", manifest={"sources": [{"sha256": file} for file in files]})


def damage(day: date = DAY, *, feeds: tuple[str, ...] = ("futures/trades",)) -> Damage:
    return Damage(Path("bad.dbn"), frozenset(feeds), trade_date_interval(day))


@pytest.mark.parametrize(
    ("given", "there", "force", "verdict"),
    [
        ("a", MISSING, False, Verdict.WRITE),
        ("a", INVALID, False, Verdict.WRITE),
        ("a", landed("a"), False, Verdict.UP_TO_DATE),
        ("a", landed("a"), True, Verdict.WRITE),
        ("b", landed("a"), False, Verdict.OTHER_FILES),
        ("b", landed("a"), True, Verdict.WRITE),
        ("ab", landed("a"), False, Verdict.WRITE),
        ("bc", landed("a", "b"), False, Verdict.OTHER_FILES),
    ],
)
def test_by_what_is_there(given, there, force, verdict) -> None:
    claims = {file: {PARTITION} for file in given}
    assert decide(claims, {PARTITION: there}, [], force=force) == {
        PARTITION: Decision(verdict, frozenset(given))
    }


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [
        (damage(), Verdict.HELD_BACK),
        (damage(date(2025, 12, 17)), Verdict.WRITE),
        (damage(feeds=("futures/mbp10",)), Verdict.WRITE),
        (Damage(Path("bad.dbn"), frozenset(), None), Verdict.WRITE),
        (Damage(Path("bad.dbn"), frozenset(), None, frozenset([PARTITION])), Verdict.HELD_BACK),
    ],
)
def test_a_bad_file_holds_back_what_it_would_be_part_of(bad, verdict) -> None:
    decisions = decide({"a": {PARTITION}}, {PARTITION: MISSING}, [bad], force=True)
    assert decisions[PARTITION].verdict is verdict


def test_what_is_up_to_date_needs_no_file_and_cannot_be_held_back() -> None:
    decisions = decide({"a": {PARTITION}}, {PARTITION: landed("a")}, [damage()], force=False)
    assert decisions[PARTITION].verdict is Verdict.UP_TO_DATE
