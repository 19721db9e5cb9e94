"""The simulated option side: its universe by date, its flaws, and prices that can be inverted."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import partial
from pathlib import Path

import databento as db
import numpy as np
import polars as pl
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import check_partition
from es_physics.calendar import NEW_YORK, default_calendar, trade_date_interval, utc_midnight_ns
from ingest.download.chain import expiring_chain
from ingest.download.roots import candidate_parents
from ingest.importer import import_paths
from ingest.simulate import market as market_module
from ingest.simulate.hours import new_york_ns, session_of
from ingest.simulate.instruments import Outright, listings
from ingest.simulate.market import Market, SessionFiles
from ingest.simulate.option_prices import smile, volatility_path, years_left
from ingest.simulate.option_series import option_series
from ingest.simulate.options import OptionFiles
from ingest.simulate.randomness import Stream, generator

SEED, TINY = 7, 30_000
POINT = 10**9
YEAR_NS = 365 * 86_400 * 10**9
UNDEF_PRICE = 2**63 - 1
TUESDAY = date(2025, 12, 16)
QUARTERLY = date(2025, 12, 19)
HALF_DAY = date(2025, 11, 28)
DAYS = (HALF_DAY, date(2025, 12, 12), TUESDAY, QUARTERLY, date(2025, 12, 31))
CALENDAR = default_calendar().days


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[date, SessionFiles]:
    folder = tmp_path_factory.mktemp("dbn")
    market = Market(SEED, TINY, CALENDAR)
    return {day: market.write(day, folder) for day in DAYS}


@pytest.fixture(scope="module")
def bronze(files: dict[date, SessionFiles], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bronze")
    paths = [path for of_day in files.values() for path in (*of_day.paths, *options(of_day).paths)]
    result = import_paths(paths, root, report=lambda line: None)
    assert result.errors == []
    return root


def options(files: SessionFiles) -> OptionFiles:
    assert files.options is not None
    return files.options


def raw(files: SessionFiles, schema: str) -> np.ndarray:
    path = next(path for path in options(files).paths if f".{schema}." in path.name)
    return db.DBNStore.from_file(path).to_ndarray()


def feed(bronze: Path, path: str, day: date) -> pl.DataFrame:
    check = check_partition(bronze, FEED_BY_PATH[path], day)
    assert check.status == "ok"
    return pl.read_parquet(check.files, hive_partitioning=False)


def universe(bronze: Path, day: date) -> pl.DataFrame:
    """The latest definitions of what the exchange lists, with the New York date of expiry."""
    return (
        feed(bronze, "options/definition", day)
        .group_by("instrument_id", maintain_order=True)
        .last()
        .filter(
            pl.col("instrument_class").is_in(["C", "P"]),
            pl.col("user_defined_instrument") == "N",
        )
        .with_columns(
            strike=pl.col("strike_price") / POINT,
            expires=pl.from_epoch("expiration", time_unit="ns")
            .dt.convert_time_zone(str(NEW_YORK))
            .dt.date(),
            right=pl.col("instrument_class"),
        )
    )


def quotes(bronze: Path, day: date) -> pl.DataFrame:
    """Quotes of the listed options, in points, with the option and the future's book then."""
    listed = universe(bronze, day).select(
        "instrument_id", "strike", "right", "expires", "expiration", "underlying"
    )
    book = feed(bronze, "futures/mbp10", day).select(
        "ts_recv",
        underlying="symbol",
        future=(pl.col("bid_px_00") + pl.col("ask_px_00")) / 2 / POINT,
    )
    return (
        feed(bronze, "options/nbbo", day)
        .join(listed, on="instrument_id")
        .with_columns(bid=pl.col("bid_px_00") / POINT, ask=pl.col("ask_px_00") / POINT)
        .sort("ts_recv", "row_nr")
        .join_asof(
            book.drop_nulls().sort("ts_recv"),
            on="ts_recv",
            by="underlying",
            check_sortedness=False,
        )
    )


@pytest.mark.parametrize("day", DAYS)
def test_what_is_written_lands_whole_and_in_order(
    files: dict[date, SessionFiles], bronze: Path, day: date
) -> None:
    known = set(feed(bronze, "options/definition", day).select("instrument_id", "symbol").rows())
    start, end = trade_date_interval(day)
    for path, schema in (
        ("options/definition", "definition"),
        ("options/nbbo", "mbp-1"),
        ("options/trades", "trades"),
        ("options/statistics", "statistics"),
    ):
        rows = feed(bronze, path, day)
        assert rows.height == len(raw(files[day], schema)) > 100
        assert rows["ts_recv"].is_sorted()
        assert rows["row_nr"].to_list() == list(range(rows.height))
        assert start <= rows["ts_recv"][0] <= rows["ts_recv"][-1] < end
        assert (rows["ts_event"] <= rows["ts_recv"]).all()
        assert set(rows.select("instrument_id", "symbol").rows()) <= known
    assert feed(bronze, "options/nbbo", day).height == options(files[day]).quotes
    assert feed(bronze, "options/trades", day).height == options(files[day]).trades


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (TUESDAY, {("E3BZ5", "ESZ5", "16:00")}),
        (date(2025, 12, 12), {("EW2Z5", "ESZ5", "16:00")}),
        (QUARTERLY, {("EYCZ5", "ESH6", "16:00"), ("ESZ5", "ESZ5", "09:30")}),
        (HALF_DAY, {("EWX5", "ESZ5", "13:00")}),
        (date(2025, 12, 31), {("EWZ5", "ESH6", "16:00")}),
    ],
)
def test_the_chain_of_a_date_has_its_roots_underlying_and_expiry(
    bronze: Path, day: date, expected: set[tuple[str, str, str]]
) -> None:
    chain = universe(bronze, day).filter(expires=day)
    assert sorted(chain["symbol"]) == expiring_chain(bronze, day)
    found = {
        (row["symbol"].split()[0], row["underlying"], row["expiration"])
        for row in chain.iter_rows(named=True)
    }
    assert found == {
        (root, underlying, new_york_ns(day, time.fromisoformat(clock)))
        for root, underlying, clock in expected
    }
    assert chain.height == 50 * len(expected)
    assert set(chain["strike"].value_counts()["count"]) == {2 * len(expected)}


def test_volume_has_rolled_where_the_options_still_deliver_the_old_future(bronze: Path) -> None:
    volume = feed(bronze, "futures/trades", TUESDAY).group_by("symbol").agg(pl.col("size").sum())
    traded = dict(volume.rows())
    assert traded["ESH6"] > traded["ESZ5"]


def test_a_later_expiry_with_the_same_strikes_is_first_announced_wrongly(bronze: Path) -> None:
    listed = universe(bronze, TUESDAY)
    chain, later = listed.filter(expires=TUESDAY), listed.filter(expires=date(2025, 12, 17))
    assert chain.height + later.height == listed.height
    assert set(chain["strike"]) == set(later["strike"])
    assert all(symbol.startswith("E3CZ5 ") for symbol in later["symbol"])
    first = feed(bronze, "options/definition", TUESDAY).unique(
        "instrument_id", keep="first", maintain_order=True
    )
    mistaken = first.join(later, on="instrument_id").filter(
        pl.col("expiration") != pl.col("expiration_right")
    )
    assert mistaken.height > 0
    assert set(mistaken["expiration"]) == set(chain["expiration"])
    assert mistaken["ts_recv_right"].max() < new_york_ns(TUESDAY, time(9, 30))


def test_user_defined_instruments_would_pass_a_careless_filter(
    files: dict[date, SessionFiles], bronze: Path
) -> None:
    definitions = feed(bronze, "options/definition", TUESDAY)
    own = definitions.filter(user_defined_instrument="Y")
    assert set(own["instrument_class"]) == {"C", "P", "T"}
    assert own["symbol"].str.starts_with("UD:1V: ").all()
    singles = own.filter(pl.col("instrument_class") != "T")
    chain = universe(bronze, TUESDAY).filter(expires=TUESDAY)
    assert set(singles["expiration"]) == set(chain["expiration"])
    assert set(singles["strike_price"]) <= set(chain["strike_price"])
    for path in ("options/nbbo", "options/trades", "options/statistics"):
        assert set(feed(bronze, path, TUESDAY)["symbol"]) & set(singles["symbol"])
    spread = raw(files[TUESDAY], "definition")
    spread = spread[spread["instrument_class"] == b"T"]
    assert {leg.decode() for leg in spread["leg_raw_symbol"]} < set(chain["symbol"])


def test_definitions_hold_the_vendors_oddities(files: dict[date, SessionFiles]) -> None:
    found = raw(files[QUARTERLY], "definition")
    assert set(found["unit_of_measure_qty"]) == {50 * POINT}
    assert set(found["contract_multiplier"]) == {2**31 - 1}
    assert set(found["group"]) == {b"EW"}
    assert found["ts_recv"].min() == utc_midnight_ns(QUARTERLY)
    age_days = (found["ts_recv"] - found["ts_event"]) / (86_400 * 10**9)
    assert np.count_nonzero(age_days >= 7) > 5
    listed = found[found["instrument_class"] != b"T"]
    ids, times = np.unique(listed["instrument_id"], return_counts=True)
    assert len(ids) > np.count_nonzero(times > 1) > 5
    american = {cfi for cfi in found["cfi"] if cfi[2:3] == b"A"}
    assert american == {b"OCAFPS", b"OPAFPS"}
    assert {asset for asset, cfi in found[["asset", "cfi"]] if cfi in american} == {b"ES"}


def test_roots_are_where_the_downloader_looks() -> None:
    for day, hours in CALENDAR.items():
        if day.year in (2025, 2026) and hours.has_rth:
            session = session_of(day, hours)
            listed = listings(day, CALENDAR)
            series = option_series(session, CALENDAR, listed, lambda future: 6800.0, TINY)
            today = [one.parent for one in series if one.expiry == day]
            cash = partial(has_cash_session, CALENDAR)
            assert set(today) <= set(candidate_parents(day, cash)), day


def has_cash_session(calendar: dict, day: date) -> bool:
    return day in calendar and calendar[day].has_rth


@pytest.mark.parametrize(("book_rows", "strikes"), [(TINY, 25), (300_000, 61), (10**7, 401)])
def test_strikes_lie_every_five_points_and_wider_far_away(book_rows: int, strikes: int) -> None:
    session = session_of(TUESDAY, CALENDAR[TUESDAY])
    listed = listings(TUESDAY, CALENDAR)
    chain = option_series(session, CALENDAR, listed, lambda future: 6812.0, book_rows)[0]
    assert len(chain.strikes) == strikes
    steps = np.diff(chain.strikes)
    assert set(steps) == {5, 25}
    assert np.all(steps[len(steps) // 10 : -len(steps) // 10] == 5)
    assert chain.strikes[strikes // 2] == 6810
    ids = [option.instrument_id for option in chain.options]
    assert len(set(ids)) == 2 * strikes


def test_quotes_are_many_near_the_money_and_in_the_cash_session(bronze: Path) -> None:
    rows = quotes(bronze, TUESDAY)
    assert 0.85 * 30_000 < feed(bronze, "options/nbbo", TUESDAY).height < 1.15 * 30_000
    bounds = [new_york_ns(TUESDAY, clock) for clock in (time(9, 30), time(16))]
    assert rows["ts_recv"].is_between(*bounds).mean() > 0.8
    assert (rows["ts_recv"] < bounds[0]).sum() > 1_000
    assert ((rows["strike"] - rows["future"]).abs() < 40).mean() > 0.6


def test_prices_lie_on_ticks_and_spreads_widen(bronze: Path) -> None:
    rows = quotes(bronze, TUESDAY)
    for side in ("bid", "ask"):
        price = rows[f"{side}_px_00"].drop_nulls()
        assert (price > 0).all()
        assert (price % 50_000_000 == 0).all()
        assert (price.filter(price >= 10 * POINT) % 250_000_000 == 0).all()
        there = pl.col(f"{side}_px_00").is_not_null()
        assert rows.filter(there)[f"{side}_sz_00"].min() > 0
        assert rows.filter(~there)[f"{side}_sz_00"].max() == 0
    spread = rows.drop_nulls(["bid", "ask"]).with_columns(spread=pl.col("ask") - pl.col("bid"))
    cheap, dear = (spread.filter(rule)["spread"].median() for rule in CHEAP_AND_DEAR)
    assert cheap < dear


CHEAP_AND_DEAR = (pl.col("bid") < 5, pl.col("bid") > 50)


def test_quotes_have_the_flaws_of_real_ones(bronze: Path) -> None:
    rows = quotes(bronze, TUESDAY)
    no_bid, no_ask = rows["bid"].is_null(), rows["ask"].is_null()
    assert (no_bid & no_ask).sum() > 0
    assert (no_bid & ~no_ask).sum() > 0
    assert (~no_bid & no_ask).sum() > 0
    assert (rows["bid"] == rows["ask"]).sum() > 0
    assert 0 < (rows["bid"] > rows["ask"]).sum() < 0.01 * rows.height
    quoted = rows["instrument_id"].n_unique()
    assert 0.8 * 100 < quoted < universe(bronze, TUESDAY).height == 100
    in_the_money = pl.when(right="C").then(1).otherwise(-1) * (pl.col("future") - pl.col("strike"))
    below = rows.filter((pl.col("bid") + pl.col("ask")) / 2 < in_the_money - 0.5)
    assert below.height > 0
    assert below.select(in_the_money.min()).item() > 10
    near = rows.filter(
        (pl.col("strike") - pl.col("future")).abs() < 15,
        pl.col("ts_recv") > new_york_ns(TUESDAY, time(9, 30)),
    )
    silence = near.select(pl.col("ts_recv").diff().over("instrument_id").max()).item()
    assert silence > 180 * 10**9


def test_only_the_series_of_the_open_is_quoted_after_it_expired(bronze: Path) -> None:
    rows = quotes(bronze, QUARTERLY).filter(pl.col("ts_event") >= pl.col("expiration"))
    assert rows.height > 0
    assert set(rows["expiration"]) == {new_york_ns(QUARTERLY, time(9, 30))}
    late = feed(bronze, "options/trades", QUARTERLY).join(
        universe(bronze, QUARTERLY), on="instrument_id"
    )
    assert (late["ts_event"] < late["expiration"]).all()


def test_every_trade_hits_the_quote_that_is_shown(files: dict[date, SessionFiles]) -> None:
    trades, shown = raw(files[TUESDAY], "trades"), raw(files[TUESDAY], "mbp-1")
    at = np.flatnonzero(shown["action"] == b"T")
    for field in ("instrument_id", "ts_event", "ts_recv", "price", "size", "side", "sequence"):
        assert np.array_equal(trades[field], shown[field][at]), field
    assert 0.8 * 1_500 < len(trades) < 1.2 * 1_500
    assert not np.any(trades["flags"] & 128)
    assert set(trades["side"]) == {b"A", b"B", b"N"}
    assert trades["size"].min() == 1
    assert 10 < trades["size"].max() <= 50
    before, during, after = shown[at - 1], shown[at], shown[at + 1]
    for name, aggressor in (("bid", b"A"), ("ask", b"B")):
        hit = during["side"] == aggressor
        assert np.array_equal(during["price"][hit], during[f"{name}_px_00"][hit])
        size = f"{name}_sz_00"
        assert np.array_equal(before[size], during[size])
        left = during[size].astype(int) - during["size"] * (during["side"] == aggressor)
        assert np.array_equal(left[during["side"] != b"N"], after[size][during["side"] != b"N"])


@pytest.mark.parametrize("day", DAYS)
def test_put_call_parity_holds_within_the_spread(bronze: Path, day: date) -> None:
    """Against the book of the delivered future: what both options say must enclose its price."""
    rows = quotes(bronze, day).filter(
        pl.col("ask") > pl.col("bid"), pl.col("ts_event") < pl.col("expiration")
    )
    keys = ["strike", "expiration", "underlying"]
    pairs = (
        rows.filter(right="C")
        .sort("ts_recv")
        .join_asof(
            rows.filter(right="P").sort("ts_recv"),
            on="ts_recv",
            by=keys,
            strategy="backward",
            tolerance=10**9,
            check_sortedness=False,
        )
        .drop_nulls("ask_right")
        .with_columns(
            low=pl.col("bid") - pl.col("ask_right") + pl.col("strike"),
            high=pl.col("ask") - pl.col("bid_right") + pl.col("strike"),
            moved=0.25 + (pl.col("future") - pl.col("future_right")).abs(),
        )
    )
    held = pl.col("future").is_between(
        pl.col("low") - pl.col("moved"), pl.col("high") + pl.col("moved")
    )
    assert pairs.height > 100
    assert pairs.select(held.mean()).item() > 0.985


def black76_call(forward: float, strike: float, total: float) -> float:
    d1 = np.log(forward / strike) / total + total / 2
    return float(forward * ndtr(d1) - strike * ndtr(d1 - total))


def test_the_smile_comes_back_from_the_quotes(bronze: Path) -> None:
    """Implied volatility of out-of-the-money quotes, by an inversion of its own."""
    window = [new_york_ns(TUESDAY, clock) for clock in (time(10), time(13))]
    rows = quotes(bronze, TUESDAY).filter(
        pl.col("ts_recv").is_between(*window),
        pl.col("expires") == TUESDAY,
        (pl.col("right") == "C") == (pl.col("strike") >= pl.col("future")),
        pl.col("ask") > pl.col("bid"),
        pl.col("bid") >= 1,
    )
    session = session_of(TUESDAY, CALENDAR[TUESDAY])
    path = volatility_path(generator(SEED, TUESDAY, Stream.OPTION_VOLATILITY), session)
    implied, expected, side = [], [], []
    for row in rows.iter_rows(named=True):
        years = (row["expiration"] - row["ts_recv"]) / YEAR_NS
        forward, strike, root_t = row["future"], row["strike"], np.sqrt(years)
        middle = (row["bid"] + row["ask"]) / 2
        call = middle if row["right"] == "C" else middle + forward - strike

        def error(sigma: float, at: tuple = (forward, strike, root_t, call)) -> float:
            return black76_call(at[0], at[1], sigma * at[2]) - at[3]

        implied.append(brentq(error, 1e-3, 5))
        second = np.searchsorted(session.seconds_ns, row["ts_event"], side="right") - 1
        at_the_money = path[second]
        expected.append(smile(at_the_money, forward, strike, np.array(years)))
        side.append((strike - forward) / forward / (at_the_money * root_t))
    assert len(implied) > 500
    deviation = np.abs(np.array(implied) - np.array(expected))
    assert np.median(deviation) < 0.005
    assert np.quantile(deviation, 0.95) < 0.02
    assert years_left(10 * YEAR_NS, np.array(8 * YEAR_NS)) == 2
    puts, calls = (np.array(implied)[np.array(side) * sign > 0.8] for sign in (-1, 1))
    assert np.median(puts) > np.median(calls) + 0.005


def test_open_interest_comes_before_the_open_for_most_and_late_for_some(bronze: Path) -> None:
    statistics = feed(bronze, "options/statistics", TUESDAY)
    assert {3, 6, 9} == set(statistics["stat_type"])
    settled = statistics.filter(stat_type=3)
    assert settled["quantity"].null_count() == settled.height
    assert settled["price"].null_count() == 0
    interest = statistics.filter(stat_type=9)
    assert interest["price"].null_count() == interest.height
    assert set(interest["update_action"]) == {1, 2}
    assert statistics["ts_recv"].n_unique() == statistics.height
    listed = universe(bronze, TUESDAY).select("instrument_id")
    known = interest.drop_nulls("quantity").join(listed, on="instrument_id")
    first = known.group_by("instrument_id").agg(pl.col("ts_recv").min())["ts_recv"]
    opening = new_york_ns(TUESDAY, time(9, 30))
    assert (first < opening).mean() > 0.8
    late = first.filter(first >= opening)
    assert 0 < late.len() < 0.2 * listed.height
    assert (late - new_york_ns(TUESDAY, time(10, 15))).is_between(0, 60 * 10**9).all()
    assert 0 < listed.height - first.len() < 0.15 * listed.height
    assert interest["quantity"].null_count() > 0
    changed = known.group_by("instrument_id").agg(pl.col("quantity").n_unique())
    assert (changed["quantity"] > 1).sum() > 0
    assert known["quantity"].min() >= 0


def test_the_half_day_is_quoted_to_its_early_close(bronze: Path) -> None:
    rows = quotes(bronze, HALF_DAY).filter(expires=HALF_DAY)
    close = new_york_ns(HALF_DAY, time(13))
    assert close - 600 * 10**9 < rows["ts_event"].max() < close
    clock = datetime.fromtimestamp(rows["expiration"][0] // 10**9, NEW_YORK).time()
    assert clock == time(13)


def test_options_take_nothing_from_the_futures(
    files: dict[date, SessionFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other files are the same bytes without the options, which have random streams alone."""

    class NoOptions:
        def __init__(self, *arguments: object) -> None: ...

        def write(self, folder: Path) -> OptionFiles:
            return OptionFiles((), 0, 0)

    monkeypatch.setattr(market_module, "OptionMarket", NoOptions)
    without = Market(SEED, TINY, CALENDAR).write(TUESDAY, tmp_path)
    assert len(without.paths) == 4
    for path, same in zip(without.paths, files[TUESDAY].paths, strict=True):
        assert path.name == same.name
        assert path.read_bytes() == same.read_bytes()


def test_a_contract_is_the_same_instrument_on_both_of_its_dates() -> None:
    """What is listed for tomorrow keeps its symbol and id when tomorrow comes."""
    known = {}
    for day in (TUESDAY, date(2025, 12, 17)):
        session = session_of(day, CALENDAR[day])
        listed = listings(day, CALENDAR)
        assert isinstance(listed[0].instrument, Outright)
        series = option_series(session, CALENDAR, listed, lambda future: 6800.0, TINY)
        known[day] = {
            (option.symbol, option.instrument_id)
            for one in series
            if one.expiry == date(2025, 12, 17) and not one.is_user_defined
            for option in one.options
        }
    assert known[TUESDAY] == known[date(2025, 12, 17)]
    assert len(known[TUESDAY]) == 50
