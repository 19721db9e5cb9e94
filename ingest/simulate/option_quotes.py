"""Quotes and trades of one option series over a trade date, as MBP-1 rows.

Each event quotes one option afresh around its price at that moment, given the price of the future
and the volatility then; so a batch of events needs nothing of the ones before it. A trade shows as
three rows of one moment: the quote, the trade (T), and the quote with less on the side it hit.

Real quotes fail in ways that matter to whoever inverts them, so some are made to fail: options that
are silent or never quoted, spells without a side or both, spells below intrinsic value, and
moments that are locked or crossed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import databento_dbn as dbn
import numpy as np

from ingest.simulate.book_events import update_times
from ingest.simulate.dbn_writer import PUBLISHER_ID
from ingest.simulate.hours import SECOND_NS, Session
from ingest.simulate.instruments import PRICE_SCALE
from ingest.simulate.option_prices import black76, intrinsic, smile, years_left
from ingest.simulate.option_series import Series

ROW = np.dtype(dbn.MBP1Msg._dtypes)
_RTYPE_MBP1 = 1

# Prices are counted in nickels: that is the tick below 10 points, five of them from there on.
_NICKEL = PRICE_SCALE // 20
_NICKELS_PER_POINT = 20
_DEAR = 10 * _NICKELS_PER_POINT
_DEAR_TICK = 5

# Where quotes come: about the money with tails, and some anywhere on the chain.
_QUOTED_SCALE_POINTS = 30.0
_QUOTED_ANYWHERE = 0.12
_OUT_OF_THE_MONEY_SHARE = 0.65
_TRADED_SCALE_POINTS = 20.0
_EXPECTED_TRADED = 0.34
"""Mean over the quoted options of exp(-distance / _TRADED_SCALE_POINTS), as measured."""

# Half a spread in points, by price and distance from the money.
_HALF_SPREAD, _HALF_BY_PRICE, _HALF_BY_DISTANCE = 0.04, 0.006, 0.0008
_OVERNIGHT_FACTOR = 1.6
_SPREAD_SD = 0.15
_MIDDLE_MOVES = 0.35
"""How far the middle strays from the price, as a part of half a spread: less than one, so that
put-call parity holds between bids and asks."""

_LOCKED, _CROSSED = 0.0015, 0.001
_BELOW_INTRINSIC_POINTS = 0.5
_DEEP_TIME_VALUE = 2.0
"""Only an option with less time value, points, is ever quoted below its intrinsic value."""
_TYPICAL_SIZE, _SIZE_BY_DISTANCE = 12.0, 0.25
_CONTRACTS_PER_ORDER = 6
_LARGEST_TRADE = 50
_TRADE_TAIL = 1.1
_UNKNOWN_SIDE = 0.02
# Customers rather sell calls and buy puts.
_CALLS_BOUGHT, _PUTS_BOUGHT = 0.42, 0.58

# Against the futures, so that an ordinary date has all its rows.
_RTH_WEIGHT, _NIGHT_WEIGHT = 1.31, 0.43
_QUOTED_AFTER_EXPIRY_NS = 1_800 * SECOND_NS
"""How long the series that settles at the open is still quoted."""


class Spell(IntEnum):
    """What may be wrong with an option's quotes for a while."""

    SILENT = 0
    NO_BID = 1
    NO_ASK = 2
    NO_QUOTE = 3
    BELOW_INTRINSIC = 4


_SPELL_SHARE = {
    Spell.SILENT: 0.15,
    Spell.NO_BID: 0.05,
    Spell.NO_ASK: 0.04,
    Spell.NO_QUOTE: 0.05,
    Spell.BELOW_INTRINSIC: 0.08,
}
_SPELLS_WITHIN = 0.6
"""Spells begin in this first part of the cash session, where the quotes are made use of."""
_SHORTEST_SPELL_NS, _LONGEST_SPELL_NS = 180 * SECOND_NS, 2_400 * SECOND_NS
_NEVER_QUOTED = 0.03
_NOT_YET = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Setting:
    """What the options of a series see of the market at each moment.

    `at_ns`, `forward`: (k,) the price of the future in points, straight between these moments;
    `volatility`: (n,) that at the money in each open second of the session.
    """

    session: Session
    at_ns: np.ndarray
    forward: np.ndarray
    volatility: np.ndarray

    def forward_at(self, ts_ns: np.ndarray) -> np.ndarray:
        """Price of the future in points; its last one after its expiry."""
        since = self.session.open_ns
        return np.interp(ts_ns - since, self.at_ns - since, self.forward)

    def volatility_at(self, ts_ns: np.ndarray) -> np.ndarray:
        """Annual volatility at the money."""
        second = np.searchsorted(self.session.seconds_ns, ts_ns, side="right") - 1
        return self.volatility[np.maximum(second, 0)]

    def price(
        self, series: Series, strike: np.ndarray, is_call: np.ndarray, ts_ns: np.ndarray
    ) -> np.ndarray:
        """What options of a series are worth at moments, points; all arrays (n,)."""
        forward, years = self.forward_at(ts_ns), years_left(series.expiration_ns, ts_ns)
        volatility = smile(self.volatility_at(ts_ns), forward, strike, years)
        return black76(forward, strike, years, volatility, is_call)


@dataclass(frozen=True)
class _Quotes:
    """Quotes of options by moment, each array (n,).

    `bid` and `ask` are nickels, meaningful where the quote has that side; `distance` is points
    from the money; `is_good` says that both sides are there and nothing is made to be wrong.
    """

    ts_ns: np.ndarray
    option: np.ndarray
    distance: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    has_bid: np.ndarray
    has_ask: np.ndarray
    is_good: np.ndarray


class SeriesQuotes:
    """The quotes and trades of one series; `ts_ns` (n,) are the times of its events.

    rates: (m,) share of an ordinary date's events in each open second; rows, trades: how many of
    them an ordinary date has over all series. Rows carry the exchange's time in both `ts_event` and
    `ts_recv`; the feed adds latency, `sequence` and F_LAST.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        series: Series,
        setting: Setting,
        rates: np.ndarray,
        rows: float,
        trades: float,
    ) -> None:
        self._rng = rng
        self._series = series
        self._setting = setting
        session = setting.session
        last_ns = series.expiration_ns
        if series.is_am_settled:
            last_ns += _QUOTED_AFTER_EXPIRY_NS
        open_ = session.seconds_ns < last_ns
        weight = np.where(session.minutes_since_open < 0, _NIGHT_WEIGHT, _RTH_WEIGHT)
        intensity = (rates * weight)[open_]
        events = series.rows_share * (rows - 2 * trades)
        edges = np.append(session.seconds_ns[open_], session.seconds_ns[open_][-1] + SECOND_NS)
        self.ts_ns = update_times(rng, edges, intensity, round(events * intensity.sum()))
        self._trade_odds = trades / (rows - 2 * trades) / _EXPECTED_TRADED

        self._strike = np.array([option.strike for option in series.options])
        self._is_call = np.array([option.is_call for option in series.options])
        self._ids = np.array([option.instrument_id for option in series.options], dtype=np.uint32)
        self._spells = self._draw_spells()

    def _draw_spells(self) -> np.ndarray:
        """int64 (kinds, options, 2): start and end of each option's spell of each kind."""
        rng, count = self._rng, len(self._strike)
        strikes = self._series.strikes
        spells = np.full((len(Spell), count, 2), _NOT_YET)
        session = self._setting.session
        assert session.rth_end_ns is not None
        within_ns = int(_SPELLS_WITHIN * (session.rth_end_ns - session.rth_start_ns))
        lower, upper = np.quantile(strikes, (0.25, 0.75))
        is_deep = np.where(self._is_call, self._strike <= lower, self._strike >= upper)
        for kind, share in _SPELL_SHARE.items():
            able = np.flatnonzero(is_deep) if kind == Spell.BELOW_INTRINSIC else np.arange(count)
            chosen = rng.choice(able, max(1, round(share * count)), replace=False)
            start = session.rth_start_ns + rng.integers(0, within_ns, len(chosen))
            lasts = rng.integers(_SHORTEST_SPELL_NS, _LONGEST_SPELL_NS, len(chosen))
            spells[kind, chosen] = np.column_stack([start, start + lasts])
        far = np.flatnonzero((self._strike < lower) | (self._strike > upper))
        never = rng.choice(far, max(1, round(_NEVER_QUOTED * count)), replace=False)
        spells[Spell.SILENT, never, 0] = 0
        spells[Spell.SILENT, never, 1] = _NOT_YET
        return spells

    def rows(self, start: int, end: int) -> np.ndarray:
        """The rows (structured, dtype ROW) of events start to end, in order."""
        rng = self._rng
        quotes = self._quotes(self.ts_ns[start:end])
        option, count = quotes.option, len(quotes.option)
        odds = self._trade_odds * np.exp(-quotes.distance / _TRADED_SCALE_POINTS)
        traded = quotes.is_good & (quotes.ts_ns < self._series.expiration_ns)
        traded &= rng.random(count) < odds
        buys = rng.random(count) < np.where(self._is_call[option], _CALLS_BOUGHT, _PUTS_BOUGHT)
        volume = np.minimum(1 + rng.pareto(_TRADE_TAIL, count), _LARGEST_TRADE).astype(np.int64)
        # The side that the row is about: the one that is hit, the one that is gone, or either.
        at_bid = np.where(traded, ~buys, rng.random(count) < 0.5)
        lone = quotes.has_bid != quotes.has_ask
        at_bid = np.where(lone, quotes.has_ask, at_bid)
        typical = _TYPICAL_SIZE + _SIZE_BY_DISTANCE * quotes.distance
        bid_size, ask_size = 1 + rng.exponential(typical, (2, count)).astype(np.int64)
        size = np.where(traded, volume, np.where(at_bid, bid_size, ask_size))
        gone = np.where(at_bid, ~quotes.has_bid, ~quotes.has_ask)

        copies = np.where(traded, 3, 1)
        event = np.repeat(np.arange(count), copies)
        nth = np.arange(len(event)) - np.repeat(np.cumsum(copies) - copies, copies)
        is_trade, is_left = nth == 1, nth == 2
        rows = np.zeros(len(event), dtype=ROW)
        rows["length"], rows["rtype"] = ROW.itemsize // 4, _RTYPE_MBP1
        rows["publisher_id"] = PUBLISHER_ID
        rows["instrument_id"] = self._ids[option[event]]
        rows["ts_event"] = rows["ts_recv"] = quotes.ts_ns[event]
        # What is traded is shown until it is gone.
        hit = np.where(traded[event] & ~is_left, volume[event], 0)
        at_bid = at_bid[event]
        for name, price, there, left, is_hit in (
            ("bid", quotes.bid, quotes.has_bid, bid_size, at_bid),
            ("ask", quotes.ask, quotes.has_ask, ask_size, ~at_bid),
        ):
            displayed = np.where(there[event], left[event] + hit * is_hit, 0)
            rows[f"{name}_px_00"] = np.where(there, price * _NICKEL, dbn.UNDEF_PRICE)[event]
            rows[f"{name}_sz_00"] = displayed
            rows[f"{name}_ct_00"] = -(-displayed // _CONTRACTS_PER_ORDER)
        rows["price"] = np.where(at_bid, np.maximum(quotes.bid, 1)[event], quotes.ask[event])
        rows["price"] *= _NICKEL
        rows["size"] = size[event]
        action = np.array([b"A", b"M", b"M", b"C"])[rng.integers(0, 4, len(event))]
        action = np.where(gone[event] | is_left, b"C", action)
        rows["action"] = np.where(is_trade, b"T", action)
        aggressor = np.where(at_bid, b"A", b"B")
        aggressor[rng.random(len(event)) < _UNKNOWN_SIDE] = b"N"
        rows["side"] = np.where(is_trade, aggressor, np.where(at_bid, b"B", b"A"))
        return rows

    def _quotes(self, ts_ns: np.ndarray) -> _Quotes:
        """What is quoted at moments, without those at which the option is silent."""
        rng = self._rng
        option = self._quoted(self._setting.forward_at(ts_ns))
        spoken = ~self._within(Spell.SILENT, option, ts_ns)
        ts_ns, option = ts_ns[spoken], option[spoken]
        forward, strike, is_call = (
            self._setting.forward_at(ts_ns),
            self._strike[option],
            self._is_call[option],
        )
        fair = self._setting.price(self._series, strike, is_call, ts_ns)
        distance = np.abs(strike - forward)
        half = _HALF_SPREAD + _HALF_BY_PRICE * fair + _HALF_BY_DISTANCE * distance
        half *= np.exp(_SPREAD_SD * rng.standard_normal(len(ts_ns)))
        half[ts_ns < self._setting.session.rth_start_ns] *= _OVERNIGHT_FACTOR
        middle = fair + _MIDDLE_MOVES * half * rng.uniform(-1, 1, len(ts_ns))
        worth = intrinsic(forward, strike, is_call)
        below = self._within(Spell.BELOW_INTRINSIC, option, ts_ns)
        below &= (worth > 0) & (fair - worth < _DEEP_TIME_VALUE)
        middle = np.where(below, worth - half - _BELOW_INTRINSIC_POINTS, middle)

        bid, ask = _tick_below(middle - half), np.maximum(_tick_above(middle + half), 1)
        pulled = self._within(Spell.NO_QUOTE, option, ts_ns)
        has_bid = (bid > 0) & ~pulled & ~self._within(Spell.NO_BID, option, ts_ns)
        has_ask = ~pulled & ~self._within(Spell.NO_ASK, option, ts_ns)
        is_good = has_bid & has_ask & ~below
        draw = rng.random(len(ts_ns))
        locked, crossed = (is_good & (draw < share) for share in (_LOCKED + _CROSSED, _CROSSED))
        bid = np.where(locked, ask + crossed * np.where(ask >= _DEAR, _DEAR_TICK, 1), bid)
        return _Quotes(ts_ns, option, distance, bid, ask, has_bid, has_ask, is_good & ~locked)

    def _quoted(self, forward: np.ndarray) -> np.ndarray:
        """int64: the option that each event quotes, given the future's price then."""
        rng, strikes = self._rng, self._series.strikes
        wanted = forward + rng.laplace(0, _QUOTED_SCALE_POINTS, len(forward))
        nearest = np.searchsorted((strikes[1:] + strikes[:-1]) / 2, wanted)
        anywhere = rng.integers(0, len(strikes), len(forward))
        strike = np.where(rng.random(len(forward)) < _QUOTED_ANYWHERE, anywhere, nearest)
        out_of_the_money = rng.random(len(forward)) < _OUT_OF_THE_MONEY_SHARE
        is_put = (strikes[strike] < forward) == out_of_the_money
        return 2 * strike + is_put

    def _within(self, kind: Spell, option: np.ndarray, ts_ns: np.ndarray) -> np.ndarray:
        """Whether each event falls into its option's spell of a kind."""
        start, end = self._spells[kind].T
        return (ts_ns >= start[option]) & (ts_ns < end[option])


def _tick_below(points: np.ndarray) -> np.ndarray:
    """int64: the valid price at or below, in nickels."""
    nickels = np.floor(points * _NICKELS_PER_POINT).astype(np.int64)
    return np.where(nickels >= _DEAR, nickels // _DEAR_TICK * _DEAR_TICK, nickels)


def _tick_above(points: np.ndarray) -> np.ndarray:
    """int64: the valid price at or above, in nickels."""
    nickels = np.ceil(points * _NICKELS_PER_POINT).astype(np.int64)
    return np.where(nickels > _DEAR, -(-nickels // _DEAR_TICK) * _DEAR_TICK, nickels)
