"""The floors of the house: nothing imports upward, nothing in a circle, one error at the root."""

from __future__ import annotations

import builtins
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import PROJECT
from source_tree import SourceTree

LOWEST, STORES, WORK, COMMANDS = range(4)
FLOORS = {
    **dict.fromkeys(("quant",), LOWEST),
    **dict.fromkeys(("bronze", "silver", "gold"), STORES),
    **dict.fromkeys(("ingest", "build", "audit", "report", "research"), WORK),
    **dict.fromkeys(("cli", "es_physics"), COMMANDS),
}
"""Where a room stands. A module beside the rooms is one by itself, and stands on the ground, but
for the command and the package's own `__init__`, from which nothing of the project imports."""

ERROR = "es_physics.errors.Error"


def room(module: str) -> str:
    package, *rest = module.split(".")
    return rest[0] if package == "es_physics" and rest else package


def floor(tree: SourceTree, module: str) -> int | None:
    if room(module) in FLOORS:
        return FLOORS[room(module)]
    is_room = any(name.startswith(f"es_physics.{room(module)}.") for name in tree.trees)
    return None if is_room else LOWEST


def rooms_without_a_floor(tree: SourceTree) -> list[str]:
    return sorted({room(module) for module in tree.trees if floor(tree, module) is None})


def upward(tree: SourceTree) -> list[str]:
    return [
        str(edge)
        for edge in tree.imports()
        if edge.imported.split(".")[0] in ("bench", "tests")
        or (floor(tree, edge.imported) or 0) > (floor(tree, edge.importer) or 0)
    ]


def circle(edges: list[tuple[str, str]]) -> list[str]:
    """A circle among the edges, [] if there is none."""
    graph: dict[str, set[str]] = {}
    for a, b in edges:
        if a != b:
            graph.setdefault(a, set()).add(b)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def circle_of_modules(tree: SourceTree) -> list[str]:
    return circle([(edge.importer, edge.imported) for edge in tree.imports()])


def circle_of_rooms(tree: SourceTree) -> list[str]:
    return circle([(room(edge.importer), room(edge.imported)) for edge in tree.imports()])


def impure_quant(tree: SourceTree) -> list[str]:
    """`quant` is arrays in, arrays out: it knows nothing of the project but itself."""
    return [
        str(edge)
        for edge in tree.imports()
        if room(edge.importer) == "quant" and room(edge.imported) != "quant"
    ]


def ingest_from_outside(tree: SourceTree) -> list[str]:
    """Bronze is the only thing that `ingest` and the rest share."""
    return [
        str(edge)
        for edge in tree.imports()
        if room(edge.imported) == "ingest" and room(edge.importer) != "ingest"
    ]


def commands_from_below(tree: SourceTree) -> list[str]:
    """A room's commands are for the command line alone."""

    def is_command(module: str) -> bool:
        return module.split(".")[-1] in ("cli", "__main__")

    return [
        str(edge)
        for edge in tree.imports()
        if is_command(edge.imported) and not is_command(edge.importer)
    ]


def front_door_from_within(tree: SourceTree) -> list[str]:
    return [
        str(edge)
        for edge in tree.imports()
        if edge.imported == "es_physics" and edge.importer != "es_physics"
    ]


def inits_that_import(tree: SourceTree) -> list[str]:
    """Only the package's front door hands on names: else a room's import would be its circle."""
    packages = {module.rsplit(".", 1)[0] for module in tree.trees if "." in module}
    return [
        str(edge)
        for edge in tree.imports()
        if edge.importer in packages and edge.importer != "es_physics"
    ]


def errors_without_the_root(tree: SourceTree) -> list[str]:
    """Exception classes that `except es_physics.Error` would not catch."""
    classes = tree.classes()

    def ancestors(name: str) -> set[str]:
        return {name}.union(*(ancestors(base) for base in classes.get(name, []) if base != name))

    def is_exception(name: str) -> bool:
        builtin = getattr(builtins, name, None)
        return isinstance(builtin, type) and issubclass(builtin, BaseException)

    return sorted(
        name
        for name in classes
        if any(map(is_exception, found := ancestors(name))) and ERROR not in found
    )


RULES = (
    rooms_without_a_floor,
    upward,
    circle_of_modules,
    circle_of_rooms,
    impure_quant,
    ingest_from_outside,
    commands_from_below,
    front_door_from_within,
    inits_that_import,
    errors_without_the_root,
    SourceTree.relative_imports,
)


@pytest.fixture(scope="module")
def project() -> SourceTree:
    return SourceTree.read(PROJECT)


@pytest.mark.parametrize("rule", RULES)
def test_the_project_keeps_the_rule(rule, project: SourceTree) -> None:
    assert len(project.trees) > 80
    assert rule(project) == []


GOOD = {
    "es_physics/__init__.py": "from es_physics.silver.store import put",
    "es_physics/errors.py": "class Error(Exception): ...\nclass UsageError(Error): ...",
    "es_physics/files.py": "from es_physics.errors import Error",
    "es_physics/quant/__init__.py": "",
    "es_physics/quant/black76.py": "import numpy",
    "es_physics/silver/__init__.py": '"""Silver."""',
    "es_physics/silver/store.py": "from es_physics import files\ndef put(): ...",
    "es_physics/silver/cli.py": "from es_physics.silver.store import put",
    "es_physics/report/__init__.py": "",
    "es_physics/report/errors.py": (
        "import es_physics.errors\nclass PageError(es_physics.errors.Error, ValueError): ..."
    ),
    "es_physics/cli.py": "import es_physics.silver.cli",
    "ingest/__init__.py": "",
    "ingest/columns.py": "import es_physics.files",
}


def planted(folder: Path, files: dict[str, str]) -> SourceTree:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return SourceTree.read(folder)


@pytest.mark.parametrize("rule", RULES)
def test_a_small_house_keeps_every_rule(rule, tmp_path: Path) -> None:
    assert rule(planted(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("rule", "name", "text", "found"),
    [
        (rooms_without_a_floor, "es_physics/attic/boxes.py", "", ["attic"]),
        (
            upward,
            "es_physics/files.py",
            "def lazily():\n    from es_physics.silver import store",
            ["es_physics.files imports es_physics.silver.store (line 2)"],
        ),
        (
            upward,
            "es_physics/silver/store.py",
            "import es_physics.report.errors",
            ["es_physics.silver.store imports es_physics.report.errors (line 1)"],
        ),
        (
            upward,
            "ingest/columns.py",
            "from es_physics.cli import main",
            ["ingest.columns imports es_physics.cli (line 1)"],
        ),
        (
            upward,
            "es_physics/report/pages.py",
            "from bench.measure import Cost",
            ["es_physics.report.pages imports bench.measure (line 1)"],
        ),
        (
            circle_of_modules,
            "es_physics/errors.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import es_physics.files",
            ["es_physics.errors", "es_physics.files", "es_physics.errors"],
        ),
        (
            impure_quant,
            "es_physics/quant/black76.py",
            "from es_physics.errors import Error",
            ["es_physics.quant.black76 imports es_physics.errors (line 1)"],
        ),
        (
            ingest_from_outside,
            "es_physics/report/pages.py",
            "import ingest.columns",
            ["es_physics.report.pages imports ingest.columns (line 1)"],
        ),
        (
            commands_from_below,
            "es_physics/silver/store.py",
            "from es_physics.silver.cli import add_commands",
            ["es_physics.silver.store imports es_physics.silver.cli (line 1)"],
        ),
        (
            front_door_from_within,
            "es_physics/report/pages.py",
            "from es_physics import Error",
            ["es_physics.report.pages imports es_physics (line 1)"],
        ),
        (
            inits_that_import,
            "es_physics/silver/__init__.py",
            "from es_physics.silver.store import put",
            ["es_physics.silver imports es_physics.silver.store (line 1)"],
        ),
        (
            errors_without_the_root,
            "es_physics/report/errors.py",
            "class PageError(ValueError): ...\nclass EmptyPage(PageError): ...",
            ["es_physics.report.errors.EmptyPage", "es_physics.report.errors.PageError"],
        ),
        (
            SourceTree.relative_imports,
            "es_physics/silver/cli.py",
            "from .store import put",
            ["es_physics.silver.cli (line 1)"],
        ),
    ],
)
def test_each_rule_bites(rule, name: str, text: str, found: list[str], tmp_path: Path) -> None:
    assert rule(planted(tmp_path, GOOD | {name: text})) == found


def test_rooms_that_need_each_other_are_found(tmp_path: Path) -> None:
    """No module imports one that imports it, but two rooms of one floor do."""
    tree = planted(
        tmp_path,
        GOOD
        | {
            "es_physics/bronze/feeds.py": "",
            "es_physics/bronze/check.py": "import es_physics.silver.store",
            "es_physics/silver/verify.py": "import es_physics.bronze.feeds",
        },
    )
    assert circle_of_modules(tree) == upward(tree) == []
    assert set(circle_of_rooms(tree)) == {"bronze", "silver"}


def test_the_names_of_the_front_door_are_there_and_no_others(project: SourceTree) -> None:
    import es_physics

    given = {name for name in vars(es_physics) if not name.startswith("_")}
    imported = {
        alias.name
        for node in project.trees["es_physics"].body
        if hasattr(node, "names")
        for alias in node.names
    }
    assert es_physics.__all__ == sorted(es_physics.__all__)
    assert set(es_physics.__all__) == imported
    assert imported <= given
    assert all(getattr(es_physics, name).__doc__ for name in es_physics.__all__)
