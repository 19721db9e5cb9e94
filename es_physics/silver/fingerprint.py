"""The version of all that decides a number: a session whose record has another one is built again.

That is what dbt reads of the project, and every module of this package that a build imports. Those
are found by following the imports of the Python models and of the dbt plugin, so that none can be
forgotten, and a change of a page or a command makes no session out of date.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PROJECT_FILES = ("dbt_project.yml", "macros", "models", "python_models", "seeds")
_PROJECT_SUFFIXES = {".csv", ".py", ".sql", ".yml"}
_PACKAGE = Path(__file__).resolve().parents[1]
_PLUGIN = _PACKAGE / "bronze" / "dbt_plugin.py"
_DISTRIBUTIONS = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "pyarrow", "scipy")


def inputs_sha256(inputs: Mapping[str, Any]) -> str:
    """sha256 over the inputs of a commit record, in hex."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def code_version(project: Path = Path()) -> str:
    """sha256 over the names and contents of every file that decides a number.

    `project` is the dbt project's folder; the modules are those of the installed package.
    """
    files = [path for path in project_files(project) if not is_of_gold(path, project)]
    return files_sha256(project, files, modules_of_a_build(project))


def files_sha256(project: Path, files: Iterable[Path], modules: Iterable[Path]) -> str:
    """sha256 over the names and contents of files of the project and modules of the package."""
    digest = hashlib.sha256()
    named = {path.relative_to(project).as_posix(): path for path in files}
    named |= {path.relative_to(_PACKAGE.parent).as_posix(): path for path in modules}
    for name, path in sorted(named.items()):
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def package_versions() -> dict[str, str]:
    """The installed version of every other package that decides a number."""
    return {name: version(name) for name in _DISTRIBUTIONS}


def modules_of_a_build(project: Path) -> set[Path]:
    """The files of this package that the dbt plugin and the project's Python models run."""
    return imported_files([_PLUGIN, *(project / "python_models").glob("*.py")])


def imported_files(files: Sequence[Path]) -> set[Path]:
    """The files of this package that these import, one through the other, and those of it among
    them."""
    found = {file for file in files if file.is_relative_to(_PACKAGE)}
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        new = set(_imports(file, file.stat().st_mtime_ns)) - found
        found |= new
        waiting += new
    return found


def is_of_gold(path: Path, project: Path) -> bool:
    """Whether a file of the project makes tables of many sessions and none of one."""
    return "gold" in path.relative_to(project).parts[:-1]


def project_files(project: Path) -> list[Path]:
    """What dbt reads of the project."""
    files: list[Path] = []
    for name in _PROJECT_FILES:
        top = project / name
        files += [top] if top.is_file() else top.rglob("*")
    return [path for path in files if path.suffix in _PROJECT_SUFFIXES and path.is_file()]


@cache
def _imports(file: Path, _changed_ns: int) -> tuple[Path, ...]:
    return tuple(_imported(ast.parse(file.read_bytes())))


def _imported(tree: ast.Module) -> Iterator[Path]:
    """The package's files that a module imports, wherever in it; not `es_physics/__init__.py`,
    which hands on names for readers of Silver."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *parts = name.split(".")
            if package == _PACKAGE.name:
                for length in range(1, len(parts) + 1):
                    path = _PACKAGE.joinpath(*parts[:length])
                    yield from filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py"))
