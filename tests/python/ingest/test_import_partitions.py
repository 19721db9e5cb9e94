"""How files become partitions: merged by content, idempotent, replaced only on purpose."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from dbn_files import (
    IDS,
    OPTION_IDS,
    definitions,
    manifest,
    new_york,
    partition,
    partition_names,
    records,
    trades,
    tree,
    write,
)

from es_physics.calendar import trade_date_interval
from ingest.importer import import_paths

DAY = "2025-12-16"
TRADES = f"futures/trades {DAY}"
T0 = new_york("2025-12-16 09:30")
SECOND = 10**9


def quiet(paths, root, **options):
    return import_paths(paths, root, report=lambda _: None, **options)


def sequences(root, day: str = DAY) -> list[int]:
    return partition(root, "futures/trades", day)["sequence"].to_pylist()


@pytest.fixture
def halves(tmp_path):
    """The morning and the afternoon of one date, in two files whose names sort the wrong way."""
    morning = trades(T0 + SECOND * np.arange(5))
    later = trades(T0 + 3600 * SECOND + SECOND * np.arange(5), sequence=900 + np.arange(5))
    return [
        write(tmp_path / "in" / "z-morning.dbn.zst", "trades", morning),
        write(tmp_path / "in" / "a-afternoon.dbn", "trades", later, zstd=False),
    ]


def test_files_of_one_date_are_merged_by_time_not_by_name(halves, tmp_path) -> None:
    result = quiet([tmp_path / "in"], tmp_path / "b")
    assert (result.errors, result.written, result.rows) == ([], 1, 10)
    assert sequences(tmp_path / "b") == [*range(100, 105), *range(900, 905)]
    assert partition(tmp_path / "b", "futures/trades", DAY)["row_nr"].to_pylist() == [*range(10)]
    sources = manifest(tmp_path / "b", "futures/trades", DAY)["sources"]
    assert {source["name"]: source["rows"] for source in sources} == {
        "z-morning.dbn.zst": 5,
        "a-afternoon.dbn": 5,
    }


def test_overlapping_files_interleave_and_ties_go_by_file_then_row(tmp_path) -> None:
    first = trades(T0 + SECOND * np.array([0, 2, 2, 4]), sequence=[10, 11, 12, 13])
    other = trades(T0 + SECOND * np.array([1, 2, 3]), sequence=[20, 21, 22], instrument_id=5603)
    paths = [
        write(tmp_path / "b.dbn", "trades", first),
        write(tmp_path / "a.dbn", "trades", other),
    ]
    assert quiet(paths, tmp_path / "bronze").errors == []
    assert sequences(tmp_path / "bronze") == [10, 20, 11, 12, 21, 22, 13]
    rows = partition(tmp_path / "bronze", "futures/trades", DAY)
    assert rows["row_nr"].to_pylist() == [*range(7)]
    assert rows["symbol"].to_pylist() == ["ESZ5", "ESH6", "ESZ5", "ESZ5", "ESH6", "ESH6", "ESZ5"]


def test_an_unsorted_file_is_sorted_stably_and_says_so(tmp_path) -> None:
    times = T0 + SECOND * np.array([3, 1, 2, 1, 3])
    path = write(tmp_path / "in.dbn", "trades", trades(times))
    quiet([path], tmp_path / "b")
    assert sequences(tmp_path / "b") == [101, 103, 102, 100, 104]
    assert "sorted" in manifest(tmp_path / "b", "futures/trades", DAY)["warnings"][0]


def test_a_file_that_jumps_between_dates_ends_in_full_row_groups(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ingest.dbn._CHUNK_BYTES", 48 * 2)
    other = new_york("2025-12-17 09:30")
    times = np.array([T0, T0 + 1, other, other + 1, T0 + 2, other + 2])
    quiet([write(tmp_path / "in.dbn", "trades", trades(times))], tmp_path / "b")
    assert sequences(tmp_path / "b") == [100, 101, 104]
    assert sequences(tmp_path / "b", "2025-12-17") == [102, 103, 105]


def test_the_order_of_the_arguments_changes_no_byte(halves, tmp_path) -> None:
    overlap = trades(T0 + SECOND * np.arange(7) + 5, sequence=500 + np.arange(7))
    paths = [*halves, write(tmp_path / "in" / "m.dbn", "trades", overlap)]
    quiet(paths, tmp_path / "b0")
    expected = tree(tmp_path / "b0")
    for seed in range(4):
        random.Random(seed).shuffle(paths)
        quiet([*paths, tmp_path / "in"], tmp_path / f"b{seed + 1}")
        assert tree(tmp_path / f"b{seed + 1}") == expected


def test_importing_again_changes_nothing(halves, tmp_path) -> None:
    quiet(halves, tmp_path / "b")
    before = tree(tmp_path / "b")
    data = tmp_path / "b/futures/trades/root=ES" / f"date={DAY}" / "data.parquet"
    written = os.stat(data)
    result = quiet(halves, tmp_path / "b")
    assert (result.written, result.up_to_date, result.exit_code) == (0, 1, 0)
    assert os.stat(data).st_ino == written.st_ino
    assert tree(tmp_path / "b") == before


def test_files_that_landed_before_are_not_even_read(halves, tmp_path, monkeypatch) -> None:
    quiet(halves, tmp_path / "b")
    monkeypatch.setattr("ingest.importer.open_input", None)
    assert quiet(halves, tmp_path / "b").up_to_date == 1


def test_a_partition_that_went_missing_is_restored_from_its_files(tmp_path) -> None:
    times = [T0, new_york("2025-12-17 09:30")]
    path = write(tmp_path / "in.dbn", "trades", trades(times))
    quiet([path], tmp_path / "b")
    before = tree(tmp_path / "b")
    lost = tmp_path / "b/futures/trades/root=ES" / f"date={DAY}"
    for file in lost.iterdir():
        file.unlink()
    result = quiet([path], tmp_path / "b")
    assert (result.written, result.up_to_date) == (1, 1)
    assert tree(tmp_path / "b") == before


def test_a_damaged_partition_is_imported_again(halves, tmp_path) -> None:
    quiet(halves, tmp_path / "b")
    before = tree(tmp_path / "b")
    data = tmp_path / "b/futures/trades/root=ES" / f"date={DAY}" / "data.parquet"
    data.write_bytes(data.read_bytes()[:-1] + b"?")
    result = quiet(halves, tmp_path / "b")
    assert (result.written, len(result.warnings), result.exit_code) == (1, 1, 0)
    assert "sha256" in result.warnings[0]
    assert tree(tmp_path / "b") == before


def test_a_file_of_another_time_is_added(halves, tmp_path) -> None:
    quiet(halves, tmp_path / "at-once")
    for order in ([0, 1], [1, 0]):
        root = tmp_path / f"b{order[0]}"
        for half in order:
            result = quiet([halves[half]], root)
            assert (result.errors, result.written) == ([], 1)
        assert tree(root) == tree(tmp_path / "at-once")
        assert quiet([halves[0]], root).up_to_date == 1


def test_files_of_two_utc_days_meet_in_one_trade_date(tmp_path) -> None:
    midnight = new_york("2025-12-15 19:00")
    days = {
        "monday": (midnight - 86_400 * SECOND, midnight, midnight - 120 * SECOND),
        "tuesday": (midnight, midnight + 86_400 * SECOND, midnight),
    }
    paths = [
        write(
            tmp_path / f"{name}.dbn",
            "trades",
            trades(first + SECOND * np.arange(120)),
            start=start,
            end=end,
        )
        for name, (start, end, first) in days.items()
    ]
    quiet(paths, tmp_path / "at-once")
    for path in paths:
        assert quiet([path], tmp_path / "b").exit_code == 0
    assert len(partition(tmp_path / "b", "futures/trades", DAY)) == 240
    assert tree(tmp_path / "b") == tree(tmp_path / "at-once")

    result = quiet(paths[1:], tmp_path / "b", force=True)
    assert result.exit_code == 0
    assert result.warnings == [f"{TRADES}: no longer holds the 120 rows of monday.dbn"]


def test_an_overlapping_file_of_an_existing_date_needs_force(halves, tmp_path) -> None:
    quiet(halves[:1], tmp_path / "b")
    before = tree(tmp_path / "b")
    overlapping = trades(T0 + SECOND * np.arange(3, 9), sequence=900 + np.arange(6))
    path = write(tmp_path / "overlapping.dbn", "trades", overlapping)
    result = quiet([path], tmp_path / "b")
    assert result.exit_code == 1
    assert len(result.errors) == 1
    assert TRADES in result.errors[0]
    assert "z-morning.dbn.zst" in result.errors[0]
    assert "--force" in result.errors[0]
    assert tree(tmp_path / "b") == before

    result = quiet([path], tmp_path / "b", force=True)
    assert result.warnings == [f"{TRADES}: no longer holds the 5 rows of z-morning.dbn.zst"]
    assert sequences(tmp_path / "b") == [*range(900, 906)]


def test_one_of_the_files_of_a_date_changes_nothing(halves, tmp_path) -> None:
    quiet(halves, tmp_path / "b")
    before = tree(tmp_path / "b")
    assert quiet(halves[1:], tmp_path / "b").up_to_date == 1
    assert tree(tmp_path / "b") == before


def test_a_partition_grows_when_all_its_files_come_again_with_more(halves, tmp_path) -> None:
    quiet(halves[:1], tmp_path / "b")
    result = quiet(halves, tmp_path / "b")
    assert (result.written, result.exit_code) == (1, 0)
    quiet(halves, tmp_path / "at-once")
    assert tree(tmp_path / "b") == tree(tmp_path / "at-once")


def test_force_rewrites_the_same_bytes(halves, tmp_path) -> None:
    quiet(halves, tmp_path / "b")
    before = tree(tmp_path / "b")
    assert quiet(halves, tmp_path / "b", force=True).written == 1
    assert tree(tmp_path / "b") == before


def test_the_same_content_twice_counts_once(halves, tmp_path) -> None:
    copy = tmp_path / "copy.dbn.zst"
    copy.write_bytes(halves[0].read_bytes())
    result = quiet([halves[0], copy], tmp_path / "b")
    assert (result.rows, result.exit_code, len(result.warnings)) == (5, 0, 1)
    assert "same file" in result.warnings[0]


@pytest.mark.parametrize("overlap", [2, 10, 15])
def test_records_that_two_files_hold_are_landed_once(tmp_path, overlap) -> None:
    rows = trades(T0 + SECOND * (np.arange(30) // 2))
    one = write(tmp_path / "one.dbn", "trades", rows[:15])
    two = write(tmp_path / "two.dbn", "trades", rows[15 - overlap :])
    said: list[str] = []
    result = import_paths([one, two], tmp_path / "b", report=said.append)
    assert (result.exit_code, result.rows) == (0, 30)
    assert sequences(tmp_path / "b") == [*range(100, 130)]
    assert manifest(tmp_path / "b", "futures/trades", DAY)["repeated_rows"] == overlap
    assert said[-1] == f"{TRADES}: 30 rows written; {overlap} in several files counted once"


def test_equal_records_of_one_file_are_two(tmp_path) -> None:
    rows = trades(T0 + SECOND * np.arange(6))
    twice = np.concatenate([rows[:3], rows[2:]])
    paths = [
        write(tmp_path / "one.dbn", "trades", twice[:5]),  # the third record twice
        write(tmp_path / "two.dbn", "trades", twice[2:]),  # the third record twice
        write(tmp_path / "three.dbn", "trades", rows),
    ]
    assert quiet(paths, tmp_path / "b").rows == 7
    assert sequences(tmp_path / "b") == [100, 101, 102, 102, 103, 104, 105]


def test_records_that_differ_in_any_value_are_two(tmp_path) -> None:
    rows = trades(T0 + SECOND * np.arange(4))
    other = rows.copy()
    other["instrument_id"][0] = 5603
    other["price"][1] += 1
    other["flags"][2] = 1
    paths = [
        write(tmp_path / "one.dbn", "trades", rows),
        write(tmp_path / "two.dbn", "trades", other),
    ]
    assert quiet(paths, tmp_path / "b").rows == 7


def test_two_chains_of_spreads_share_a_leg(tmp_path) -> None:
    """Files of overlapping symbols: less than half of either is in the other."""
    times = T0 + SECOND * np.arange(30)
    symbol = np.resize([5602, 5603, 5604], 30)
    rows = trades(times, instrument_id=symbol)
    paths = [
        write(tmp_path / "one.dbn", "trades", rows[np.isin(symbol, [5602, 5603])]),
        write(tmp_path / "two.dbn", "trades", rows[np.isin(symbol, [5603, 5604])]),
    ]
    assert quiet(paths, tmp_path / "b").rows == 30
    assert sequences(tmp_path / "b") == [*range(100, 130)]


def test_repeated_definitions_are_landed_once(tmp_path) -> None:
    rows = definitions(T0 + SECOND * np.arange(6))
    paths = [
        write(tmp_path / "one.dbn", "definition", rows[:4]),
        write(tmp_path / "two.dbn", "definition", rows[2:]),
    ]
    assert quiet(paths, tmp_path / "b").errors == []
    assert len(partition(tmp_path / "b", "futures/definition", DAY)) == 6


@pytest.mark.parametrize(
    ("schema", "symbols", "ids", "feed"),
    [
        ("trades", ("ES.FUT",), IDS, "futures/trades"),
        ("trades", ("E3A.OPT",), {}, "options/trades"),
        ("trades", ("E3AZ5 C6800",), {}, "options/trades"),
        ("definition", ("EW3.OPT",), {}, "options/definition"),
        ("mbp-10", ("ES.FUT",), {}, "futures/mbp10"),
        ("bbo-1s", ("E3A.OPT",), OPTION_IDS, "options/nbbo"),
        ("statistics", ("E3A.OPT",), {}, "options/statistics"),
    ],
)
def test_no_records_is_an_answer(tmp_path, schema, symbols, ids, feed) -> None:
    start, end = new_york("2025-12-15 18:00"), new_york("2025-12-17 09:00")
    path = write(
        tmp_path / "in.dbn",
        schema,
        records(schema, []),
        start=start,
        end=end,
        symbols=symbols,
        ids=ids,
    )
    assert quiet([path], tmp_path / "b").errors == []
    assert partition_names(tmp_path / "b") == [f"{feed} {DAY}"]  # the 17th is not covered wholly
    empty = partition(tmp_path / "b", feed, DAY)
    assert len(empty) == 0
    assert manifest(tmp_path / "b", feed, DAY)["rows"] == 0
    assert manifest(tmp_path / "b", feed, DAY)["first_ts_recv"] is None
    assert quiet([path], tmp_path / "b").up_to_date == 1


def test_no_records_in_part_of_a_date_is_one_too(tmp_path) -> None:
    window = {"start": new_york("2025-12-16 09:30"), "end": new_york("2025-12-16 16:00")}
    path = write(tmp_path / "in.dbn", "trades", trades([]), **window)
    quiet([path], tmp_path / "b")
    assert partition_names(tmp_path / "b") == [TRADES]
    assert manifest(tmp_path / "b", "futures/trades", DAY)["coverage"] == [[*window.values()]]


@pytest.mark.parametrize("limit", [None, 1])
def test_a_silent_date_within_the_window_has_zero_rows(tmp_path, limit) -> None:
    start, end = new_york("2025-12-15 18:00"), new_york("2025-12-17 17:00")
    path = write(tmp_path / "in.dbn", "trades", trades([T0]), start=start, end=end, limit=limit)
    quiet([path], tmp_path / "b")
    silent = [] if limit else ["futures/trades 2025-12-17"]
    assert partition_names(tmp_path / "b") == [TRADES, *silent]


def test_the_manifest_says_what_was_asked_and_how_much_of_the_date(tmp_path) -> None:
    path = write(
        tmp_path / "in.dbn.zst",
        "trades",
        trades([T0, T0 + 5]),
        start=new_york("2025-12-15 09:00"),
        end=new_york("2025-12-16 17:00"),
        symbols=("ES.FUT",),
    )
    quiet([path], tmp_path / "b")
    told = manifest(tmp_path / "b", "futures/trades", DAY)
    start, end = trade_date_interval(np.datetime64(DAY).astype(object))
    assert told["coverage"] == [[start, end]]
    assert (told["first_ts_recv"], told["last_ts_recv"], told["rows"]) == (T0, T0 + 5, 2)
    assert told["root"] == "ES"
    assert told["symbol_mappings"] == {"ESZ5": [5602]}
    source = told["sources"][0]
    assert source["name"] == "in.dbn.zst"
    assert (source["dbn_version"], source["dataset"]) == (3, "GLBX.MDP3")
    assert (source["schema"], source["stype_in"]) == ("trades", "parent")
    assert source["symbols"] == ["ES.FUT"]
    assert told["request"] is told["cost_usd"] is told["dataset_condition"] is None


def test_a_folder_without_data_and_a_path_that_is_none_are_errors(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    result = quiet([tmp_path / "empty", tmp_path / "nowhere.dbn"], tmp_path / "b")
    assert result.exit_code == 1
    assert len(result.errors) == 2
