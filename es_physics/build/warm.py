"""What every build of a backfill shares: dbt imported and the project parsed, once a process.

The fork server of `es_physics.build.build_date` imports this module; each session is then a fork of
it, a process with a memory, a database and a fate of its own that needs neither the imports nor the
parsing. The parsed project (dbt's manifest) holds no date: dates enter in model SQL and macros,
which dbt renders in each build, and a test keeps them out of what it renders while parsing. A
manifest that is kept over *changed vars* would silently build with the old ones wherever YAML or a
config uses them, so it is kept by vars.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import tempfile
from contextlib import suppress

# What the nodes of each build would import.
import dbt.adapters.duckdb.environments.local  # noqa: F401
import pandas  # noqa: F401
import pyarrow.dataset  # noqa: F401
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

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

_parsed: dict[str, tuple[Manifest, str]] = {}


class ParseError(Error):
    """dbt could not parse the project; its message says why."""


def parsed_project(overrides: str) -> tuple[Manifest, str]:
    """dbt's manifest under the vars `overrides` (JSON), and the version of the code it is of."""
    if overrides not in _parsed:
        version = code_version()
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
        _parsed[overrides] = result.result, version
    return _parsed[overrides]


# In the fork server, before the first build. A failure shows again, with its message, in a build.
if WARM_VARS in os.environ:
    os.environ["ES_DUCKDB_PATH"] = DATABASE
    with suppress(Exception):
        parsed_project(os.environ[WARM_VARS])
    # What is here stays: no build need look through it for garbage, nor copy it by doing so.
    gc.freeze()
    # What is left at the end DuckDB would take for a leak, and say so.
    atexit.register(gc.unfreeze)
