"""What a file's window says, and what it is not believed."""

from __future__ import annotations

import json
import time
from datetime import date

import numpy as np
import pytest
from dbn_files import (
    Interval,
    Mapping,
    manifest,
    new_york,
    partition,
    partition_names,
    trades,
    write,
)

from es_physics.calendar import DAY_NS, default_calendar
from ingest.importer import ImportResult, import_paths
from ingest.reading import as_ranges, from_ranges

DAY = "2025-12-16"
T0 = new_york("2025-12-16 09:30")
TIMES = T0 + 10**9 * np.arange(10)


def quiet(paths, root, **options) -> ImportResult:
    return import_paths(paths, root, report=lambda _: None, **options)


def mapped(first: date, end: date) -> list[Mapping]:
    return [Mapping("ESZ5", [Interval(first, end, "5602")])]


def test_a_window_of_many_years_is_not_taken_for_silence(tmp_path) -> None:
    start, end = new_york("2009-12-16 00:00"), new_york("2025-12-20 00:00")
    rows = trades(TIMES[:1])
    path = write(tmp_path / "in.dbn", "trades", rows, start=start, end=end)
    result = quiet([path], tmp_path / "b")
    assert result.exit_code == 0
    assert partition_names(tmp_path / "b") == [f"futures/trades {DAY}"]
    assert len(result.warnings) == 1
    assert "records on 1 of these" in result.warnings[0]
    folder = tmp_path / f"b/futures/trades/root=ES/date={DAY}"
    assert (folder / "_manifest.json").stat().st_size < 5_000


@pytest.mark.parametrize("bit", range(44, 60))
def test_a_flipped_bit_of_the_windows_end_lands_no_silence(tmp_path, bit) -> None:
    """The window is believed as far as the symbols are mapped, which is on all of its dates."""
    end = new_york("2025-12-16 19:00")
    about = {
        "start": end - DAY_NS,
        "mappings": mapped(date(2025, 12, 16), date(2025, 12, 17)),
    }
    path = write(tmp_path / "in.dbn", "trades", trades(TIMES), end=end ^ (1 << bit), **about)
    result = quiet([path], tmp_path / "b")
    assert set(partition_names(tmp_path / "b")) <= {f"futures/trades {DAY}"}
    if result.errors:
        return
    start, last = manifest(tmp_path / "b", "futures/trades", DAY)["coverage"][0]
    whole = new_york("2025-12-16 17:00")
    assert start == end - DAY_NS
    assert last <= whole
    # What cannot be seen is a window that is too short, and still holds the records.
    assert len(result.warnings) == ((end ^ (1 << bit)) > end or last < TIMES[-1])


def test_nothing_is_said_of_the_future(tmp_path) -> None:
    now = np.datetime64("now", "ns").astype(np.int64)
    window = {"start": int(now) - 5 * DAY_NS, "end": int(now) + 20 * DAY_NS}
    path = write(tmp_path / "in.dbn", "trades", trades([]), **window)
    assert quiet([path], tmp_path / "b").errors == []
    names = partition_names(tmp_path / "b")
    assert names
    assert all(name.split()[1] <= str(np.datetime64("today")) for name in names)


def test_a_month_with_a_few_silent_dates_is_believed(tmp_path) -> None:
    days = default_calendar().between(date(2025, 11, 3), date(2025, 11, 28))
    with_rows = [new_york(f"{day} 10:00") for day in days[::2]]
    window = {"start": new_york("2025-11-02 18:00"), "end": new_york("2025-11-28 17:00")}
    path = write(tmp_path / "in.dbn", "trades", trades(with_rows), **window)
    assert quiet([path], tmp_path / "b").warnings == []
    assert partition_names(tmp_path / "b") == [f"futures/trades {day}" for day in days]


def test_records_outside_the_window_are_landed_and_said(tmp_path) -> None:
    window = {"start": int(TIMES[2]), "end": int(TIMES[7])}
    path = write(tmp_path / "in.dbn", "trades", trades(TIMES), **window)
    result = quiet([path], tmp_path / "b")
    assert (result.exit_code, result.rows) == (0, 10)
    assert len(result.warnings) == 1
    assert "5 of its 10 records lie outside the window" in result.warnings[0]


def test_records_out_of_order_are_sorted_and_said(tmp_path) -> None:
    path = write(tmp_path / "in.dbn", "trades", trades(TIMES[::-1]))
    result = quiet([path], tmp_path / "b")
    assert result.warnings == [
        f"{path}: its records are not in the order of ts_recv; they have been sorted"
    ]


def test_letters_that_the_format_does_not_know_are_said(tmp_path) -> None:
    rows = trades(TIMES)
    rows["action"][3], rows["side"][4:6] = b"Q", b"\x01"
    result = quiet([write(tmp_path / "in.dbn", "trades", rows)], tmp_path / "b")
    assert [line.split(": ", 1)[1] for line in result.warnings] == [
        "1 of its 10 records have an unknown action; they have been landed",
        "2 of its 10 records have an unknown side; they have been landed",
    ]


def test_a_window_that_ends_before_it_begins_is_damage(tmp_path) -> None:
    path = write(tmp_path / "in.dbn", "trades", trades(TIMES), start=T0 + 10, end=T0)
    result = quiet([path], tmp_path / "b")
    assert len(result.errors) == 1
    assert "before it begins" in result.errors[0]


def test_a_weekend_without_records_is_left_out(tmp_path) -> None:
    window = {"start": new_york("2025-12-13 00:00"), "end": new_york("2025-12-14 00:00")}
    path = write(tmp_path / "in.dbn", "trades", trades([]), **window)
    result = quiet([path], tmp_path / "b")
    assert (result.exit_code, result.errors) == (0, [])
    assert "holds no records" in result.left_out[0]


@pytest.mark.parametrize("jumps", [False, True])
def test_many_dates_in_one_file_take_few_open_files(tmp_path, monkeypatch, jumps) -> None:
    monkeypatch.setattr("ingest.reading._OPEN_WRITERS", 3)
    monkeypatch.setattr("ingest.dbn._CHUNK_BYTES", 48 * 16)
    days = default_calendar().between(date(2025, 6, 2), date(2025, 9, 30))
    moments = np.array([new_york(f"{day} 10:00") + n for n in range(3) for day in days])
    if not jumps:
        moments = np.sort(moments)
    path = write(tmp_path / "in.dbn", "trades", trades(moments))
    result = quiet([path], tmp_path / "b")
    assert (result.errors, result.written) == ([], len(days))
    for day in days:
        rows = partition(tmp_path / "b", "futures/trades", str(day))
        expected = np.sort(
            moments[[new_york(f"{day} 00:00") < m < new_york(f"{day} 17:00") for m in moments]]
        )
        assert rows["ts_recv"].to_pylist() == expected.tolist()
    source = manifest(tmp_path / "b", "futures/trades", str(days[0]))["sources"][0]
    assert source["partitions"] == [["futures/trades", str(days[0]), str(days[-1])]]
    assert quiet([path], tmp_path / "b").up_to_date == len(days)


def test_ranges_of_partitions_come_back_as_they_were() -> None:
    calendar = default_calendar()
    days = calendar.between(date(2025, 11, 20), date(2025, 12, 5))
    for left_out in (0, 1, 3, len(days) - 1):
        kept = {("futures/trades", day) for day in days if day != days[left_out]}
        kept |= {("options/nbbo", days[2])}
        assert from_ranges(as_ranges(kept, calendar), calendar) == kept


def test_a_manifest_stays_small_whatever_was_asked_for(tmp_path) -> None:
    symbols = tuple(f"E3AZ5 C{strike}" for strike in range(5000, 9000))
    ids = {7000 + n: symbol for n, symbol in enumerate(symbols)}
    rows = trades(TIMES, instrument_id=7001)
    path = write(tmp_path / "in.dbn", "trades", rows, ids=ids, symbols=symbols)
    quiet([path], tmp_path / "b")
    text = json.dumps(manifest(tmp_path / "b", "options/trades", DAY))
    assert len(text) < 10_000
    assert manifest(tmp_path / "b", "options/trades", DAY)["sources"][0]["symbol_count"] == 4000


def test_records_of_the_future_are_said(tmp_path) -> None:
    ahead = time.time_ns() + 3 * 86_400 * 10**9
    mappings = [Mapping("ESZ5", [Interval(date(2020, 1, 1), date(2099, 1, 1), "5602")])]
    source = write(tmp_path / "a.dbn", "trades", trades([ahead]), mappings=mappings)
    result = import_paths([source], tmp_path / "b", report=lambda _: None)
    assert result.warnings == [f"{source}: it has records of the future; they have been landed"]
