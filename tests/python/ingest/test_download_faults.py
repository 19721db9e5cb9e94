"""What goes wrong on the way: Bronze stays as it was, one line says what happened, and the same
command then completes without anything being paid for twice."""

from __future__ import annotations

import os
import pkgutil
import resource
import signal
import time
from datetime import date

import numpy as np
import pytest
from dbn_files import (
    manifest,
    new_york,
    partition,
    partition_names,
    trades,
    tree,
    write,
)
from vendor_market import DAY, Stock, make_stock
from vendor_server import Fault
from vendor_shop import Finished, Shop

from es_physics.calendar import trade_date_interval
from ingest.cli import main
from ingest.importer import import_paths
from ingest.staging import Staging

DAY_TEXT = str(DAY)
TRADES_ONLY = ("--feeds", "futures/trades", "--no-warmup")
BATCH = (*TRADES_ONLY, "--batch-from-mb", "0")
STREAM, SUBMIT, FETCH = "timeseries.get_range", "batch.submit_job", "batch.download"


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("vendor_market"))


@pytest.fixture
def shop(stock, tmp_path, monkeypatch, capsys):
    """A shop whose customer has one other date in Bronze already."""
    made = Shop(stock, tmp_path, monkeypatch, capsys)
    window = dict(zip(("start", "end"), trade_date_interval(date(2025, 12, 15)), strict=True))
    own = write(tmp_path / "own.dbn", "trades", trades([new_york("2025-12-15 10:00")]), **window)
    assert import_paths([own], made.bronze).errors == []
    with made.server:
        yield made


def fails_and_leaves_all(shop: Shop, *arguments: str, **options: int) -> Finished:
    """A run that fails: exit code 1, one line on stderr, and Bronze as before."""
    before = tree(shop.bronze)
    finished = shop.download(*arguments, **options)
    assert finished.code == 1, finished.out + finished.err
    assert len(finished.err.splitlines()) == 1, finished.err
    assert tree(shop.bronze) == before
    return finished


def completes(shop: Shop, *arguments: str) -> Finished:
    """A run that fills the date, with exactly the vendor's records."""
    finished = shop.download(*arguments)
    assert (finished.code, finished.err) == (0, "")
    check_landed(shop)
    return finished


def check_landed(shop: Shop) -> None:
    assert partition_names(shop.bronze) == [
        "futures/trades 2025-12-15",
        "futures/trades 2025-12-16",
    ]
    rows = shop.server.stock.records["trades"]
    start, end = new_york("2025-12-15 18:00"), new_york("2025-12-16 17:00")
    futures = [n for n, item in shop.server.stock.instruments.items() if item.parent == "ES.FUT"]
    ours = np.isin(rows["instrument_id"], futures)
    wanted = rows[ours & (rows["ts_recv"] >= start) & (rows["ts_recv"] < end)]
    landed = partition(shop.bronze, "futures/trades", DAY_TEXT)
    for name in ("ts_recv", "sequence", "instrument_id", "price", "size"):
        assert landed[name].to_pylist() == wanted[name].tolist(), name
    coverage = manifest(shop.bronze, "futures/trades", DAY_TEXT)["coverage"]
    assert coverage == [[start, end]]
    assert main(["verify", "--bronze-root", str(shop.bronze)]) == 0
    raw = {path.name for path in shop.raw.rglob("*") if path.is_file()}
    assert all(name.endswith(".dbn.zst") for name in raw - {"ledger.jsonl"}), raw


LOST_AT_A_BREAK = 8192
"""Compressed bytes that the client holds in memory and loses when a stream breaks off or it is
killed: it reads and writes in pieces of a few KiB."""


def check_paid_once(shop: Shop, breaks: int = 1) -> None:
    """No record was paid for twice but those that were lost in the client's memory."""
    lost = shop.server.paid_twice() * shop.server.bytes_per_record
    assert lost <= breaks * LOST_AT_A_BREAK


def check_no_request_was_repeated(shop: Shop) -> None:
    paid = [(name, *params.items()) for name, params in shop.server.paid()]
    assert len({*paid}) == len(paid)


def streams(shop: Shop) -> list[tuple[str, str]]:
    """The [start, end) of the streams that were asked for."""
    return [(p["start"], p["end"]) for name, p in shop.server.requests if name == STREAM]


# --- streams that break --------------------------------------------------------------------------

BROKEN = [
    pytest.param(Fault(STREAM, "cut", framing="length"), id="cut with Content-Length"),
    pytest.param(Fault(STREAM, "cut", framing="close"), id="cut without Content-Length"),
    pytest.param(Fault(STREAM, "cut", framing="chunked"), id="cut in chunks"),
    pytest.param(Fault(STREAM, "truncate", framing="length"), id="cut zstd frame"),
    pytest.param(Fault(STREAM, "cut", part=0.01), id="cut before the first record"),
    pytest.param(Fault(STREAM, "truncate", part=0.0, framing="length"), id="empty answer"),
    pytest.param(Fault(STREAM, "cut", part=0.95), id="cut near the end"),
    pytest.param(Fault(STREAM, "short"), id="last record left out"),
]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_stream_goes_on_where_it_broke(shop, fault) -> None:
    shop.server.faults = [Fault(**vars(fault))]
    finished = fails_and_leaves_all(shop, *TRADES_ONLY, attempts=1)
    assert "futures/trades 2025-12-16: the " in finished.err
    assert "run again" in finished.err
    completes(shop, *TRADES_ONLY)
    check_paid_once(shop)
    if fault.part > 0.01:  # Something had arrived.
        check_no_request_was_repeated(shop)
    assert "2 were there" in shop.download(*TRADES_ONLY, "--start", "2025-12-15").out


@pytest.mark.parametrize("fault", BROKEN)
def test_a_run_gets_over_a_broken_stream_by_itself(shop, fault) -> None:
    shop.server.faults = [Fault(**vars(fault) | {"times": 3})]
    completes(shop, *TRADES_ONLY)
    check_paid_once(shop, breaks=3)
    assert len(shop.ledger("request")) == len(streams(shop))


def test_a_group_of_one_time_is_not_split_where_a_stream_breaks(shop, monkeypatch) -> None:
    """Records that share the last time may be paid for again, and land once."""
    rows = shop.server.stock.records["trades"].copy()
    first, after = new_york("2025-12-16 10:00"), new_york("2025-12-16 12:00")
    grouped = (rows["ts_recv"] >= first) & (rows["ts_recv"] < after)
    times = rows["ts_recv"][grouped]
    rows["ts_recv"][grouped] = times - (times - first) % (1000 * 10**9)
    monkeypatch.setitem(shop.server.stock.records, "trades", rows)
    shop.server.faults = [Fault(STREAM, "cut", part=0.55)]
    completes(shop, *TRADES_ONLY)
    _, sizes = np.unique(rows["ts_recv"][grouped], return_counts=True)
    lost_in_client = LOST_AT_A_BREAK / shop.server.bytes_per_record
    assert 0 < shop.server.paid_twice() < sizes.max() + lost_in_client


def test_a_flipped_byte_is_found_and_the_data_bought_as_a_batch_job(shop) -> None:
    shop.server.faults = [Fault(STREAM, "flip")]
    finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    assert "arrived damaged" in finished.err
    assert "run again to buy it as a batch job" in finished.err
    assert "again: it arrived damaged" in shop.download(*TRADES_ONLY, "--dry-run").out
    completes(shop, *TRADES_ONLY)
    assert [name for name, _ in shop.server.paid()] == [STREAM, SUBMIT]


def test_a_wrong_count_is_not_landed_and_not_bought_again(shop) -> None:
    shop.server.faults = [Fault("metadata.get_record_count", "add", times=2)]
    finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    assert "2,279 records arrived and the vendor counts 2,280" in finished.err
    completes(shop, *TRADES_ONLY)
    assert len(shop.server.paid()) == 1


# --- errors of the vendor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "the vendor does not know the API key; check DATABENTO_API_KEY"),
        (402, "the account cannot pay"),
        (403, "the API key may not read GLBX.MDP3"),
        (422, "the vendor cannot answer this request (422: some_case: refused as some_case)"),
    ],
)
@pytest.mark.parametrize("endpoint", [STREAM, "metadata.get_cost"])
def test_a_refusal_is_one_sentence_and_is_not_tried_again(shop, endpoint, status, says) -> None:
    shop.server.faults = [Fault(endpoint, "status", status=status, case="some_case")]
    finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    assert says in finished.err
    assert [name for name, _ in shop.server.requests].count(endpoint) == 1
    completes(shop, *TRADES_ONLY)
    assert shop.server.paid_twice() == 0


def test_a_refusal_ends_all_and_keeps_what_came_before(shop) -> None:
    refusal = Fault(STREAM, "status", status=402, times=99, match=lambda p: "mbp" in p["schema"])
    shop.server.faults = [refusal]
    feeds = ("--feeds", "futures/definition", "futures/mbp10", "futures/trades", "--no-warmup")
    finished = shop.download(*feeds, "--connections", "1")
    assert finished.code == 1
    assert finished.err.count("the account cannot pay") == 1
    assert [p["schema"] for _, p in shop.server.paid()] == ["trades", "mbp-10"]
    assert f"futures/trades {DAY}" in partition_names(shop.bronze)
    shop.server.faults = []
    assert shop.download(*feeds).code == 0
    assert shop.server.paid_twice() == 0


def test_one_feed_that_cannot_be_answered_does_not_fail_the_others(shop) -> None:
    match = {"match": lambda params: params["schema"] == "definition"}
    shop.server.faults = [Fault(STREAM, "status", status=422, times=2, **match)]
    finished = shop.download("--feeds", "futures/trades", "futures/definition", "--no-warmup")
    assert finished.code == 1
    assert finished.err.startswith("error: futures/definition 2025-12-16: the vendor cannot")
    check_landed(shop)


@pytest.mark.parametrize("endpoint", [STREAM, "metadata.get_cost", "symbology.resolve"])
def test_429_waits_as_long_as_the_vendor_asks(shop, endpoint) -> None:
    shop.server.faults = [Fault(endpoint, "status", status=429, headers={"Retry-After": "7"})]
    feeds = ("--feeds", "futures/trades", "options/definition", "--no-warmup")
    assert shop.download(*feeds).code == 0
    assert [seconds for seconds in shop.time.slept if 7 <= seconds <= 9]
    assert shop.server.paid_twice() == 0


@pytest.mark.parametrize("status", [408, 500, 503, 504])
@pytest.mark.parametrize("endpoint", [STREAM, "metadata.get_dataset_condition"])
def test_what_may_pass_is_tried_again_with_longer_waits(shop, endpoint, status) -> None:
    shop.time.slept.clear()
    shop.server.faults = [Fault(endpoint, "status", status=status, times=2)]
    completes(shop, *TRADES_ONLY)
    waits = [seconds for seconds in shop.time.slept if seconds >= 0.5]
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0
    assert shop.server.paid_twice() == 0


def test_a_vendor_that_stays_down_is_given_up(shop) -> None:
    shop.server.faults = [Fault(STREAM, "status", status=503, times=99)]
    finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    assert "the vendor is busy or down (503" in finished.err
    assert len(streams(shop)) == 6
    assert len(shop.ledger("failed")) == 6
    shop.server.faults = []
    completes(shop, *TRADES_ONLY)


def test_a_server_that_is_not_there(shop, monkeypatch) -> None:
    monkeypatch.setenv("ES_DATABENTO_URL", "http://127.0.0.1:9")
    finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    assert "the connection to the vendor failed" in finished.err


# --- the own machine -----------------------------------------------------------------------------


def test_a_full_disk(shop) -> None:
    """A limit on the size of files makes writing fail as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        finished = fails_and_leaves_all(shop, *TRADES_ONLY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the disk is full; make room and run again" in finished.err
    assert len(streams(shop)) == 1  # Trying again would not make room.
    completes(shop, *TRADES_ONLY)
    assert len({*streams(shop)}) == 2


def test_bronze_that_another_import_writes_to(shop) -> None:
    with Staging(shop.bronze):
        finished = shop.download(*TRADES_ONLY)
    assert finished.code == 1
    assert "is downloaded and not landed" in finished.err
    assert "another import writes here" in finished.err
    completes(shop, *TRADES_ONLY)
    assert len(streams(shop)) == 1


def test_a_raw_file_that_changed_on_the_disk_is_not_used(shop) -> None:
    with Staging(shop.bronze):
        shop.download(*TRADES_ONLY)
    raw = next(shop.raw.glob(f"{DAY}/*.dbn.zst"))
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    finished = completes(shop, *TRADES_ONLY)
    assert "again: its raw file is not what it was" in finished.out
    assert len(streams(shop)) == 2


def test_a_ledger_whose_last_line_was_cut_off_is_read_and_continued(shop) -> None:
    ledger = shop.raw / "ledger.jsonl"
    for cut_off in ('{"at": "2025-12', '{"at": "2025-12-20T00:00:00"}'):
        shop.download(*TRADES_ONLY, "--dry-run")
        with ledger.open("a") as file:
            file.write(cut_off)
        completes(shop, *TRADES_ONLY)
        assert cut_off not in ledger.read_text().splitlines()
    ledger.write_text("?" + ledger.read_text())
    finished = shop.download(*TRADES_ONLY)
    assert finished.code == 2
    assert "line 1 cannot be read, so it is not known what was paid" in finished.err


def test_a_partition_that_was_damaged_is_made_anew_from_raw(shop) -> None:
    completes(shop, *TRADES_ONLY)
    data = shop.bronze / f"futures/trades/root=ES/date={DAY}/data.parquet"
    data.write_bytes(b"?")
    completes(shop, *TRADES_ONLY)
    assert len(streams(shop)) == 1


# --- batch jobs ----------------------------------------------------------------------------------


def test_a_batch_job_is_bought_once_and_its_file_downloads_again_for_free(shop) -> None:
    shop.server.faults = [Fault(FETCH, "cut", part=0.3, times=2), Fault(FETCH, "flip")]
    completes(shop, *BATCH)
    fetched = [name for name, _ in shop.server.requests].count(FETCH)
    assert fetched == 4  # Cut, its rest cut, the rest with a flipped byte, and all of it again.
    assert [name for name, _ in shop.server.paid()] == [SUBMIT]
    assert shop.server.paid_twice() == 0


def test_a_batch_file_that_never_arrives_whole(shop) -> None:
    shop.server.faults = [Fault(FETCH, "flip", times=99)]
    finished = fails_and_leaves_all(shop, *BATCH)
    assert "arrives damaged each time (sha256 differs)" in finished.err
    shop.server.faults = []
    finished = completes(shop, *BATCH)
    assert "paid, job GLBX-" in finished.out
    assert [name for name, _ in shop.server.paid()] == [SUBMIT]


def test_a_job_that_was_accepted_though_the_answer_was_lost_is_found(shop) -> None:
    shop.server.faults = [Fault(SUBMIT, "lost")]
    completes(shop, *BATCH)
    assert len(shop.server.jobs) == 1
    assert [entry["event"] for entry in shop.ledger("failed")] == ["failed"]


def test_submitting_is_tried_again_where_nothing_was_accepted(shop) -> None:
    shop.server.faults = [Fault(SUBMIT, "status", status=500, times=2)]
    completes(shop, *BATCH)
    assert len(shop.server.jobs) == 1


def test_a_job_that_expired_before_it_was_fetched_is_bought_again(shop) -> None:
    shop.server.faults = [Fault(FETCH, "flip", times=99)]
    fails_and_leaves_all(shop, *BATCH)
    shop.server.faults = []
    for job in shop.server.jobs.values():
        job.states = ["expired"]
    completes(shop, *BATCH)
    assert len(shop.server.jobs) == 2


def test_a_job_that_takes_too_long_is_fetched_by_a_later_run(shop, monkeypatch) -> None:
    monkeypatch.setattr("vendor_server.FIRST_STATES", ["processing"])
    finished = fails_and_leaves_all(shop, *BATCH)
    assert "is paid for, and processing at the vendor; run again later" in finished.err
    for job in shop.server.jobs.values():
        job.states = ["done"]
    completes(shop, *BATCH)
    assert len(shop.server.jobs) == 1


def test_a_full_disk_while_a_batch_file_comes_in(shop) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        finished = fails_and_leaves_all(shop, *BATCH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the disk is full" in finished.err
    completes(shop, *BATCH)
    assert len(shop.server.jobs) == 1


# --- a process that ends -------------------------------------------------------------------------


@pytest.mark.market
@pytest.mark.parametrize("how", ["stream", "batch"])
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_process_loses_nothing(
    shop, monkeypatch, how, signal_number
) -> None:
    monkeypatch.setattr("vendor_server.FIRST_STATES", ["done"])
    arguments = BATCH if how == "batch" else TRADES_ONLY
    shop.server.faults = [Fault(FETCH if how == "batch" else STREAM, "hang", part=0.5)]
    before = tree(shop.bronze)
    process = shop.start(*arguments)
    assert shop.server.hanging.wait(30), process.communicate(timeout=5)
    time.sleep(0.2)  # For what was sent to arrive.
    os.kill(process.pid, signal_number)
    _, err = process.communicate(timeout=10)
    if signal_number == signal.SIGINT:
        assert process.returncode == 130
        assert err == "interrupted: the same command goes on from here\n"
    else:
        assert process.returncode == -signal.SIGKILL
    assert tree(shop.bronze) == before
    completes(shop, *arguments)
    check_paid_once(shop)
    check_no_request_was_repeated(shop)
    if how == "batch":
        assert len(shop.server.jobs) == 1


@pytest.mark.parametrize(
    "where",
    [
        "ingest.download.ledger.Ledger.record",
        "ingest.download.fetch.Fetcher._finish",
        "ingest.download.fetch.keep_before",
        "ingest.download.run.land",
        "ingest.staging.Staging.commit",
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_a_process_killed_between_any_two_steps_loses_nothing(
    shop, monkeypatch, where, after
) -> None:
    """Each run dies at the first, the second, ... call of one step, before or after it."""

    class Killed(BaseException):
        pass

    shop.server.faults = [Fault(STREAM, "cut", part=0.4)]
    for calls in range(1, 12):
        with monkeypatch.context() as patch:
            step = pkgutil.resolve_name(where)
            left = [calls]

            def dying(*args, _step=step, _left=left, **named):
                _left[0] -= 1
                if _left[0] == 0 and not after:
                    raise Killed
                result = _step(*args, **named)
                if _left[0] == 0:
                    raise Killed
                return result

            patch.setattr(where, dying)
            try:
                finished = shop.download(*TRADES_ONLY)
            except Killed:
                continue
        assert finished.code == 0, (calls, finished.err)
        break
    check_landed(shop)
    check_paid_once(shop)
