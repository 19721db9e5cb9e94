"""What becomes of a partition, from nothing but what is given and what is there."""

from __future__ import annotations

from datetime import date

import pytest

from es_physics.bronze.feeds import FEEDS
from es_physics.bronze.partitions import PartitionCheck
from es_physics.calendar import trade_date_interval
from ingest.deciding import Decision, Offer, Verdict, decide
from ingest.parts import Damage

DAY = date(2025, 12, 16)
PARTITION = ("futures/trades", DAY)
MISSING, INVALID = PartitionCheck("missing"), PartitionCheck("invalid", "its sha256 differs")


HOUR = 3600 * 10**9
T0 = trade_date_interval(DAY)[0]


def offer(file: str, schema: str | None = "trades", hour: int = 0) -> Offer:
    return Offer(file, schema, ((T0 + hour * HOUR, T0 + (hour + 1) * HOUR),))


def landed(files: str, schema: str = "trades", **more: object) -> PartitionCheck:
    """Files of an hour each, one after the other."""
    sources = [
        {
            "sha256": file,
            "schema": schema,
            "start": T0 + hour * HOUR,
            "end": T0 + (hour + 1) * HOUR,
            "first": T0 + hour * HOUR,
            "last": T0 + hour * HOUR + 5,
        }
        for hour, file in enumerate(files)
    ]
    return PartitionCheck("ok", manifest={"sources": sources, "made_from": schema} | more)


def damage(day: date = DAY, feeds: tuple[str, ...] = ("futures/trades",), schema="trades"):
    return Damage("bad.dbn", schema, frozenset(feeds), trade_date_interval(day))


def decision(*offers: Offer, there=MISSING, damages=(), force=False) -> Decision:
    return decide({PARTITION: offers}, {PARTITION: there}, damages, force=force)[PARTITION]


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
        ("bc", landed("ab"), False, Verdict.OTHER_FILES),
        ("b", landed("ab"), False, Verdict.UP_TO_DATE),
    ],
)
def test_by_what_is_there(given, there, force, verdict) -> None:
    made = decision(*map(offer, given), there=there, force=force)
    assert made == Decision(verdict, frozenset(given), "trades")


@pytest.mark.parametrize(
    ("hour", "there", "verdict"),
    [
        (2, landed("ab"), Verdict.ADD),
        (1, landed("ab"), Verdict.OTHER_FILES),
        (2, landed("ab", request=[]), Verdict.OTHER_FILES),  # a download's
        (2, PartitionCheck("ok", manifest={"sources": []}), Verdict.OTHER_FILES),
    ],
)
def test_a_file_that_overlaps_nothing_is_added(hour, there, verdict) -> None:
    assert decision(offer("c", hour=hour), there=there).verdict is verdict


def test_a_file_is_added_when_some_of_those_there_are_given_too() -> None:
    made = decision(offer("a"), offer("c", hour=2), there=landed("ab"))
    assert (made.verdict, made.files) == (Verdict.ADD, frozenset("c"))


def test_records_outside_a_files_window_overlap_too() -> None:
    late = Offer("c", "trades", (*offer("c", hour=2).spans, (T0, T0 + 1)))
    assert decision(late, there=landed("ab")).verdict is Verdict.OTHER_FILES


def test_a_source_that_does_not_say_when_may_overlap_anything() -> None:
    there = landed("a")
    for name in ("start", "end", "first", "last"):
        there.manifest["sources"][0][name] = None
    assert decision(offer("c", hour=9), there=there).verdict is Verdict.OTHER_FILES


@pytest.mark.parametrize("feed", [feed for feed in FEEDS if len(feed.made_from) > 1])
def test_the_best_schema_given_fills_the_partition(feed) -> None:
    partition = (feed.path, DAY)
    for at, schema in enumerate(feed.made_from):
        offers = [offer(worse, worse) for worse in reversed(feed.made_from[at:])]
        made = decide({partition: offers}, {partition: MISSING}, [], force=False)[partition]
        assert made.files == frozenset([schema])
        assert made.unused == feed.made_from[at + 1 :]


@pytest.mark.parametrize(
    ("given", "there", "force", "verdict"),
    [
        ("trades", "mbp-10", False, Verdict.WRITE),
        ("mbp-10", "trades", False, Verdict.BETTER_THERE),
        ("mbp-10", "trades", True, Verdict.WRITE),
    ],
)
def test_a_better_schema_replaces_and_a_worse_one_does_not(given, there, force, verdict) -> None:
    made = decision(offer("b", given, hour=5), there=landed("a", there), force=force)
    assert made.verdict is verdict


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [
        (damage(), Verdict.HELD_BACK),
        (damage(date(2025, 12, 17)), Verdict.WRITE),
        (damage(feeds=("futures/mbp10",)), Verdict.WRITE),
        (damage(schema="mbp-10"), Verdict.WRITE),  # its trades would not be used
        (damage(schema=None), Verdict.HELD_BACK),
        (Damage("bad.dbn", None, frozenset(), None), Verdict.WRITE),
        (
            Damage("b.dbn", "trades", frozenset(), None, frozenset([PARTITION])),
            Verdict.HELD_BACK,
        ),
    ],
)
def test_a_bad_file_holds_back_what_it_would_be_part_of(bad, verdict) -> None:
    assert decision(offer("a"), damages=[bad], force=True).verdict is verdict


def test_a_bad_file_of_a_better_schema_holds_back_what_would_stand_in_for_it() -> None:
    made = decision(offer("a", "mbp-10"), damages=[damage()])
    assert (made.verdict, made.held_back_by) == (Verdict.HELD_BACK, "bad.dbn")


def test_what_is_up_to_date_needs_no_file_and_cannot_be_held_back() -> None:
    made = decision(offer("a"), there=landed("a"), damages=[damage()])
    assert made.verdict is Verdict.UP_TO_DATE
