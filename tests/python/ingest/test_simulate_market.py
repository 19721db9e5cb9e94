"""The simulated market's DBN files: genuine, deterministic, and a book that adds up."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import databento as db
import numpy as np
import pyarrow.parquet as pq
import pytest

from es_physics.bronze.feeds import BOOK_LEVELS
from es_physics.calendar import default_calendar, utc_midnight_ns
from ingest.simulate.hours import Days, new_york_ns, session_of
from ingest.simulate.instruments import listings
from ingest.simulate.market import Market
from ingest.simulate.price_path import daily_closes

F_LAST, F_SNAPSHOT, F_MAYBE_BAD_BOOK = 128, 32, 4
UNDEF_PRICE = 2**63 - 1
TICK = 250_000_000
TINY = 30_000
DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def calendar() -> Days:
    return default_calendar().days


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, calendar: Days) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    Market(7, TINY, calendar).write(DAY, folder)
    return folder


def file_of(folder: Path, schema: str, day: date = DAY) -> Path:
    return folder / f"ES.FUT.{schema}.{day}.dbn.zst"


def records(folder: Path, schema: str, day: date = DAY) -> np.ndarray:
    return db.DBNStore.from_file(file_of(folder, schema, day)).to_ndarray()


def ids(folder: Path, day: date = DAY) -> dict[str, int]:
    store = db.DBNStore.from_file(file_of(folder, "trades", day))
    return {symbol: int(spans[0]["symbol"]) for symbol, spans in store.mappings.items()}


def cash_open_ns(year: int, month: int, day: int) -> int:
    return new_york_ns(date(year, month, day), time(9, 30))


def sides(row: np.void) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Price, size and count of the levels there are, bids then asks."""
    found: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
    for levels, name in zip(found, ("bid", "ask"), strict=True):
        for n in range(BOOK_LEVELS):
            level = tuple(int(row[f"{name}_{what}_{n:02d}"]) for what in ("px", "sz", "ct"))
            if level[0] != UNDEF_PRICE:
                levels.append((level[0], level[1], level[2]))
            else:
                assert level[1:] == (0, 0)
    return found


def test_same_arguments_give_the_same_bytes_and_other_seeds_others(
    tiny: Path, tmp_path: Path, calendar: Days
) -> None:
    Market(7, TINY, calendar).write(DAY, tmp_path / "again")
    Market(8, TINY, calendar).write(DAY, tmp_path / "other")
    names = sorted(path.name for path in tiny.iterdir())
    assert len(names) == 8
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tiny / name).read_bytes()
    trades = file_of(tmp_path / "other", "trades")
    assert trades.read_bytes() != file_of(tiny, "trades").read_bytes()


def test_a_date_is_the_same_alone_and_within_a_range(
    tiny: Path, tmp_path: Path, calendar: Days
) -> None:
    market = Market(7, TINY, calendar)
    for day in (date(2025, 12, 11), DAY, date(2025, 12, 15)):
        market.write(day, tmp_path)
    for path in tiny.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_prices_go_on_from_date_to_date(tiny: Path, tmp_path: Path, calendar: Days) -> None:
    Market(7, TINY, calendar).write(date(2025, 12, 15), tmp_path)
    for symbol in ("ESZ5", "ESH6"):
        last = records(tiny, "trades")
        last = last[last["instrument_id"] == ids(tiny)[symbol]]["price"][-1]
        first = records(tmp_path, "trades", date(2025, 12, 15))
        first = first[first["instrument_id"] == ids(tiny)[symbol]]["price"][0]
        assert abs(int(first) - int(last)) <= 5_000_000_000


def test_files_are_what_the_vendor_would_send(tiny: Path, calendar: Days) -> None:
    files = Market(7, TINY, calendar).write(DAY, tiny)
    session = session_of(DAY, calendar[DAY])
    for schema, rows in (("mbp-10", files.book_rows), ("trades", files.trades)):
        store = db.DBNStore.from_file(file_of(tiny, schema))
        assert store.metadata.version == 3
        assert (store.dataset, str(store.schema)) == ("GLBX.MDP3", schema)
        assert (str(store.stype_in), str(store.stype_out)) == ("parent", "instrument_id")
        assert store.symbols == ["ES.FUT"]
        assert (store.metadata.start, store.metadata.end) == (session.open_ns, session.close_ns)
        found = store.to_ndarray()
        assert len(found) == rows > 1_000
        assert set(store.to_df()["symbol"]) == {"ESZ5", "ESH6", "ESZ5-ESH6"}
        recv = found["ts_recv"].astype(np.int64)
        assert np.all(np.diff(recv) >= 0)
        assert np.all(np.diff(found["sequence"].astype(np.int64)) > 0)
        assert np.all(found["ts_event"] <= found["ts_recv"])
        assert recv[0] >= session.open_ns
        assert recv[-1] < session.close_ns
        live = found[(found["flags"] & F_SNAPSHOT) == 0]
        latency = (live["ts_recv"] - live["ts_event"]).astype(np.int64)
        assert 20_000 < np.median(latency) < 80_000


def test_definitions_say_what_matters(tiny: Path) -> None:
    found = records(tiny, "definition")
    first = {record["raw_symbol"]: record for record in found[::-1]}
    assert set(first) == {b"ESZ5", b"ESH6", b"ESZ5-ESH6"}
    assert len(found) > len(first)
    near, far, spread = first[b"ESZ5"], first[b"ESH6"], first[b"ESZ5-ESH6"]
    assert int(near["expiration"]) == cash_open_ns(2025, 12, 19)
    assert int(far["expiration"]) == cash_open_ns(2026, 3, 20)
    assert (near["maturity_year"], near["maturity_month"]) == (2025, 12)
    for record in (near, far):
        assert record["instrument_class"] == b"F"
        assert record["min_price_increment"] == TICK
        assert record["contract_multiplier"] == 2**31 - 1
        assert record["unit_of_measure_qty"] == 50 * 10**9
        assert (record["asset"], record["group"]) == (b"ES", b"ES")
        assert (record["security_type"], record["user_defined_instrument"]) == (b"FUT", b"N")
    assert (spread["instrument_class"], spread["min_price_increment"]) == (b"S", 50_000_000)
    legs = found[found["raw_symbol"] == b"ESZ5-ESH6"][:2]
    assert legs["leg_raw_symbol"].tolist() == [b"ESZ5", b"ESH6"]
    assert found["ts_recv"].min() == utc_midnight_ns(DAY)


def test_every_trade_is_a_t_row_and_the_other_way_round(tiny: Path) -> None:
    trades, book = records(tiny, "trades"), records(tiny, "mbp-10")
    shown = book[book["action"] == b"T"]
    fields = ("instrument_id", "ts_event", "ts_recv", "price", "size", "side", "sequence", "depth")
    assert len(trades) > 1_000
    for field in fields:
        assert np.array_equal(trades[field], shown[field]), field
    assert not np.any(trades["flags"] & F_LAST)
    assert np.all(trades["size"] > 0)
    assert set(trades["side"]) == {b"A", b"B", b"N"}
    opening = trades[trades["instrument_id"] == ids(tiny)["ESZ5"]][0]
    assert opening["side"] == b"N"


def test_sizes_are_small_with_a_heavy_tail(tiny: Path) -> None:
    sizes = records(tiny, "trades")["size"]
    assert np.median(sizes) <= 6
    assert sizes.max() >= 10 * np.median(sizes)


@pytest.mark.parametrize("symbol", ["ESZ5", "ESH6", "ESZ5-ESH6"])
def test_each_row_follows_from_the_row_before_it(tiny: Path, symbol: str) -> None:
    """Replays the whole book by action, side, price, size and depth."""
    book = records(tiny, "mbp-10")
    book = book[book["instrument_id"] == ids(tiny)[symbol]]
    before: tuple[list, list] = ([], [])
    seen: dict[bytes, int] = {}
    for n, row in enumerate(book):
        action, now = row["action"], sides(row)
        seen[action] = seen.get(action, 0) + 1
        if action == b"R":
            assert now == ([], [])
        elif action in (b"T", b"N"):
            assert now == before
        else:
            at = b"BA".index(row["side"])
            assert now[1 - at] == before[1 - at]
            assert now[at] == expected(before[at], now[at], row)
        if action == b"T":
            after = book[n + 1]
            assert after["ts_recv"] == row["ts_recv"]
            assert after["action"] in (b"C", b"M")
            assert after["size"] == row["size"]
            if row["side"] != b"N":
                assert row["price"] == after["price"]
                assert row["side"] != after["side"]
        prices = [[level[0] for level in side] for side in now]
        assert prices[0] == sorted(set(prices[0]), reverse=True)
        assert prices[1] == sorted(set(prices[1]))
        assert all(0 < count <= size for side in now for _, size, count in side)
        before = now
    assert seen[b"R"] == 2
    assert min(seen[b"A"], seen[b"C"]) > 10 * BOOK_LEVELS
    assert seen[b"T"] > 0
    assert seen.get(b"M", 0) > 0 or symbol != "ESZ5"


def expected(
    before: list[tuple[int, int, int]], now: list[tuple[int, int, int]], row: np.void
) -> list[tuple[int, int, int]]:
    """The side's levels after the row's action; a tenth level that comes into view is free."""
    depth, price, size = int(row["depth"]), int(row["price"]), int(row["size"])
    levels = list(before)
    if row["action"] == b"A" and (depth == len(levels) or levels[depth][0] != price):
        assert now[depth][:2] == (price, size)
        levels.insert(depth, now[depth])
        return levels[:BOOK_LEVELS]
    assert levels[depth][0] == price
    gained = now[depth][1] - levels[depth][1]
    orders = now[depth][2] - levels[depth][2]
    if row["action"] == b"C" and levels[depth][1] == size:
        del levels[depth]
        return levels + now[len(levels) :]
    if row["action"] == b"A":
        assert (gained, orders > 0) == (size, True)
    elif row["action"] == b"C":
        assert (gained, orders < 0) == (-size, True)
    else:
        assert (abs(gained), orders) == (size, 0)
    levels[depth] = now[depth]
    return levels


def test_books_cross_only_before_the_opening_print(tiny: Path, calendar: Days) -> None:
    book = records(tiny, "mbp-10")
    outright = np.isin(book["instrument_id"], [ids(tiny)["ESZ5"], ids(tiny)["ESH6"]])
    two_sided = (book["bid_px_00"] != UNDEF_PRICE) & (book["ask_px_00"] != UNDEF_PRICE)
    crossed = outright & two_sided & (book["bid_px_00"] >= book["ask_px_00"])
    first_second = book["ts_recv"] < session_of(DAY, calendar[DAY]).open_ns + 10**9
    assert np.count_nonzero(crossed) >= 4
    assert np.all(first_second[crossed])
    regular = outright & ~first_second & (book["action"] != b"R")
    full = regular & ((book["flags"] & F_SNAPSHOT) == 0)
    assert np.all(book["bid_px_09"][full] != UNDEF_PRICE)
    assert np.all(book["ask_px_09"][full] != UNDEF_PRICE)
    assert np.all(book["bid_px_00"][full] % TICK == 0)


def test_a_clear_is_followed_by_an_older_snapshot_and_preceded_by_bad_rows(tiny: Path) -> None:
    book = records(tiny, "mbp-10")
    bad = np.flatnonzero(book["flags"] & F_MAYBE_BAD_BOOK)
    assert 1 <= len(bad) <= 50
    one = book[book["instrument_id"] == ids(tiny)["ESZ5"]]
    clears = np.flatnonzero(one["action"] == b"R")
    assert clears[0] == 0
    snapshot = one[clears[1] + 1 : clears[1] + 1 + 2 * BOOK_LEVELS]
    assert np.all(snapshot["flags"] & F_SNAPSHOT)
    assert np.all(snapshot["action"] == b"A")
    assert np.all(snapshot["ts_event"] < one["ts_event"][clears[1]])
    assert one["flags"][clears[1] + 1 + 2 * BOOK_LEVELS] & F_SNAPSHOT == 0
    assert sides(snapshot[-1]) == sides(one[clears[1] - 1])
    assert np.count_nonzero(one["action"] == b"N") >= 1


def test_bursts_share_a_timestamp_and_end_with_the_last_flag(tiny: Path) -> None:
    book = records(tiny, "mbp-10")
    together = (book["ts_recv"][1:] == book["ts_recv"][:-1]) & (
        book["instrument_id"][1:] == book["instrument_id"][:-1]
    )
    assert np.count_nonzero(together) > 0.1 * len(book)
    last = (book["flags"][:-1] & F_LAST) != 0
    snapshot = (book["flags"][1:] & F_SNAPSHOT) != 0
    assert np.array_equal(last[~snapshot], ~together[~snapshot])


@pytest.mark.parametrize(
    ("day", "halt_et"),
    [
        (date(2025, 12, 24), "13:15"),
        (date(2025, 11, 27), "13:00"),
        (date(2025, 1, 9), "09:30"),
    ],
)
def test_short_days_end_early(tmp_path: Path, calendar: Days, day: date, halt_et: str) -> None:
    Market(7, TINY, calendar).write(day, tmp_path)
    halt_ns = new_york_ns(day, time.fromisoformat(halt_et))
    for schema in ("trades", "mbp-10"):
        last = int(records(tmp_path, schema, day)["ts_recv"][-1])
        assert halt_ns - 600 * 10**9 < last < halt_ns
    assert (tmp_path / f"SPX.{day}.parquet").exists() == calendar[day].has_rth


def test_nothing_happens_during_the_outage(tmp_path: Path, calendar: Days) -> None:
    day = date(2025, 11, 28)
    Market(7, TINY, calendar).write(day, tmp_path)
    recv = records(tmp_path, "mbp-10", day)["ts_recv"].astype(np.int64)
    start = utc_midnight_ns(day) + 3 * 3_600 * 10**9
    end = start + (10 * 3_600 + 1_800) * 10**9
    # What happened in the last moment before it may arrive a little later.
    assert not np.any((recv >= start + 10**8) & (recv < end))
    assert np.any(recv < start)
    assert np.any(recv > end)


def test_an_expiring_contract_stops_at_its_expiration(tmp_path: Path, calendar: Days) -> None:
    day = date(2025, 12, 19)
    Market(7, TINY, calendar).write(day, tmp_path)
    book, known = records(tmp_path, "mbp-10", day), ids(tmp_path, day)
    last = {s: int(book["ts_recv"][book["instrument_id"] == i][-1]) for s, i in known.items()}
    assert last["ESZ5"] < cash_open_ns(2025, 12, 19) < last["ESH6"]
    near, far, _ = listings(date(2025, 12, 22), calendar)
    assert (near.instrument.symbol, far.instrument.symbol) == ("ESH6", "ESM6")
    assert near.instrument.instrument_id == known["ESH6"]
    # The third Friday of June 2026 is a holiday.
    assert far.instrument.expiration_ns == cash_open_ns(2026, 6, 18)


def test_closes_do_not_depend_on_how_long_the_calendar_is(calendar: Days) -> None:
    shorter = {day: row for day, row in calendar.items() if day.year < 2026}
    longer = daily_closes(7, calendar)
    assert {day: close for day, close in longer.items() if day in shorter} == daily_closes(
        7, shorter
    )


def test_spx_is_an_echo_of_the_front_months_mid_where_a_lag_is_given(
    tiny: Path, tmp_path: Path, calendar: Days
) -> None:
    """Each change of the mid in session is one of SPX, 395 to 400 ms later; nothing else is."""
    Market(7, TINY, calendar, spx_lag_ms=400).write(DAY, tmp_path)
    book = records(tmp_path, "mbp-10", DAY)
    assert np.array_equal(book, records(tiny, "mbp-10", DAY))
    front = ids(tmp_path, DAY)["ESZ5"]
    rows = book[(book["instrument_id"] == front) & (book["action"] != b"T")]
    bid, ask = rows["bid_px_00"], rows["ask_px_00"]
    shown = (bid != UNDEF_PRICE) & (ask != UNDEF_PRICE) & (bid < ask)
    rows, mid = rows[shown], ((bid + ask) // 2)[shown]
    moved = np.append(True, np.diff(mid) != 0)
    ts, mid = rows["ts_recv"].astype(np.int64)[moved], mid[moved]
    spx = pq.read_table(tmp_path / f"SPX.{DAY}.parquet")
    recv, price = spx["ts_recv"].to_numpy(), spx["price"].to_numpy()
    first = int(np.searchsorted(ts + 400_000_000, recv[0]))
    ts, mid = ts[first : first + len(recv)], mid[first : first + len(recv)]
    assert np.array_equal(np.diff(price), np.diff(mid))
    assert ((recv - ts >= 395_000_000) & (recv - ts <= 400_000_000)).all()
    assert recv[0] >= cash_open_ns(2025, 12, 12)
    assert len(recv) > 1_000


def test_spx_is_a_price_a_second_of_the_cash_session(tiny: Path) -> None:
    spx = pq.read_table(tiny / f"SPX.{DAY}.parquet")
    recv = spx["ts_recv"].to_numpy()
    assert spx.num_rows == 390 * 60
    assert np.all(np.diff(recv) > 0)
    assert recv[0] >= cash_open_ns(2025, 12, 12)
    assert np.all(spx["price"].to_numpy() % 10_000_000 == 0)
