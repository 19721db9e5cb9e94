"""What builds of a backfill or a proof share: dbt imported and the project parsed, once a process.

The fork server of `es_physics.build.build_date` imports this module; each session is then a fork of
it, a process with a memory, a database and a fate of its own that needs neither the imports nor the
parsing. The parsed project (dbt's manifest) holds no date: dates enter in model SQL and macros,
which dbt renders in each build, and a test keeps them out of what it renders while parsing. A
manifest that is kept over *changed vars* would silently build with the old ones wherever YAML or a
config uses them, so it is kept by vars.

Of dbt's 600 macros it has those that a build can come to: for each node dbt makes all of them
callable, twice, which costs more than the node's small query.

It is kept on disk too, below `target`, for the next command: parsing takes longer than the queries
of a small session. A file is of one state of all that dbt parses (`parse_state`), so that none can
be taken for another; one that cannot be read is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

# What the nodes of each build would import.
import dbt.adapters.duckdb.environments.local
import dbt.task.build  # noqa: F401
import pandas  # noqa: F401
import pyarrow.dataset  # noqa: F401
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import GenericTestNode, Macro
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

import es_physics.bronze.dbt_plugin
import es_physics.quant.chain_volatility
import es_physics.quant.first_passage
import es_physics.quant.triple_barrier
import es_physics.quant.uniqueness  # noqa: F401
from es_physics.build import lean_dbt
from es_physics.errors import Error
from es_physics.project import declared_vars
from es_physics.silver.fingerprint import code_version

DATABASE = ":memory:"
"""Every scratch database: one that ends with its process need not be compressed and written. Its
name is part of the parsed project."""

WARM_VARS = "ES_WARM_VARS"
"""Environment variable that tells the fork server which vars to parse the project with."""

DBT_FLAGS = (
    *("--no-use-colors", "--no-write-json"),
    *("--log-level", "none", "--log-level-file", "none"),
)

KEPT = Path("target", "parsed")
"""Where parsed projects are kept, one for each set of vars."""

_PARSED_FILES = ("dbt_project.yml", "profiles.yml", "macros", "models", "python_models", "seeds")
_PARSERS = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "jinja2")

_CALLED_BY_DBT = (
    *("macros/adapters", "macros/python_model", "macros/unit_test_sql"),
    *("macros/relations/drop", "macros/relations/rename"),
)
"""Where the macros lie that dbt's Python code calls by their names."""

OF_SQL_ALONE = frozenset({"fixed_front_month"})
"""Vars that no YAML and no config reads, which a test holds: the project is parsed without them."""

_parsed: dict[tuple[Path, str], tuple[Manifest, str]] = {}


class ParseError(Error):
    """dbt could not parse the project; its message says why."""


def parsed_project(overrides: str) -> tuple[Manifest, str]:
    """dbt's manifest under the vars `overrides` (JSON), and the version of the code it is of."""
    overrides = _parsed_with(overrides)
    key = Path.cwd(), overrides
    if key not in _parsed:
        code = code_version()
        kept = KEPT / f"{_short(overrides)}-{parse_state(Path(), overrides)}.parsed"
        manifest = read_kept(kept)
        if manifest is None:
            content = _parse(overrides)
            _keep(content, kept)
            manifest = _read(content)
        _parsed[key] = manifest, code
    return _parsed[key]


def _parsed_with(overrides: str) -> str:
    """Those of the vars `overrides` (JSON) that parsing could come to."""
    given = json.loads(overrides)
    return json.dumps({name: given[name] for name in sorted(set(given) - OF_SQL_ALONE)})


def parse_state(project: Path, overrides: str) -> str:
    """sha256 over all that decides how dbt parses `project` under the vars `overrides` (JSON)."""
    surroundings = {
        "project": str(project.absolute()),
        "vars": overrides,
        "packages": {name: version(name) for name in _PARSERS},
        "python": sys.version,
        "what is kept": [
            hashlib.sha256(Path(module).read_bytes()).hexdigest()
            for module in (__file__, lean_dbt.__file__)
        ],
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


def _parse(overrides: str) -> bytes:
    """The parsed project as dbt writes it for its own next run, and its templates."""
    # dbt's static parser starts threads: a build that parses, as where the fork server could not,
    # would wait forever for those that its fork has not.
    result = _run_dbt(("parse", "--no-partial-parse", "--no-static-parser"), overrides)
    if not isinstance(result.result, Manifest):
        raise ParseError(str(result.exception))
    manifest = result.result
    manifest.macros = {macro.unique_id: macro for macro in macros_of_a_build(manifest)}
    templates = templates_of(manifest)
    return marshal.dumps((manifest.to_msgpack(extended_mashumaro_encoder), templates))


def templates_of(manifest: Manifest) -> lean_dbt.Templates:
    """What Jinja makes of the SQL and the macros of the parsed project, and of its tests' texts."""
    nodes = manifest.nodes.values()
    return lean_dbt.compiled_templates(
        [macro.macro_sql for macro in manifest.macros.values()] + [node.raw_code for node in nodes],
        [
            text
            for node in nodes
            if isinstance(node, GenericTestNode)
            for text in texts_in(node.test_metadata.kwargs)
        ],
    )


def texts_in(arguments: Any) -> Iterator[str]:
    """All that is text in the arguments of a test, however deep."""
    if isinstance(arguments, str):
        yield arguments
    elif isinstance(arguments, dict | list):
        for each in arguments.values() if isinstance(arguments, dict) else arguments:
            yield from texts_in(each)


def _run_dbt(
    command: tuple[str, ...], overrides: str, manifest: Manifest | None = None
) -> dbtRunnerResult:
    dated = json.loads(overrides) | {"session_date": "2000-01-03"}
    with tempfile.TemporaryDirectory() as folder:
        return dbtRunner(manifest).invoke(
            [
                *(*command, *DBT_FLAGS, "--vars", json.dumps(dated)),
                *("--target-path", folder, "--log-path", folder),
            ]
        )


def macros_of_a_build(manifest: Manifest) -> list[Macro]:
    """All that a build of the parsed project can call: the project's own, those that its nodes and
    dbt's Python code call, and whatever these call in turn."""
    project = manifest.metadata.project_name or ""
    waiting = [
        macro.unique_id
        for macro in manifest.macros.values()
        if macro.package_name == project or macro.original_file_path.startswith(_CALLED_BY_DBT)
    ]
    return _with_called([*waiting, *_called_by_nodes(manifest)], manifest)


def _called_by_nodes(manifest: Manifest) -> list[str]:
    """The macros that models, seeds, tests and hooks call, and those that materialize them."""
    kinds = {node.config.materialized for node in manifest.nodes.values()}
    kinds |= {"unit"} if manifest.unit_tests else set()
    names = {
        f"materialization_{kind}_{adapter}"
        for kind in kinds
        for adapter in (manifest.metadata.adapter_type, "default")
    }
    called = [name for node in manifest.nodes.values() for name in node.depends_on.macros]
    return [*called, *(name for name, macro in manifest.macros.items() if macro.name in names)]


def _with_called(names: list[str], manifest: Manifest) -> list[Macro]:
    found: dict[str, Macro] = {}
    while names:
        name = names.pop()
        if name not in found and name in manifest.macros:
            found[name] = manifest.macros[name]
            names += found[name].depends_on.macros
    return list(found.values())


def read_kept(kept: Path) -> Manifest | None:
    """The parsed project in this file; None if it is not there or cannot be read."""
    try:
        return _read(kept.read_bytes())
    except Exception:  # not there, cut short, or of another form: parsing is always right
        return None


def _read(content: bytes) -> Manifest:
    parsed, templates = marshal.loads(content)
    lean_dbt.keep_templates(templates)
    manifest = Manifest.from_msgpack(parsed, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _keep(content: bytes, kept: Path) -> None:
    """Put it in the place of what was kept of these vars; a folder that is full loses time only."""
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
            file.write(content)
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
        declared_vars()  # read once
        project = parsed_project(os.environ[WARM_VARS])[0]
        # What dbt makes of its own classes when they are first used: a tenth of a small build.
        _run_dbt(("ls", "--select", "none"), os.environ[WARM_VARS], project)
