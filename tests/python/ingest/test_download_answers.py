"""Answers that are not what was asked for, that make no sense, or that never end: nothing of them
lands, the ledger does not call them done, and the key goes to nobody else."""

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import zstandard
from dbn_files import encode, partition, partition_names, trades
from vendor_market import DAY, Stock, make_stock
from vendor_server import KEY, Fault, Params
from vendor_shop import Finished, Shop

from ingest.download import http

TRADES_ONLY = ("--feeds", "futures/trades", "--no-warmup")
BATCH = (*TRADES_ONLY, "--batch-from-mb", "0")
STREAM, SUBMIT, FETCH = "timeseries.get_range", "batch.submit_job", "batch.download"
DAY_S = 86_400 * 10**9


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("vendor_market"))


@pytest.fixture
def shop(stock, tmp_path, monkeypatch, capsys):
    made = Shop(stock, tmp_path, monkeypatch, capsys)
    with made.server:
        yield made


def refused(shop: Shop, *arguments: str, **options: float) -> Finished:
    """A run that ends in one line, with nothing landed and nothing called done."""
    finished = shop.download(*arguments, **options)
    assert finished.code == 1, finished.out + finished.err
    assert len(finished.err.splitlines()) == 1, finished.err
    assert finished.err.startswith("error: ")
    assert KEY not in finished.out + finished.err
    assert partition_names(shop.bronze) == []
    assert not (shop.raw / "ledger.jsonl").exists() or shop.ledger("done") == []
    return finished


def completes(shop: Shop, *arguments: str) -> None:
    finished = shop.download(*arguments)
    assert (finished.code, finished.err) == (0, "")
    rows = partition(shop.bronze, "futures/trades", str(DAY)).num_rows
    assert rows == shop.ledger("done")[-1]["records"] > 1000


# --- other records than were asked for -----------------------------------------------------------


def shifted(params: Params, days: int) -> Params:
    start, end = (np.datetime64(params[key][:-1], "ns") for key in ("start", "end"))
    step = np.timedelta64(days * DAY_S, "ns")
    return params | {"start": f"{start + step}Z", "end": f"{end + step}Z"}


def outside(indices):
    """As many records, all of them a day earlier."""
    return indices - indices.size


FOREIGN = {
    "another schema": (
        lambda params, indices: (params | {"schema": "mbp-10"}, indices),
        "its schema is mbp-10 instead of trades",
    ),
    "another date": (
        lambda params, indices: (shifted(params, -1), outside(indices)),
        "its start is 2025-12-14T23:00:00.000000000Z instead of 2025-12-15T23",
    ),
    "a part of the time": (
        lambda params, indices: (params | {"end": shifted(params, -1)["end"]}, indices[:0]),
        "its end is 2025-12-15T22:00:00.000000000Z instead of",
    ),
    "other symbols": (
        lambda params, indices: (params | {"symbols": "E3B.OPT"}, indices),
        "it is not of the same symbols (E3B.OPT, ES.FUT)",
    ),
    "some symbols more": (
        lambda params, indices: (params | {"symbols": "ES.FUT,E3B.OPT"}, indices),
        "it is not of the same symbols (E3B.OPT)",
    ),
    "symbols of another kind": (
        lambda params, indices: (params | {"symbols": "ESH6", "stype_in": "raw_symbol"}, indices),
        "its kind of symbols is raw_symbol instead of parent",
    ),
    "records of another date": (
        lambda params, indices: (params, outside(indices)),
        "of its records lie outside the time that was asked for",
    ),
    "one record of another date": (
        lambda params, indices: (params, np.append(indices[:-1], indices[0] - 1)),
        "1 of its records lie outside the time that was asked for",
    ),
    "more records": (
        lambda params, indices: (params, np.append(indices, indices[-100:])),
        "99 of its 2,379 records repeat others",
    ),
    "the first half twice": (
        lambda params, indices: (params, np.resize(indices[: indices.size // 2], indices.size)),
        "of its 2,279 records repeat others",
    ),
    "one record again in the place of another": (
        lambda params, indices: (params, np.append(indices[:-1], indices[5])),
        "1 of its 2,279 records repeat others",
    ),
    "each record of the first half twice": (
        lambda params, indices: (params, np.repeat(indices, 2)[: indices.size]),
        "of its 2,279 records repeat others",
    ),
}


@pytest.mark.parametrize("change", FOREIGN)
def test_an_answer_to_another_question_is_not_landed_and_asked_for_again(shop, change) -> None:
    made, says = FOREIGN[change]
    shop.server.faults = [Fault(STREAM, "other", change=made)]
    finished = refused(shop, *TRADES_ONLY)
    assert "futures/trades 2025-12-16: is not what was asked for: " in finished.err
    assert says in finished.err
    completes(shop, *TRADES_ONLY)
    assert [name for name, _ in shop.server.paid()] == [STREAM, SUBMIT]


def test_records_of_instruments_that_were_not_asked_for_are_not_landed(shop, monkeypatch) -> None:
    rows = shop.server.stock.records["trades"].copy()
    rows["instrument_id"][-700:] = 99_999
    monkeypatch.setitem(shop.server.stock.records, "trades", rows)
    all_of_it = Fault(STREAM, "other", change=lambda p, i: (p, np.arange(i[0], i[-1] + 1)))
    shop.server.faults = [all_of_it]
    assert "it has records of" in refused(shop, *TRADES_ONLY).err


def test_a_job_of_something_else_is_refused_each_time_and_costs_nothing_more(shop) -> None:
    shop.server.faults = [Fault(FETCH, "flip", times=99)]
    refused(shop, *BATCH)
    job = next(iter(shop.server.jobs.values()))
    rows = trades(1_765_900_000_000_000_000 + np.arange(100), instrument_id=5602)
    job.content = encode("trades", rows)
    shop.server.faults = []
    for _ in range(2):
        assert "is not what was asked for: its start is" in refused(shop, *BATCH).err
    assert [name for name, _ in shop.server.paid()] == [SUBMIT]


def test_an_answer_without_records_where_some_were_announced_is_not_landed(shop) -> None:
    none = Fault(STREAM, "other", times=9, change=lambda params, indices: (params, indices[:0]))
    shop.server.faults = [none]
    refused(shop, *TRADES_ONLY, attempts=2)
    shop.server.faults = []
    completes(shop, *TRADES_ONLY)


# --- answers that make no sense ------------------------------------------------------------------

NO_PRICE = ["NaN", "Infinity", "-Infinity", "-100", "null", '"7"', "true", "[1]", "{}", "1e400"]
NO_COUNT = ["null", "1e400", "-1", "1.5", "NaN", '"many"', "true", "[]", "{}", "1e300", "9" * 400]


@pytest.mark.parametrize("body", NO_PRICE)
def test_what_is_no_price_buys_nothing(shop, body) -> None:
    shop.server.faults = [Fault("metadata.get_cost", "body", times=99, body=body.encode())]
    finished = refused(shop, *TRADES_ONLY, "--max-usd", "5")
    assert "the vendor's answer to get_cost makes no sense" in finished.err
    assert shop.server.paid() == []


@pytest.mark.parametrize("endpoint", ["metadata.get_record_count", "metadata.get_billable_size"])
@pytest.mark.parametrize("body", NO_COUNT)
def test_what_is_no_count_buys_nothing(shop, endpoint, body) -> None:
    shop.server.faults = [Fault(endpoint, "body", times=99, body=body.encode())]
    refused(shop, *TRADES_ONLY, attempts=2)
    assert shop.server.paid() == []


NONSENSE = {
    "metadata.get_dataset_condition": [
        b"null",
        b'[{"condition": "available"}]',
        b'[{"date": null, "condition": "available"}]',
        b'[{"date": "2025-13-01", "condition": "available"}]',
        b'[{"date": "2025-12-16", "condition": 7}]',
        b'{"date": "2025-12-16"}',
        b"[[]]",
    ],
    "batch.list_jobs": [
        b"null",
        b"{}",
        b"[null]",
        b'[{"id": "GLBX-1"}]',
        b'[{"id": "../../etc", "state": "done"}]',
        b'[{"id": 7, "state": "done"}]',
    ],
    "symbology.resolve": [b"null", b"[]", b'{"result": null}', b"{}"],
}


@pytest.mark.parametrize(
    ("endpoint", "body"), [(name, body) for name, bodies in NONSENSE.items() for body in bodies]
)
def test_an_answer_that_makes_no_sense_is_one_line(shop, endpoint, body) -> None:
    shop.server.faults = [Fault(endpoint, "body", times=99, body=body)]
    feed = "options/definition" if endpoint.startswith("symbology") else "futures/trades"
    assert "makes no sense" in refused(shop, "--feeds", feed, "--no-warmup").err


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 200_000, b"\xff\xfe", b"{'a': 1}"])
def test_what_is_no_json_is_one_line(shop, body) -> None:
    shop.server.faults = [Fault("metadata.get_dataset_condition", "body", times=99, body=body)]
    refused(shop, *TRADES_ONLY)


@pytest.mark.parametrize("body", [b"null", b"{}", b'[{"filename": "x.dbn.zst"}]', b"[7]"])
def test_a_list_of_files_that_makes_no_sense_is_one_line(shop, body) -> None:
    shop.server.faults = [Fault("batch.list_files", "body", times=1, body=body)]
    assert "the vendor's answer to list_files makes no sense" in refused(shop, *BATCH).err
    completes(shop, *BATCH)
    assert [name for name, _ in shop.server.paid()] == [SUBMIT]


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"id": null}', b'{"id": "../x"}'])
def test_a_job_whose_answer_makes_no_sense_is_looked_for_before_it_is_bought_again(
    shop, body
) -> None:
    shop.server.faults = [Fault(SUBMIT, "body", times=1, body=body)]
    completes(shop, *BATCH)


@pytest.mark.parametrize("body", [b"[1]", b"null", b'{"detail": 3}', b"[" * 99_999, b"?" * 10**6])
@pytest.mark.parametrize("status", [400, 422, 500])
def test_an_error_whose_reason_makes_no_sense_is_one_short_line(shop, status, body) -> None:
    shop.server.faults = [Fault(STREAM, "body", times=99, status=status + 1, body=body)]
    assert len(refused(shop, *TRADES_ONLY).err) < 1000


@pytest.mark.parametrize("value", ["1e400", "nan", "-5", "soon", "99999999999999"])
def test_a_wait_that_makes_no_sense_is_not_waited_for(shop, value) -> None:
    fault = Fault(STREAM, "status", status=429, headers={"Retry-After": value})
    shop.server.faults = [fault]
    completes(shop, *TRADES_ONLY)
    assert max(shop.time.slept) <= 660


@pytest.mark.parametrize("value", ["7", "null", "[1, null]", "no JSON", "{}", "[" * 5000])
def test_a_warning_that_makes_no_sense_is_kept_as_text(shop, value, monkeypatch) -> None:
    monkeypatch.setattr("vendor_server.json.dumps", _dumps_but(value))
    shop.server.warnings = [value]
    completes(shop, *TRADES_ONLY)


def _dumps_but(value: str):
    genuine = json.dumps
    return lambda what, *more, **named: value if what == [value] else genuine(what, *more, **named)


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "x"])
@pytest.mark.parametrize("option", ["--max-usd", "--batch-from-mb"])
def test_limits_are_numbers(shop, option, value) -> None:
    with pytest.raises(SystemExit) as stopped:
        shop.download(*TRADES_ONLY, f"{option}={value}")
    assert stopped.value.code == 2


# --- answers without an end ----------------------------------------------------------------------

JSON_ENDPOINT = "metadata.get_dataset_condition"


@pytest.mark.parametrize("body", [b"", b"["], ids=["in its head", "in its body"])
@pytest.mark.parametrize("endpoint", [JSON_ENDPOINT, STREAM, "metadata.get_cost"])
def test_a_byte_now_and_then_is_given_up(shop, endpoint, body) -> None:
    shop.server.faults = [Fault(endpoint, "dribble", times=99, body=body)]
    started = time.monotonic()
    finished = refused(shop, *TRADES_ONLY, grace_s=0.5)
    assert time.monotonic() - started < 5
    assert "the vendor's answer comes too slowly" in finished.err
    shop.server.faults = []
    completes(shop, *TRADES_ONLY)


def test_what_came_slowly_is_kept(shop) -> None:
    shop.server.faults = [Fault(STREAM, "hang", part=0.6, times=99)]
    refused(shop, *TRADES_ONLY, grace_s=1.0)
    shop.server.faults = []
    completes(shop, *TRADES_ONLY)
    starts = [params["start"] for name, params in shop.server.requests if name == STREAM]
    assert starts[0] < starts[1]


@pytest.mark.parametrize("endpoint", [JSON_ENDPOINT, "batch.list_jobs", STREAM])
def test_an_answer_without_end_is_cut_off(shop, monkeypatch, endpoint) -> None:
    monkeypatch.setattr("ingest.download.fetch._HEADER_BYTES", 1 << 20)
    shop.server.faults = [Fault(endpoint, "flood", times=99, body=b"[" + b" " * 65_535)]
    finished = refused(shop, *TRADES_ONLY)
    assert "the vendor sends more than the" in finished.err
    assert shop.server.sent < 64 << 20
    shop.server.faults = []
    completes(shop, *TRADES_ONLY)


@pytest.mark.parametrize("endpoint", [JSON_ENDPOINT, STREAM])
def test_an_answer_is_not_unpacked(shop, endpoint) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    headers = {"Content-Encoding": "gzip"}
    shop.server.faults = [Fault(endpoint, "body", times=99, body=bomb, headers=headers)]
    assert "is packed as 'gzip'" in refused(shop, *TRADES_ONLY).err


def test_a_file_that_unpacks_to_more_than_was_quoted_is_refused(shop, monkeypatch) -> None:
    monkeypatch.setattr("ingest.download.fetch._HEADER_BYTES", 1 << 20)
    genuine = shop.server.encode

    def bomb(params, indices, found):
        raw = (
            zstandard.ZstdDecompressor().decompressobj().decompress(genuine(params, indices, found))
        )
        return zstandard.compress(raw + bytes(300 << 20))

    monkeypatch.setattr(shop.server, "encode", bomb)
    finished = refused(shop, *TRADES_ONLY)
    assert "is broken" in finished.err or "unpacks to more than was quoted" in finished.err
    monkeypatch.undo()


def test_a_job_with_a_file_larger_than_quoted_is_refused(shop) -> None:
    listing = json.dumps(
        [
            {
                "filename": "x.dbn.zst",
                "size": 10**12,
                "hash": "sha256:" + "0" * 64,
                "urls": {"https": f"{shop.server.url}/v0/batch/download/A/B/x.dbn.zst"},
            }
        ]
    )
    shop.server.faults = [Fault("batch.list_files", "body", body=listing.encode())]
    assert "more than the quoted" in refused(shop, *BATCH).err


# --- to whom the key goes ------------------------------------------------------------------------


class Thief(HTTPServer):
    """Another host; `asked` are the requests it got, with their authorization."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ThiefHandler)
        self.asked: list[tuple[str, str | None]] = []
        self.content = b"[]"
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _ThiefHandler(BaseHTTPRequestHandler):
    server: Thief

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def thief():
    with Thief() as server:
        yield server
        server.shutdown()


def listed_at(shop: Shop, monkeypatch, url: str) -> None:
    """Have the vendor name that place for its files, followed by their path."""
    genuine = shop.server.RequestHandlerClass._batch_list_files

    def listing(handler, params):
        files = genuine(handler, params)
        for file in files:
            path = file["urls"]["https"].removeprefix(shop.server.url)
            file["urls"]["https"] = f"{url}{path}"
        return files

    monkeypatch.setattr(shop.server.RequestHandlerClass, "_batch_list_files", listing)


@pytest.mark.parametrize(
    "place", ["{thief}", "http://localhost:{port}", "http://user@127.0.0.1:{port}", "x:@127.0.0.1"]
)
def test_a_file_that_is_said_to_lie_elsewhere_is_asked_of_the_vendor(
    shop, thief, monkeypatch, place
) -> None:
    listed_at(shop, monkeypatch, place.format(thief=thief.url, port=thief.server_port))
    finished = shop.download(*BATCH)
    assert thief.asked == []
    assert finished.code == (1 if place.startswith("x:") else 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("endpoint", [JSON_ENDPOINT, "metadata.get_cost", STREAM, SUBMIT])
def test_a_request_is_not_sent_elsewhere(shop, thief, endpoint, status) -> None:
    headers = {"Location": f"{thief.url}/v0/{endpoint}"}
    shop.server.faults = [Fault(endpoint, "body", times=99, status=status, headers=headers)]
    arguments = BATCH if endpoint == SUBMIT else TRADES_ONLY
    assert "sends this request elsewhere" in refused(shop, *arguments).err
    assert thief.asked == []


def test_a_file_that_the_vendor_keeps_elsewhere_is_fetched_without_the_key(shop, thief) -> None:
    headers = {"Location": f"{thief.url}/bucket/x"}
    shop.server.faults = [Fault(FETCH, "body", times=99, status=302, headers=headers)]
    refused(shop, *BATCH)
    thief.content = next(iter(shop.server.jobs.values())).content
    completes(shop, *BATCH)
    assert {key for _, key in thief.asked} == {None}


@pytest.mark.parametrize(
    "url",
    [
        "http://hist.databento.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "https://127.0.0.1@example.com",
        "http://10.0.0.1:8000",
        "ftp://127.0.0.1",
        "hist.databento.com",
        "https://",
    ],
)
def test_the_key_goes_over_https_or_to_this_machine(shop, monkeypatch, url) -> None:
    monkeypatch.setenv("ES_DATABENTO_URL", url)
    monkeypatch.setattr(http.requests, "request", lambda **_: pytest.fail("was sent"))
    finished = shop.download(*TRADES_ONLY)
    assert finished.code == 2
    assert "is not https" in finished.err
    assert len(finished.err.splitlines()) == 1
