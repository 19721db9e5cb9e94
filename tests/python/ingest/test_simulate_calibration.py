"""The simulated market's figures: those of a volatile week of ES around a roll."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import databento as db
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from es_physics.calendar import default_calendar
from ingest.simulate.hours import Session, session_of
from ingest.simulate.market import Market

pytestmark = pytest.mark.market

TICK = 250_000_000
MINUTE_NS = 60_000_000_000
DEMO = 300_000


@dataclass(frozen=True)
class Day:
    """A demo session's trades, book rows and SPX prices, with the ids of its symbols."""

    session: Session
    trades: np.ndarray
    book: np.ndarray
    spx: pa.Table
    ids: dict[str, int]

    def trades_of(self, symbol: str) -> np.ndarray:
        return self.trades[self.trades["instrument_id"] == self.ids[symbol]]

    def volume(self, symbol: str) -> int:
        trades = self.trades_of(symbol)
        recv = trades["ts_recv"].astype(np.int64)
        start = self.session.rth_start_ns
        anchors = (recv >= start) & (recv <= start + 240 * MINUTE_NS)
        return int(trades["size"][anchors].sum())

    def dominance(self, symbol: str) -> float:
        return self.volume(symbol) / (self.volume("ESZ5") + self.volume("ESH6"))

    def cash_book(self, symbol: str) -> np.ndarray:
        """The symbol's sound book rows of the cash session, without T and N."""
        rows = self.book[self.book["instrument_id"] == self.ids[symbol]]
        recv = rows["ts_recv"].astype(np.int64)
        cash = (recv >= self.session.rth_start_ns) & (recv < (self.session.rth_end_ns or 0))
        update = np.isin(rows["action"], [b"A", b"C", b"M"])
        return rows[cash & update & ((rows["flags"] & 36) == 0)]


FRONTS = {
    date(2025, 12, 11): "ESZ5",
    date(2025, 12, 12): "ESZ5",
    date(2025, 12, 15): "ESH6",
    date(2025, 12, 16): "ESH6",
}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Day]:
    folder: Path = tmp_path_factory.mktemp("demo")
    calendar = default_calendar().days
    market = Market(7, DEMO, calendar)
    found = {}
    for day in FRONTS:
        market.write(day, folder)
        stores = [
            db.DBNStore.from_file(folder / f"ES.FUT.{schema}.{day}.dbn.zst")
            for schema in ("trades", "mbp-10")
        ]
        ids = {symbol: int(spans[0]["symbol"]) for symbol, spans in stores[0].mappings.items()}
        spx = pq.read_table(folder / f"SPX.{day}.parquet")
        trades, book = (store.to_ndarray() for store in stores)
        found[day] = Day(session_of(day, calendar[day]), trades, book, spx, ids)
    return found


def test_a_session_has_about_the_rows_asked_for(days: dict[date, Day]) -> None:
    for day in days.values():
        assert 0.95 * DEMO < len(day.book) < 1.05 * DEMO
        assert 0.05 * DEMO < len(day.trades) < 0.08 * DEMO


def test_volume_rolls_in_the_week_before_expiry(days: dict[date, Day]) -> None:
    eleventh, twelfth, fifteenth, sixteenth = days.values()
    assert eleventh.dominance("ESZ5") > 0.95
    assert 0.75 < twelfth.dominance("ESZ5") < 0.85
    assert 0.50 < fifteenth.dominance("ESH6") < 0.58
    assert sixteenth.dominance("ESH6") > 0.84


def test_settlements_of_the_anchor_date(days: dict[date, Day]) -> None:
    day = days[date(2025, 12, 12)]
    for symbol, settle in (("ESZ5", 6830.75), ("ESH6", 6890.50)):
        trades = day.trades_of(symbol)
        before = trades["ts_recv"].astype(np.int64) <= (day.session.rth_end_ns or 0)
        assert abs(trades["price"][before][-1] / 1e9 - settle) <= 3.0


def test_the_front_month_trades_a_few_points_above_spx(days: dict[date, Day]) -> None:
    day = days[date(2025, 12, 12)]
    recv, price = day.spx["ts_recv"].to_numpy(), day.spx["price"].to_numpy()
    trades = day.trades_of("ESZ5")
    known = np.searchsorted(recv, trades["ts_recv"].astype(np.int64), side="right") - 1
    cash = (known >= 0) & (known < len(recv) - 1)
    basis = (trades["price"][cash] - price[known[cash]]) / 1e9
    assert np.median(basis) == pytest.approx(4.7, abs=1.0)
    assert np.quantile(np.abs(basis - np.median(basis)), 0.9) < 3.0


def test_spread_and_sizes(days: dict[date, Day]) -> None:
    for date_, day in days.items():
        rows = day.cash_book(FRONTS[date_])
        ticks = (rows["ask_px_00"] - rows["bid_px_00"]) // TICK
        lasting = np.diff(rows["ts_recv"].astype(np.int64))
        assert ticks.min() == 1
        assert lasting[ticks[:-1] == 1].sum() / lasting.sum() == pytest.approx(0.94, abs=0.02)
        best = np.mean([rows["bid_sz_00"].mean(), rows["ask_sz_00"].mean()])
        deeper = np.mean(
            [rows[f"{s}_sz_{n:02d}"].mean() for s in ("bid", "ask") for n in range(1, 10)]
        )
        assert 23 < best < 33
        assert 1.2 < deeper / best < 1.8


def test_trades_come_in_every_part_of_the_session(days: dict[date, Day]) -> None:
    for date_, day in days.items():
        recv = day.trades_of(FRONTS[date_])["ts_recv"].astype(np.int64)
        two_minutes = np.unique((recv - day.session.open_ns) // (2 * MINUTE_NS))
        assert len(two_minutes) > 0.97 * 690
        minutes = np.unique((recv - day.session.rth_start_ns) // MINUTE_NS)
        assert np.count_nonzero((minutes >= 0) & (minutes < 390)) >= 388


def test_price_travels_like_a_volatile_market(days: dict[date, Day]) -> None:
    for date_, day in days.items():
        trades = day.trades_of(FRONTS[date_])
        minute = (trades["ts_recv"].astype(np.int64) - day.session.rth_start_ns) // MINUTE_NS
        cash = (minute >= 0) & (minute < 390)
        closes = trades["price"][cash][np.flatnonzero(np.diff(minute[cash], append=390))] / 1e9
        assert 3.5 < np.std(np.diff(closes)) < 7.0


def test_sweeps_take_several_prices_at_once(days: dict[date, Day]) -> None:
    for date_, day in days.items():
        trades = day.trades_of(FRONTS[date_])
        recv = trades["ts_recv"].astype(np.int64)
        new_run = np.append(
            True, (trades["side"][1:] != trades["side"][:-1]) | (np.diff(recv) > 10**8)
        )
        starts = np.flatnonzero(new_run)
        size = np.add.reduceat(trades["size"], starts)
        prices = np.maximum.reduceat(trades["price"], starts) - np.minimum.reduceat(
            trades["price"], starts
        )
        assert 10 < np.count_nonzero((size >= 50) & (prices > 0)) < 150


def test_order_flow_imbalance_explains_the_change_of_the_mid(days: dict[date, Day]) -> None:
    """Cont, Kukanov and Stoikov's e_n at the best level, summed over 60 s of the cash session."""
    for date_, day in days.items():
        rows = day.cash_book(FRONTS[date_])
        bid, ask = rows["bid_px_00"], rows["ask_px_00"]
        bid_size, ask_size = rows["bid_sz_00"].astype(np.int64), rows["ask_sz_00"].astype(np.int64)
        flow = (
            np.where(bid[1:] >= bid[:-1], bid_size[1:], 0)
            - np.where(bid[1:] <= bid[:-1], bid_size[:-1], 0)
            - np.where(ask[1:] <= ask[:-1], ask_size[1:], 0)
            + np.where(ask[1:] >= ask[:-1], ask_size[:-1], 0)
        )
        window = (rows["ts_recv"].astype(np.int64) - day.session.rth_start_ns) // MINUTE_NS
        imbalance = np.bincount(window[1:], flow, minlength=390)
        last = np.flatnonzero(np.diff(window, append=390))
        assert len(last) == 390
        change = np.diff((bid + ask)[last] / 2e9)
        correlation = np.corrcoef(imbalance[1:], change)[0, 1]
        assert correlation > 0
        assert correlation**2 > 0.6
