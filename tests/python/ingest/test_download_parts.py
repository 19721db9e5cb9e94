"""The parts of a download by themselves: where options lie, windows, waiting, broken files."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from io import StringIO

import numpy as np
import pytest
import zstandard
from dbn_files import definitions, encode, new_york, trades, write
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from vendor_shop import FakeTime

from es_physics.calendar import default_calendar, trade_date_interval
from es_physics.project import project_vars
from ingest.dbn import DbnFile
from ingest.definitions import Definitions
from ingest.download.chain import expiring_chain
from ingest.download.cli import add_arguments
from ingest.download.errors import UsageError
from ingest.download.fetch import Quote
from ingest.download.pace import Pace, RateLimit
from ingest.download.plan import SCHEMAS, Unit, Wish, iso
from ingest.download.progress import DownloadProgress
from ingest.download.received import examine, keep_before
from ingest.download.roots import candidate_parents
from ingest.download.vendor import _retry_after_s
from ingest.download.windows import default_windows, parse_windows, window_ns
from ingest.importer import import_paths

T0 = new_york("2025-12-16 10:00")


# --- where the options of a date lie -------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "parents"),
    [
        ("2025-12-15", ["E3A.OPT"]),  # the third Monday
        ("2025-12-16", ["E3B.OPT"]),
        ("2025-12-17", ["E3C.OPT"]),
        ("2025-12-18", ["E3D.OPT"]),
        ("2025-12-19", ["EW3.OPT", "ES.OPT", "EYC.OPT"]),  # the third Friday of a quarter's end
        ("2025-11-21", ["EW3.OPT"]),
        ("2025-12-12", ["EW2.OPT"]),
        ("2025-09-29", ["E5A.OPT"]),  # a fifth Monday
        ("2025-12-31", ["E5C.OPT", "E1D.OPT", "EW.OPT"]),  # New Year's Day is a Thursday
        ("2025-11-28", ["EW4.OPT", "EW.OPT"]),  # the month's last session is a half day
        ("2025-11-26", ["E4C.OPT", "E4D.OPT"]),  # before Thanksgiving
        ("2025-04-17", ["E3D.OPT", "EW3.OPT"]),  # before Good Friday
        ("2026-06-18", ["E3D.OPT", "EW3.OPT", "ES.OPT", "EYC.OPT"]),  # Juneteenth on a third Friday
    ],
)
def test_candidate_parents_of_a_date(day, parents) -> None:
    assert candidate_parents(date.fromisoformat(day), default_calendar().has_session) == parents


def test_every_session_has_candidates_and_each_month_end_has_the_monthly_ones() -> None:
    cash = default_calendar()
    ends = 0
    for day in default_calendar().between(date(2024, 1, 1), date(2025, 12, 31)):
        if cash.has_session(day):
            parents = candidate_parents(day, cash.has_session)
            assert 1 <= len(parents) <= 5
            assert len({*parents}) == len(parents)
            ends += "EW.OPT" in parents
    assert ends == 24


def test_the_chain_is_what_the_latest_definitions_expire_on_the_date(tmp_path) -> None:
    day = "2025-12-16"
    expiring, later = new_york(f"{day} 16:00"), new_york("2025-12-17 16:00")
    rows = definitions(
        T0 + np.arange(7),
        instrument_id=[1, 2, 3, 4, 5, 5, 6],
        raw_symbol=[
            b"E3BZ5 C1",
            b"E3BZ5 P1",
            b"E3BZ5 C2",
            b"UD:1V: 1",
            *[b"E3BZ5 P2"] * 2,
            b"ESZ5",
        ],
        instrument_class=[b"C", b"P", b"C", b"C", b"P", b"P", b"F"],
        user_defined_instrument=[b"N", b"N", b"N", b"Y", b"N", b"N", b"N"],
        # Of instrument 5 the first definition expires later, the second on the date.
        expiration=[expiring, expiring, later, expiring, later, expiring, expiring],
    )
    window = dict(zip(("start", "end"), trade_date_interval(date.fromisoformat(day)), strict=True))
    source = write(tmp_path / "d.dbn", "definition", rows, symbols=("E3B.OPT", "ES.FUT"), **window)
    assert import_paths([source], tmp_path / "b", report=lambda _: None).errors == []
    chain = expiring_chain(tmp_path / "b", date.fromisoformat(day))
    assert chain == ["E3BZ5 C1", "E3BZ5 P1", "E3BZ5 P2"]
    assert expiring_chain(tmp_path / "b", date(2025, 12, 17)) is None


# --- windows -------------------------------------------------------------------------------------


def test_windows_are_new_york_times_and_keep_their_last_instant() -> None:
    cash, windows = default_calendar(), parse_windows([])
    day = date(2025, 12, 16)
    start, end = window_ns(day, windows["futures/mbp10"], cash.close(day))
    assert (start, end - 1) == (new_york(f"{day} 09:00"), new_york(f"{day} 13:30"))
    assert window_ns(day, windows.get("futures/trades"), cash.close(day)) == trade_date_interval(
        day
    )


def test_windows_follow_the_vars_that_the_models_use(monkeypatch: pytest.MonkeyPatch) -> None:
    values = project_vars({"wall_baseline_s": 3630, "event_end": "14:00"})
    monkeypatch.setattr("ingest.download.windows.project_vars", lambda: values)
    assert default_windows() == {
        "futures/mbp10": "08:29-14:00",
        "options/nbbo": "08:29-14:00",
    }


def test_on_a_half_day_the_window_ends_with_the_cash_session() -> None:
    day = date(2025, 11, 28)
    assert default_calendar().close(day) == time(13)
    _, end = window_ns(day, parse_windows([])["options/nbbo"], time(13))
    assert end - 1 == new_york(f"{day} 13:00")


def test_a_window_can_be_set_and_opened() -> None:
    windows = parse_windows(["futures/mbp10=all", "options/statistics=08:00-09:30:30"])
    assert windows["futures/mbp10"] is None
    assert windows["options/statistics"].end == time(9, 30, 30)
    assert windows["options/nbbo"].start == time(9)
    with pytest.raises(UsageError, match="'futures/mbp10' is not FEED"):
        parse_windows(["futures/mbp10"])


def test_windows_come_from_the_environment_too(monkeypatch) -> None:
    monkeypatch.setenv("ES_DOWNLOAD_WINDOWS", "futures/mbp10=09:15-12:00 options/nbbo=all")
    parser = ArgumentParser()
    add_arguments(parser)
    day = ["--start", "2025-12-16", "--end", "2025-12-16"]
    args = parser.parse_args([*day, "--window", "options/nbbo=09:00-10:00"])
    windows = parse_windows(args.window)
    assert windows["futures/mbp10"].start == time(9, 15)
    assert windows["options/nbbo"].end == time(10)


def test_the_plan_is_what_the_models_read() -> None:
    wish = Wish(date(2025, 11, 26), date(2025, 11, 28), SCHEMAS, parse_windows([]), 3)
    partitions = wish.partitions(default_calendar())
    by_day = {}
    for target in partitions:
        by_day.setdefault(str(target.day), []).append(target.feed)
    assert by_day == {
        "2025-11-21": ["futures/trades"],
        "2025-11-24": ["futures/trades"],
        "2025-11-25": ["futures/trades"],
        "2025-11-26": [*SCHEMAS],
        "2025-11-27": ["futures/trades", "futures/definition"],  # no cash session
        "2025-11-28": [*SCHEMAS],
    }


def test_times_are_sent_with_their_zone_and_nanoseconds() -> None:
    assert iso(new_york("2025-12-15 18:00") + 1) == "2025-12-15T23:00:00.000000001Z"


# --- waiting -------------------------------------------------------------------------------------


def test_a_rate_limit_holds_over_any_window() -> None:
    fake = FakeTime()
    limit = RateLimit(20, 1.0, Pace(sleep=fake.sleep, clock=fake.clock))
    starts = []
    for _ in range(100):
        limit.wait()
        starts.append(fake.now)
    assert starts[19] == 0.0
    assert all(later - earlier >= 1.0 for earlier, later in zip(starts, starts[20:], strict=False))
    assert starts[-1] == pytest.approx(4.0)


def test_waits_grow_with_jitter_up_to_a_limit_and_never_undercut_the_vendor() -> None:
    fake = FakeTime()
    pace = Pace(first_wait_s=1.0, longest_wait_s=10.0, sleep=fake.sleep, clock=fake.clock)
    for attempt in range(8):
        pace.back_off(attempt)
    limits = [1, 2, 4, 8, 10, 10, 10, 10]
    pairs = [*zip(fake.slept, limits, strict=True)]
    assert all(limit / 2 <= slept <= limit for slept, limit in pairs)
    assert len({slept / limit for slept, limit in pairs}) > 1
    pace.back_off(0, 30.0)
    assert 30.5 <= fake.slept[-1] <= 31.0


def test_retry_after_is_seconds_or_a_date() -> None:
    def told(value: str) -> float | None:
        return _retry_after_s({"Retry-After": value})

    assert told("7") == 7.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert told(soon) == pytest.approx(89, abs=2)
    assert told("soon") is None
    assert _retry_after_s({}) is None


# --- progress ------------------------------------------------------------------------------------


class Arriving:
    """A fetcher of which 1.5 MB have arrived."""

    def arrived_bytes(self, unit: Unit) -> int:
        return 1_500_000


def test_a_terminal_shows_each_unit_and_the_whole() -> None:
    units = [
        Unit(feed, date(2025, 12, 16), "trades", "parent", ("ES.FUT",), 0, 1)
        for feed in ("futures/trades", "futures/mbp10")
    ]
    quotes = [
        Quote(units[0], 1, 1_000_000, 0, 0, "have"),
        Quote(units[1], 1, 3_000_000, 0, 0, "job"),
    ]
    console = Console(file=StringIO(), force_terminal=True, width=120, _environ={"TERM": "xterm"})
    with DownloadProgress(console, Arriving(), quotes) as progress:
        with progress.showing(quotes[0]):
            pass
        with progress.showing(quotes[1]):
            progress.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    assert "25 %" in shown
    assert "futures/mbp10 2025-12-16" in shown
    assert "1.5 MB compressed, of 3.0 MB uncompressed" in shown


# --- broken files --------------------------------------------------------------------------------

ROWS = trades(T0 + 1000 * (np.arange(300) // 3))
WINDOW = {"start": T0, "end": T0 + 10**9}
ASKED = Unit("futures/trades", date(2025, 12, 16), "trades", "parent", ("ES.FUT",), T0, T0 + 10**9)
MOST = 1 << 20


def in_blocks(rows, size: int = 7) -> bytes:
    """A DBN stream that is flushed every few records."""
    raw = encode("trades", rows, zstd=False, **WINDOW)
    header = len(raw) - rows.nbytes
    compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    out = compressor.compress(raw[:header])
    for at in range(header, len(raw), size * rows.itemsize):
        out += compressor.compress(raw[at : at + size * rows.itemsize])
        out += compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return out + compressor.flush()


BODY = in_blocks(ROWS)


def test_a_whole_file_is_whole(tmp_path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(BODY)
    got = examine(path, ASKED, MOST)
    assert (got.records, got.ended, got.damage) == (300, True, None)
    assert (got.last, got.before_last) == (T0 + 99_000, 297)


def test_an_answer_in_two_frames_is_whole_and_one_cut_in_the_second_is_not(tmp_path) -> None:
    raw = encode("trades", ROWS, zstd=False, **WINDOW)
    compress = zstandard.ZstdCompressor().compress
    path = tmp_path / "frames"
    path.write_bytes(compress(raw[:5000]) + compress(raw[5000:]))
    assert examine(path, ASKED, MOST).ended
    assert examine(path, ASKED, MOST).records == 300
    path.write_bytes(path.read_bytes()[:-3])
    assert not examine(path, ASKED, MOST).ended


@given(cut=st.integers(0, len(BODY) - 1))
def test_a_cut_off_file_is_never_whole_and_its_beginning_can_be_kept(tmp_path_factory, cut) -> None:
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(BODY[:cut])
    got = examine(path, ASKED, MOST)
    assert not got.ended
    assert got.damage is None
    if got.before_last:
        kept = path.with_name("kept.dbn.zst")
        assert keep_before(path, got.last, kept) == got.before_last
        again = examine(kept, ASKED.until(got.last), MOST)
        assert (again.records, again.ended, again.damage) == (got.before_last, True, None)
        file = DbnFile(kept, Definitions(kept.parent, default_calendar()))
        assert file.window == (T0, got.last)
        batches = [batch for _, batch in file.batches()]
        assert sum(batch.num_rows for batch in batches) == got.before_last
        assert batches[0]["sequence"].to_pylist() == ROWS["sequence"][: got.before_last].tolist()


@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_is_always_noticed(tmp_path_factory, at, bit) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(BODY[:at] + bytes([BODY[at] ^ 1 << bit]) + BODY[at + 1 :])
    got = examine(path, ASKED, MOST)
    if got.ended and got.damage is None:  # One bit of the frame's header means nothing.
        decompressed = [
            zstandard.ZstdDecompressor().decompressobj().decompress(body)
            for body in (path.read_bytes(), BODY)
        ]
        assert decompressed[0] == decompressed[1]


def test_what_is_no_dbn_or_ends_within_a_record_is_damaged(tmp_path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(zstandard.compress(b"<html>Gateway timeout</html>"))
    assert "is not DBN" in examine(path, ASKED, MOST).damage
    raw = encode("trades", ROWS, zstd=False, **WINDOW)
    path.write_bytes(zstandard.compress(raw[:-5]))
    assert examine(path, ASKED, MOST).damage == "its last record is cut off"
    path.write_bytes(zstandard.compress(raw[:-48] + b"\0" * 48))
    assert examine(path, ASKED, MOST).damage == "record 299 is broken"
    path.write_bytes(BODY + b"more")
    assert examine(path, ASKED, MOST).damage
