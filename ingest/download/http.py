"""Requests to the vendor's API, and to nobody else: each bounded in bytes and in time.

The vendor's client says what to send; this sends it in the client's place, which would follow any
redirect, unpack whatever comes, and wait for ever for an answer that comes byte by byte.
"""

from __future__ import annotations

import io
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
from databento.common.system import USER_AGENT
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from es_physics.errors import Error
from ingest.download.errors import DownloadError, OversizeError, SlowError, UsageError
from ingest.download.pace import Pace

_SILENCE_S = 100.0
_PIECE_BYTES = 1 << 12
"""As much as is lost where an answer breaks off."""

_ANSWER_BYTES = 8 << 20
"""More than any answer but the list of an account's jobs, with all of their symbols."""

_LIST_BYTES = 32 << 20
_PROBLEM_BYTES = 1 << 16
_HEADERS = {"accept": "application/json", "user-agent": USER_AGENT, "accept-encoding": "identity"}


class HttpError(Error):
    """The vendor answered with a status of 300 and above. `body`: what it says, as text."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.headers, self.body = status, headers, body


@dataclass
class Answer:
    """An answer of the API."""

    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body's JSON. ValueError or RecursionError if it is none."""
        return json.loads(self.body)


@dataclass
class _Call:
    """A request on its way, in a thread of its own; `abandon` leaves that behind."""

    out: BinaryIO
    most_bytes: int
    received: int = 0
    problem: bytes = b""
    response: requests.Response | None = None
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_abandoned: bool = False

    def send(self, begin: Callable[[int], None], request: Mapping[str, Any]) -> None:
        try:
            with requests.request(
                **request, timeout=(_SILENCE_S, _SILENCE_S), stream=True, allow_redirects=False
            ) as response:
                self.response = response
                packed = response.headers.get("Content-Encoding", "identity")
                if packed.lower() != "identity":
                    raise DownloadError(
                        f"the vendor's answer is packed as {packed[:20]!r}, which was not asked"
                        " for; run again later"
                    )
                if response.status_code < 300:
                    begin(response.status_code)
                for piece in response.raw.stream(_PIECE_BYTES, decode_content=False):
                    if not self._take(piece, is_problem=response.status_code >= 300):
                        break
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    def _take(self, piece: bytes, *, is_problem: bool) -> bool:
        """Keep what has arrived; whether more is wanted."""
        with self._lock:
            if self._is_abandoned:
                return False
            self.received += len(piece)
            if is_problem:
                self.problem = (self.problem + piece)[:_PROBLEM_BYTES]
                return len(self.problem) < _PROBLEM_BYTES
            if self.received > self.most_bytes:
                raise OversizeError(
                    f"the vendor sends more than the {self.most_bytes:,} bytes that such an answer"
                    " can have; it was cut off there"
                )
            self.out.write(piece)
            return True

    def abandon(self) -> None:
        """Take nothing more, and let go of the connection if the thread has one."""
        with self._lock:
            self._is_abandoned = True
        with suppress(Exception):
            if self.response is not None:
                self.response.raw.shutdown()


class Http:
    """The API's host, which alone is sent the key, over https or on this machine."""

    def __init__(self, key: str, base_url: str, pace: Pace) -> None:
        """Raises UsageError for a base URL that the key may not be sent to."""
        self._key, self._pace = key, pace
        self._base = base_url.rstrip("/")
        if not _is_safe(self._base):
            raise UsageError(
                f"the API's address {base_url!r} is not https, and the key is sent in the clear to"
                " this machine only (http://127.0.0.1:PORT)"
            )

    def get(self, url: str, params: Any = None, basic_auth: bool = False) -> Answer:
        """As the client's own: the answer to a GET."""
        return self._answered("GET", url, params=params)

    def post(
        self, url: str, data: Any = None, params: Any = None, basic_auth: bool = False
    ) -> Answer:
        """As the client's own: the answer to a POST."""
        return self._answered("POST", url, data=data, params=params)

    def stream(self, url: str, data: Any, basic_auth: bool, path: Path, most_bytes: int) -> Answer:
        """As the client's own, into a new file: the answer to a POST of at most so many bytes."""
        try:
            with open(path, "xb") as out:
                return self._exchanged("POST", url, out, most_bytes, data=data)
        finally:
            with suppress(FileNotFoundError):
                if not path.stat().st_size:
                    path.unlink()

    def download(self, path: str, file: Path, have: int, most_bytes: int) -> None:
        """Append to `file`, which has `have` bytes, what lies at that path of the API's host.

        Of another URL the path is taken: the vendor names another of its hosts. Where the API's
        sends elsewhere, over https, it is asked there, once and without the key.
        """
        url = f"{self._base}/{urlsplit(path).path.lstrip('/')}"
        headers = {"Range": f"bytes={have}-"} if have else {}
        with file.open("ab") as out:

            def begin(status: int) -> None:
                if status != 206:
                    out.truncate(0)

            try:
                self._exchanged("GET", url, out, most_bytes, begin, headers=headers)
            except HttpError as error:
                elsewhere = urljoin(url, error.headers.get("Location", ""))
                if error.status not in (301, 302, 303, 307, 308) or not _is_safe(elsewhere):
                    raise
                self._exchanged(
                    "GET", elsewhere, out, most_bytes, begin, headers=headers, with_key=False
                )

    def _answered(self, method: str, url: str, **request: Any) -> Answer:
        out = io.BytesIO()
        most = _LIST_BYTES if url.endswith(".list_jobs") else _ANSWER_BYTES
        answer = self._exchanged(method, url, out, most, **request)
        answer.body = out.getvalue()
        return answer

    def _exchanged(
        self,
        method: str,
        url: str,
        out: BinaryIO,
        most_bytes: int,
        begin: Callable[[int], None] = lambda status: None,
        *,
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        **request: Any,
    ) -> Answer:
        """Send a request and write what is answered to `out`. HttpError, SlowError, OversizeError.

        begin: told the status before the first byte.
        """
        assert not with_key or url.startswith(f"{self._base}/"), url
        call = _Call(out, most_bytes)
        request |= {"method": method, "url": url, "headers": {**_HEADERS, **(headers or {})}}
        if with_key:
            request["auth"] = (self._key, "")
        threading.Thread(target=call.send, args=(begin, request), daemon=True).start()
        started = time.monotonic()
        while not call.ended.wait(self._pace.grace_s / 8):
            taken = time.monotonic() - started
            if taken > self._pace.grace_s + call.received / self._pace.least_bytes_per_s:
                call.abandon()
                raise SlowError(
                    f"the vendor's answer comes too slowly ({call.received:,} bytes in"
                    f" {taken:.0f} s) and was given up; run again later"
                )
        if call.error is not None:
            raise call.error
        assert call.response is not None
        if (status := call.response.status_code) >= 300:
            text = call.problem.decode(errors="replace")
            raise HttpError(status, call.response.headers, text)
        return Answer(call.response.headers)


def _is_safe(url: str) -> bool:
    """Whether it is https, or on this machine. As the library reads it that will connect."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    host = (parts.host or "").strip("[]")
    if parts.auth or not host:
        return False
    if parts.scheme == "https":
        return True
    with suppress(ValueError):
        return parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    return parts.scheme == "http" and host == "localhost"
