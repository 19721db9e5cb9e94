"""What every build of a backfill shares: dbt imported and the project parsed, once a process.

The fork server of `es_physics.build.build_date` imports this module; each session is then a fork of
it, a process with a memory, a database and a fate of its own that needs neither the imports nor the
parsing. The parsed project (dbt's manifest) holds no date: dates enter in model SQL and macros,
which dbt renders in each build, and a test keeps them out of what it renders while parsing. A
manifest that is kept over *changed vars* would silently build with the old ones wherever YAML or a
config uses them, so it is kept by vars.

It is kept on disk too, below `target`, for the next command: parsing takes longer than the queries
of a small session. A file is of one state of all that dbt parses (`parse_state`), so that none can
be taken for another; one that cannot be read is as good as none.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import json
import os
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

# What the nodes of each build would import.
import dbt.adapters.duckdb.environments.local  # noqa: F401
import pandas  # noqa: F401
import pyarrow.dataset  # noqa: F401
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

import es_physics.bronze.dbt_plugin
import es_physics.quant.chain_volatility
import es_physics.quant.first_passage
import es_physics.quant.triple_barrier
import es_physics.quant.uniqueness  # noqa: F401
from es_physics.errors import Error
from es_physics.silver.fingerprint import code_version

DATABASE = "es_physics.duckdb"
"""Every scratch database's file: its name is part of the parsed project."""

WARM_VARS = "ES_WARM_VARS"
"""Environment variable that tells the fork server which vars to parse the project with."""

DBT_FLAGS = (
    *("--no-use-colors", "--no-write-json"),
    *("--log-level", "none", "--log-level-file", "none"),
)

KEPT = Path("target", "parsed")
"""Where parsed projects are kept, one for each set of vars."""

_PARSED_FILES = ("dbt_project.yml", "profiles.yml", "macros", "models", "python_models", "seeds")
_PARSERS = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb")

_parsed: dict[str, tuple[Manifest, str]] = {}


class ParseError(Error):
    """dbt could not parse the project; its message says why."""


def parsed_project(overrides: str) -> tuple[Manifest, str]:
    """dbt's manifest under the vars `overrides` (JSON), and the version of the code it is of."""
    if overrides not in _parsed:
        code = code_version()
        kept = KEPT / f"{_short(overrides)}-{parse_state(Path(), overrides)}.msgpack"
        manifest = read_kept(kept)
        if manifest is None:
            manifest = _parse(overrides)
            _keep(manifest, kept)
        _parsed[overrides] = manifest, code
    return _parsed[overrides]


def parse_state(project: Path, overrides: str) -> str:
    """sha256 over all that decides how dbt parses `project` under the vars `overrides` (JSON)."""
    surroundings = {
        "project": str(project.absolute()),
        "vars": overrides,
        "packages": {name: version(name) for name in _PARSERS},
        "python": sys.version,
        "environment": {key: text for key, text in os.environ.items() if key.startswith("DBT_")},
    }
    digest = hashlib.sha256(json.dumps(surroundings, sort_keys=True).encode())
    for name in (*_PARSED_FILES, "tests"):
        top = project / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            # Tests in Python are none of dbt's.
            if path.is_file() and (path.suffix != ".py" or name != "tests"):
                digest.update(f"{path.relative_to(project)}\n".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _parse(overrides: str) -> Manifest:
    dated = json.loads(overrides) | {"session_date": "2000-01-03"}
    with tempfile.TemporaryDirectory() as folder:
        result = dbtRunner().invoke(
            [
                *("parse", "--no-partial-parse", *DBT_FLAGS, "--vars", json.dumps(dated)),
                *("--target-path", folder, "--log-path", folder),
            ]
        )
    if not isinstance(result.result, Manifest):
        raise ParseError(str(result.exception))
    return result.result


def read_kept(kept: Path) -> Manifest | None:
    """The parsed project in this file; None if it is not there or cannot be read."""
    try:
        # As dbt writes and reads what it parsed for its own next run.
        manifest = Manifest.from_msgpack(kept.read_bytes(), decoder=extended_mashumuro_decoder)
    except Exception:  # not there, cut short, or of another form: parsing is always right
        return None
    manifest.build_flat_graph()
    return manifest


def _keep(manifest: Manifest, kept: Path) -> None:
    """Put it in the place of what was kept of these vars; a folder that is full loses time only."""
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
            file.write(manifest.to_msgpack(extended_mashumaro_encoder))
        Path(file.name).replace(kept)
        for other in kept.parent.glob(f"{kept.name.partition('-')[0]}-*"):
            if other != kept:
                other.unlink(missing_ok=True)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


# In the fork server, before the first build. A failure shows again, with its message, in a build.
if WARM_VARS in os.environ:
    os.environ["ES_DUCKDB_PATH"] = DATABASE
    with suppress(Exception):
        parsed_project(os.environ[WARM_VARS])
    # What is here stays: no build need look through it for garbage, nor copy it by doing so.
    gc.freeze()
    # What is left at the end DuckDB would take for a leak, and say so.
    atexit.register(gc.unfreeze)
