"""The planted effect: the book leans to a hidden side, and price then drifts to it as it says."""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import pairwise
from pathlib import Path

import databento as db
import numpy as np
import pytest
import test_simulate_market as market_tests
from test_simulate_market import DAY, TINY, file_of

from es_physics.calendar import default_calendar
from ingest.cli import main
from ingest.simulate.hours import SECOND_NS, Session, session_of
from ingest.simulate.market import Market
from ingest.simulate.planted_effect import (
    BLOCK_NS,
    BREAK_SHARE_AGAINST,
    BREAK_SHARE_WITH,
    HiddenSides,
    hidden_sides,
)
from ingest.simulate.price_path import daily_closes, index_path

CALENDAR = default_calendar().days
SESSION = session_of(DAY, CALENDAR[DAY])
BARRIER_POINTS, HORIZON_SECONDS = 15.0, 480
FIRST_ANCHOR, LAST_ANCHOR = 15 * 60, 240 * 60  # Seconds of the cash session, as for events.


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    Market(7, TINY, CALENDAR, planted_effect=True).write(DAY, folder)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_sides_last_half_an_hour_and_come_from_seed_and_date_alone() -> None:
    sides = hidden_sides(7, SESSION)
    assert set(sides.sides.tolist()) == {-1, 1}
    assert len(sides.sides) == 46
    first = np.array([SESSION.open_ns, SESSION.open_ns + BLOCK_NS - 1])
    assert sides.at(first).tolist() == [sides.sides[0]] * 2
    assert sides.at(np.array([SESSION.close_ns - 1])).tolist() == [sides.sides[-1]]
    assert np.array_equal(sides.starts_ns, SESSION.open_ns + BLOCK_NS * np.arange(46))
    assert np.array_equal(sides.sides, hidden_sides(7, SESSION).sides)
    other_day = date(2025, 12, 15)
    for seed, day in ((8, DAY), (7, other_day)):
        other = hidden_sides(seed, session_of(day, CALENDAR[day]))
        assert not np.array_equal(sides.sides, other.sides)


def test_both_sides_are_as_likely_and_none_follows_from_the_one_before() -> None:
    days = [day for day in CALENDAR if day.year == 2025]
    sides = np.concatenate([hidden_sides(7, session_of(day, CALENDAR[day])).sides for day in days])
    assert abs(sides.mean()) < 3 / np.sqrt(len(sides))
    assert abs(np.mean(sides[1:] * sides[:-1])) < 3 / np.sqrt(len(sides))


def test_single_orders_and_the_effect_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = ["--bronze-root", str(tmp_path / "bronze"), "--dbn-dir", str(tmp_path / "dbn")]
    assert main(["simulate", *roots, "--planted-effect", "--mbo"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --planted-effect")
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())


def labels(
    price: np.ndarray, sides: np.ndarray, levels: np.ndarray, width: float
) -> list[tuple[int, bool]]:
    """Of each entry: whether the hidden side is that of the approach, and whether it is a break."""
    found = []
    for level in levels:
        distance = np.abs(price - level)
        zone = np.where(distance <= width, 1, np.where(distance > 2 * width, 2, 0))
        decided = np.flatnonzero(zone)
        entered = (zone[decided[1:]] == 1) & (zone[decided[:-1]] == 2)
        for anchor in decided[1:][entered]:
            if FIRST_ANCHOR <= anchor <= LAST_ANCHOR:
                direction = 1 if price[anchor - 1] < level else -1
                moved = direction * (price[anchor : anchor + HORIZON_SECONDS + 1] - level)
                out = np.flatnonzero(np.abs(moved) >= BARRIER_POINTS)
                broke = len(out) > 0 and moved[out[0]] > 0
                found.append((direction * int(sides[anchor]), bool(broke)))
    return found


def break_shares(*, planted: bool, seeds: range) -> dict[int, tuple[float, float]]:
    """By the hidden side in the frame of the approach: share of breaks and its standard error.

    Entries into zones about eight levels a date that price visits. The error takes a date's entries
    as one draw, as they share its path.
    """
    by_date: dict[int, list[tuple[int, int]]] = {1: [], -1: []}
    rng = np.random.default_rng(1)
    dates = list(CALENDAR)
    for seed in seeds:
        closes = daily_closes(seed, CALENDAR)
        for before, day in pairwise(dates):
            session = session_of(day, CALENDAR[day])
            if not date(2025, 9, 1) <= day <= date(2025, 12, 31) or not is_whole(session):
                continue
            sides = hidden_sides(seed, session)
            path = index_path(
                seed, session, closes[before], closes[day], sides if planted else None
            )
            start = int(np.searchsorted(path.at_ns, session.rth_start_ns))
            price = path.price[start : start + 390 * 60]
            bars = price.reshape(-1, 120)
            width = 0.5 * float(np.mean(np.ptp(bars[: LAST_ANCHOR // 120], axis=1)))
            levels = rng.choice(price[:LAST_ANCHOR], 8)
            entries = labels(price, sides.at(path.at_ns[start : start + len(price)]), levels, width)
            for sign, counts in by_date.items():
                broke = [entry[1] for entry in entries if entry[0] == sign]
                counts.append((len(broke), sum(broke)))
    shares = {}
    for sign, counts in by_date.items():
        entries, breaks = np.array(counts).T
        share = breaks.sum() / entries.sum()
        error = np.sqrt(np.sum((breaks - share * entries) ** 2)) / entries.sum()
        shares[sign] = (float(share), float(error))
    return shares


def is_whole(session: Session) -> bool:
    end_ns = session.rth_end_ns or 0
    return end_ns - session.rth_start_ns == 390 * 60 * SECOND_NS


@pytest.mark.market
def test_levels_break_as_often_as_the_effect_says() -> None:
    shares = break_shares(planted=True, seeds=range(3))
    for sign, expected in ((1, BREAK_SHARE_WITH), (-1, BREAK_SHARE_AGAINST)):
        share, error = shares[sign]
        assert error < 0.012
        assert abs(share - expected) < 3 * error


@pytest.mark.market
def test_without_the_effect_the_hidden_side_says_nothing() -> None:
    (share, error), (other, other_error) = break_shares(planted=False, seeds=range(2)).values()
    assert abs(share - other) < 3 * np.hypot(error, other_error)


def test_drift_starts_with_its_side_and_not_before() -> None:
    """Price up to a side's start is the same whatever the side, but for the bridge to the close."""
    one = np.ones(46, dtype=np.int8)
    other = one.copy()
    other[30] = -1
    paths = [
        index_path(7, SESSION, 6_800.0, 6_830.0, HiddenSides(SESSION.open_ns, sides))
        for sides in (one, other)
    ]
    apart = paths[1].price - paths[0].price
    block = (paths[0].at_ns - SESSION.open_ns) // BLOCK_NS
    change = [float(np.ptp(apart[block == number])) for number in range(46)]
    assert apart[block == 30][-1] < apart[block == 30][0] - 5
    assert max(change[:30]) < 0.1 * change[30]


@pytest.mark.market
def test_the_book_leans_to_the_hidden_side(planted: Path) -> None:
    book = db.DBNStore.from_file(file_of(planted, "mbp-10")).to_ndarray()
    ids = market_tests.ids(planted)
    rows = book[book["instrument_id"] == ids["ESZ5"]]
    seconds = np.arange(
        SESSION.rth_start_ns + FIRST_ANCHOR * SECOND_NS,
        SESSION.rth_start_ns + LAST_ANCHOR * SECOND_NS,
        10 * SECOND_NS,
    )
    at = np.searchsorted(rows["ts_recv"].astype(np.int64), seconds, side="right") - 1
    bid, ask = (
        sum(rows[f"{side}_sz_{level:02d}"][at].astype(np.int64) for level in range(10))
        for side in ("bid", "ask")
    )
    lean = (bid - ask) / (bid + ask)
    sides = hidden_sides(7, SESSION).at(seconds)
    assert np.mean(np.sign(lean) == sides) > 0.9
    assert np.mean(lean * sides) == pytest.approx(0.4, abs=0.12)


@pytest.mark.market
@pytest.mark.parametrize("symbol", ["ESZ5", "ESH6", "ESZ5-ESH6"])
def test_the_book_still_adds_up(planted: Path, symbol: str) -> None:
    market_tests.test_each_row_follows_from_the_row_before_it(planted, symbol)
    market_tests.test_every_trade_is_a_t_row_and_the_other_way_round(planted)


@pytest.mark.market
def test_the_effect_is_off_by_default_and_the_same_each_time(planted: Path, tmp_path: Path) -> None:
    Market(7, TINY, CALENDAR).write(DAY, tmp_path / "default")
    Market(7, TINY, CALENDAR, planted_effect=False).write(DAY, tmp_path / "off")
    Market(7, TINY, CALENDAR, planted_effect=True).write(DAY, tmp_path / "again")
    assert hashes(tmp_path / "default") == hashes(tmp_path / "off")
    assert hashes(tmp_path / "again") == hashes(planted)
    for schema in ("mbp-10", "trades"):
        name = file_of(planted, schema).name
        assert hashes(planted)[name] != hashes(tmp_path / "off")[name]
