"""A server on loopback that answers as the vendor's historical API does, and keeps the books.

It sells what `vendor_market` makes. Faults are given by endpoint, and each is used up a number of
times. Every record that leaves over a stream is billed, as the vendor bills outbound data, even if
the answer is cut off; a batch job is billed once, when it is submitted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import zstandard
from databento_dbn import SType
from dbn_files import dtype, metadata
from vendor_market import Stock

KEY = "db-TestKeyNobodyMaySee1234567890"
USD_PER_BYTE = 2e-6

FIRST_STATES = ["queued", "processing", "done"]
"""Of a batch job, one for each time it is looked at."""

_RECORDS_PER_BLOCK = 20

Params = dict[str, str]


@dataclass
class Fault:
    """What goes wrong at an endpoint, such as "timeseries.get_range".

    kind:    `status`: answer `status` with `headers`; `cut`: close the connection after `part` of
             the body; `truncate`: end the answer properly after `part` of it; `short`: leave out
             the last record; `flip`: change a byte; `hang`: send `part` and then nothing more;
             `lost`: do what was asked and close the connection; `add`: add 1 to a number;
             `other`: answer what `change` makes of the request and of the records' indices;
             `body`: answer `body` with `headers`, whatever was asked; `dribble`: a byte of it now
             and then, for ever; `flood`: more and more of it.
    framing: how the body's end is marked: `chunked`, `length`, or `close` of the connection.
    """

    endpoint: str
    kind: str
    times: int = 1
    part: float = 0.6
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    case: str = "internal_error"
    framing: str = "chunked"
    match: Callable[[Params], bool] = lambda params: True
    change: Callable[[Params, Any], tuple[Params, Any]] = lambda params, indices: (params, indices)
    body: bytes = b""


@dataclass
class Job:
    """A batch job: what was asked for, its states still to come, and its data file."""

    id: str
    params: Params
    states: list[str]
    name: str
    content: bytes

    def listing(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.states[0],
            "symbols": self.params["symbols"],
            "limit": None,
            "ts_received": "2025-12-20T00:00:00.000000000Z",
            **{
                name: self.params[name]
                for name in (
                    *("dataset", "schema", "stype_in", "stype_out", "start", "end"),
                    *("encoding", "compression", "split_duration", "delivery"),
                )
            },
        }


class RefusedRequest(Exception):
    """An error answer."""

    def __init__(self, status: int, case: str, message: str) -> None:
        super().__init__(message)
        self.status, self.case, self.message = status, case, message


class VendorServer(ThreadingHTTPServer):
    """The server; `with` runs it.

    requests: every request as (endpoint, parameters).
    billed:   how often each record was paid for, by (schema, index in the stock).
    sent:     bytes of a `flood`.
    bytes_per_record: compressed, least of all answers.
    conditions: by UTC date; what is not named is available.
    silent_dormant: a dormant parent resolves to nothing instead of a 422.
    """

    daemon_threads = True

    def __init__(self, stock: Stock) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stock = stock
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, Params]] = []
        self.billed: Counter[tuple[str, int]] = Counter()
        self.bytes_per_record = float("inf")
        self.conditions: dict[str, tuple[str, str | None]] = {}
        self.warnings: list[str] = []
        self.silent_dormant = False
        self.jobs: dict[str, Job] = {}
        self.lock = threading.Lock()
        self.hanging = threading.Event()
        self.sent = 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> VendorServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that were killed are part of the tests."""

    # --- the books ---------------------------------------------------------------------------

    def paid(self) -> list[tuple[str, Params]]:
        """The requests that cost money, in order."""
        costly = ("timeseries.get_range", "batch.submit_job")
        return [request for request in self.requests if request[0] in costly]

    def paid_twice(self) -> int:
        """How many payments were for a record that had been paid for."""
        return sum(times - 1 for times in self.billed.values())

    def usd(self) -> float:
        """What the account owes."""
        return sum(
            times * dtype(schema).itemsize * USD_PER_BYTE
            for (schema, _), times in self.billed.items()
        )

    def fault(self, endpoint: str, params: Params) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        with self.lock:
            self.requests.append((endpoint, params))
            for fault in self.faults:
                if fault.endpoint == endpoint and fault.times > 0 and fault.match(params):
                    fault.times -= 1
                    return fault
        return None

    def bill(self, schema: str, indices: Any) -> None:
        with self.lock:
            self.billed.update((schema, int(index)) for index in indices)

    # --- answers -----------------------------------------------------------------------------

    def resolve(self, params: Params) -> dict[int, str]:
        """The instruments that the symbols stand for; RefusedRequest as the vendor has it."""
        symbols, stype = params["symbols"].split(","), params["stype_in"]
        assert len(symbols) <= 2000
        known = self.stock.instruments.items()
        field_of = {"parent": "parent", "raw_symbol": "symbol"}[stype]
        found = {n: item.symbol for n, item in known if getattr(item, field_of) in symbols}
        if stype == "parent":
            parents = {item.parent for _, item in known}
            if dormant := [symbol for symbol in symbols if symbol not in parents]:
                raise RefusedRequest(
                    422,
                    "symbology_invalid_request",
                    f"Could not resolve smart symbols: {', '.join(dormant)}",
                )
        elif not found:
            raise RefusedRequest(
                422, "symbology_invalid_request", "None of the symbols could be resolved"
            )
        return found

    def select(self, params: Params) -> tuple[Any, dict[int, str]]:
        """The indices of the records that answer a request, and its instruments."""
        found = self.resolve(params)
        rows = self.stock.records[params["schema"]]
        start, end = _ns(params["start"]), _ns(params["end"])
        times = rows["ts_recv"].astype(np.int64)
        wanted = np.isin(rows["instrument_id"], [*found]) & (times >= start) & (times < end)
        return np.flatnonzero(wanted), found

    def encode(self, params: Params, indices: Any, found: dict[int, str]) -> bytes:
        """The DBN answer, with a block end after every few records, as a stream is flushed."""
        header = metadata(
            params["schema"],
            _ns(params["start"]),
            _ns(params["end"]),
            symbols=tuple(params["symbols"].split(",")),
            ids=found,
            stype_in=SType.from_str(params["stype_in"]),
        ).encode()
        rows = self.stock.records[params["schema"]][indices]
        compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj()
        parts = [compressor.compress(header)]
        for at in range(0, len(rows), _RECORDS_PER_BLOCK):
            parts.append(compressor.compress(rows[at : at + _RECORDS_PER_BLOCK].tobytes()))
            parts.append(compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        body = b"".join([*parts, compressor.flush()])
        if len(rows):
            self.bytes_per_record = min(self.bytes_per_record, len(body) / len(rows))
        return body

    def condition_of(self, day: str) -> dict[str, str | None]:
        condition, modified = self.conditions.get(day, ("available", "2025-12-20"))
        return {"date": day, "condition": condition, "last_modified_date": modified}


def _ns(text: str) -> int:
    assert text.endswith("Z"), f"{text} has no timezone"
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: VendorServer

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `requests`."""

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(dict(parse_qsl(self.rfile.read(length).decode())))

    def _answer(self, params: Params) -> None:
        path = urlsplit(self.path).path.removeprefix("/v0/")
        endpoint = "batch.download" if path.startswith("batch/download/") else path
        endpoint = endpoint.replace("/", ".").replace("..", ".")
        fault = self.server.fault(endpoint, params)
        try:
            self._authenticate()
            if fault and fault.kind in ("body", "dribble", "flood"):
                self._send_body(fault)
            elif fault and fault.kind == "status":
                raise RefusedRequest(fault.status, fault.case, f"refused as {fault.case}")
            elif endpoint == "timeseries.get_range":
                self._stream(params, fault)
            elif endpoint == "batch.download":
                self._send_file(path, fault)
            else:
                answer = getattr(self, "_" + endpoint.replace(".", "_"))(params)
                if fault and fault.kind == "lost":
                    self.close_connection = True
                    return
                self._send_json(200, answer + 1 if fault and fault.kind == "add" else answer)
        except RefusedRequest as error:
            detail = {
                "case": error.case,
                "message": error.message,
                "status_code": error.status,
                "docs": "https://databento.com/docs",
                "payload": {},
            }
            self._send_json(error.status, {"detail": detail}, fault.headers if fault else {})

    def _send_body(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "dribble" and not fault.body:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        else:
            self.send_response(200 if fault.status == 500 else fault.status)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fault.body)
        with suppress(OSError):
            while fault.kind != "body":
                self.wfile.write(b" " if fault.kind == "dribble" else fault.body)
                self.wfile.flush()
                self.server.sent += len(fault.body)
                if fault.kind == "dribble":
                    time.sleep(0.02)

    def _authenticate(self) -> None:
        expected = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        if self.headers.get("Authorization") != expected:
            raise RefusedRequest(401, "auth_authentication_failed", "Authentication failed.")

    def _send_json(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # --- metadata and symbology --------------------------------------------------------------

    def _metadata_get_record_count(self, params: Params) -> int:
        return len(self.server.select(params)[0])

    def _metadata_get_billable_size(self, params: Params) -> int:
        return self._metadata_get_record_count(params) * dtype(params["schema"]).itemsize

    def _metadata_get_cost(self, params: Params) -> float:
        return self._metadata_get_billable_size(params) * USD_PER_BYTE

    def _metadata_get_dataset_condition(self, params: Params) -> list[dict[str, str | None]]:
        first, last = (np.datetime64(params[key]) for key in ("start_date", "end_date"))
        return [self.server.condition_of(str(day)) for day in np.arange(first, last + 1)]

    def _symbology_resolve(self, params: Params) -> dict[str, Any]:
        try:
            found = self.server.resolve(params)
        except RefusedRequest:
            if not self.server.silent_dormant:
                raise
            found = {}
        first, last = params["start_date"], params["end_date"]
        missing = [] if found else params["symbols"].split(",")
        return {
            "result": {
                symbol: [{"d0": first, "d1": last, "s": str(number)}]
                for number, symbol in found.items()
            },
            "symbols": params["symbols"].split(","),
            "stype_in": params["stype_in"],
            "stype_out": params["stype_out"],
            "start_date": first,
            "end_date": last,
            "partial": [],
            "not_found": missing,
            "message": "Not found" if missing else "OK",
            "status": 2 if missing else 0,
        }

    # --- streams -----------------------------------------------------------------------------

    def _stream(self, params: Params, fault: Fault | None) -> None:
        indices, found = self.server.select(params)
        kind = fault.kind if fault else ""
        sent = indices[:-1] if kind == "short" else indices
        if fault and kind == "other":
            params, sent = fault.change(params, indices)
            found = self.server.resolve(params)
        body = self.server.encode(params, sent, found)
        if kind == "flip":
            body = _with_flipped_byte(body)
        whole = len(body)
        if fault and kind in ("cut", "truncate", "hang"):
            body = body[: int(fault.part * whole)]
            sent = sent[: _whole_records(body, params)]
        self.server.bill(params["schema"], sent)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if self.server.warnings:
            self.send_header("X-Warning", json.dumps(self.server.warnings))
        framing = fault.framing if fault else "chunked"
        if framing == "length":
            self.send_header("Content-Length", str(whole if kind == "cut" else len(body)))
        elif framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for at in range(0, len(body), 4096):
            piece = body[at : at + 4096]
            if framing == "chunked":
                piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            self.wfile.write(piece)
        self.wfile.flush()
        if kind == "hang":
            self.server.hanging.set()
            self.rfile.read(1)  # Until the client goes away.
        if kind in ("cut", "hang") or framing == "close":
            self.close_connection = True
        elif framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    # --- batch -------------------------------------------------------------------------------

    def _batch_submit_job(self, params: Params) -> dict[str, Any]:
        indices, found = self.server.select(params)
        self.server.bill(params["schema"], indices)
        job = Job(
            id=f"GLBX-20251220-{len(self.server.jobs):010d}",
            params=params,
            states=[*FIRST_STATES],
            name=f"glbx-mdp3-20251216.{params['schema']}.dbn.zst",
            content=self.server.encode(params, indices, found),
        )
        self.server.jobs[job.id] = job
        return job.listing()

    def _batch_list_jobs(self, params: Params) -> list[dict[str, Any]]:
        listed = []
        for job in self.server.jobs.values():
            if job.states[0] in params["states"].split(","):
                listed.append(job.listing())
                if len(job.states) > 1:
                    job.states.pop(0)
        return listed

    def _batch_list_files(self, params: Params) -> list[dict[str, Any]]:
        job = self.server.jobs[params["job_id"]]
        contents = {"metadata.json": b"{}", job.name: job.content}
        return [
            {
                "filename": name,
                "size": len(content),
                "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
                "urls": {"https": f"{self.server.url}/v0/batch/download/ACCOUNT/{job.id}/{name}"},
            }
            for name, content in contents.items()
        ]

    def _send_file(self, path: str, fault: Fault | None) -> None:
        body = self.server.jobs[path.split("/")[-2]].content
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
        kind = fault.kind if fault else ""
        part = (_with_flipped_byte(body) if kind == "flip" else body)[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if fault and kind in ("cut", "hang"):
            part = part[: int(fault.part * len(part))]
            self.close_connection = True
        self.wfile.write(part)
        self.wfile.flush()
        if kind == "hang":
            self.server.hanging.set()
            self.rfile.read(1)


def _with_flipped_byte(body: bytes) -> bytes:
    at = 2 * len(body) // 3
    return body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]


def _whole_records(body: bytes, params: Params) -> int:
    """How many records can be got from the beginning of a compressed answer."""
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    if len(raw) < 8:
        return 0
    header = 8 + int.from_bytes(raw[4:8], "little")
    return max(0, len(raw) - header) // dtype(params["schema"]).itemsize
