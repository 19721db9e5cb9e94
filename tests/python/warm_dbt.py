"""dbt commands as forks of one process that has imported dbt and parsed the project.

Importing and parsing take longer than a small build. Only what does not enter parsing may differ
between the commands: a session's date and paths, or gold's vars. Where something else differs
(another project, another target, other vars of a session) the fork parses for itself.

Of what makes a backfill's dbt cheaper, forks have what no user can see: contexts, macros and
templates that are made once.

As a script, `warm_dbt.py SOCKET TARGET FOLDER` it is the server; it ends with its parent.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_START_S = 240.0
_DATABASES = ("ES_DUCKDB_PATH", "ES_GOLD_DUCKDB_PATH")


class WarmDbt:
    """Runs dbt commands of one target in forks of a server, which starts with the first."""

    def __init__(self, target: str, project: Path, database: str) -> None:
        self._target = target
        self._project = project
        self._database = database
        self._starting = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._socket = ""

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        unparsed: Path | None = None,
        writes_manifest: bool = True,
    ) -> tuple[int, str]:
        """The exit code of `dbt ARGUMENTS`, and all that it printed; `unparsed` is the folder of a
        project that has to be parsed first. Of a build, manifest.json costs a second."""
        with self._starting:
            self._start()
        with tempfile.TemporaryFile() as output, socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._socket)
            request = json.dumps(
                {
                    "arguments": [*arguments],
                    "environment": {**environment},
                    "unparsed": unparsed and str(unparsed),
                    "writes_manifest": writes_manifest,
                }
            )
            socket.send_fds(connection, [b"\n"], [output.fileno()])
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile().read()
            output.seek(0)
            said = output.read().decode()
        return (int(answer) if answer else -1), said

    def _start(self) -> None:
        if self._server and self._server.poll() is None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="warm_dbt_")
        self._socket = f"{self._folder.name}/socket"
        said = Path(self._folder.name, "said")
        with said.open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, __file__, self._socket, self._target, self._folder.name],
                cwd=self._project,
                env=os.environ | dict.fromkeys(_DATABASES, self._database),
                stdout=log,
                stderr=log,
            )
        atexit.register(_end, self._server)
        deadline = time.monotonic() + _START_S
        while not Path(self._socket).exists():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dbt did not start: {said.read_text()}")
            time.sleep(0.05)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()  # so that its time is of these tests


def _serve(path: str, target: str, folder: str) -> None:
    import es_physics.build.before_warm  # noqa: F401, I001  (it comes first)
    import dbt.task.runnable
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from es_physics.build import lean_dbt
    from es_physics.build.warm import templates_of

    # A fork that parses has none of the threads that dbt's static parser would have started here.
    parsed = dbtRunner().invoke(
        [
            *("parse", "--no-partial-parse", "--no-static-parser", "--target", target),
            "--no-write-json",
            *("--log-level", "none", "--log-level-file", "none"),
            *("--target-path", folder, "--log-path", folder),
        ]
    )
    if not parsed.success:
        raise SystemExit(f"dbt could not parse the project: {parsed.exception}")
    lean_dbt.keep_templates(templates_of(parsed.result))
    lean_dbt.make_once()
    parent = os.getppid()
    gc.freeze()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _, (output, *_), _, _ = socket.recv_fds(self.request, 1, 1)
            os.dup2(output, 1)
            os.dup2(output, 2)
            request = json.loads(self.request.makefile().read())
            os.environ.clear()
            os.environ.update(request["environment"])
            manifest = parsed.result
            if request["unparsed"]:
                os.chdir(request["unparsed"])
                manifest = None
            if not request["writes_manifest"]:
                dbt.task.runnable.write_manifest = lambda manifest, target_path: None
            code = _invoke(dbtRunner(manifest), request["arguments"])
            # Its database is read by others, and a fork ends without closing it.
            DuckDBConnectionManager.close_all_connections()
            sys.stdout.flush()
            sys.stderr.flush()
            self.request.sendall(str(code).encode())

    class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
        block_on_close = False

        def service_actions(self) -> None:
            super().service_actions()
            if os.getppid() != parent:
                os._exit(0)

    draft = f"{path}.draft"
    with Server(draft, Handler) as server:
        os.replace(draft, path)
        server.serve_forever()


def _invoke(runner: Any, arguments: Sequence[str]) -> int:
    """As dbt's command ends: 0, 1 for a failure in a node, 2 for what kept it from running."""
    result = runner.invoke([*arguments])
    return 0 if result.success else 1 if result.exception is None else 2


if __name__ == "__main__":
    _serve(*sys.argv[1:])
