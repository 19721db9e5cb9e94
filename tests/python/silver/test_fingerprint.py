"""The code version covers what a build runs, and nothing that only shows what was built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT
from planted_faults import copy_project

import es_physics.silver.fingerprint
from es_physics.silver.fingerprint import code_version, modules_of_a_build

# What dbt's process would load of this project: the plugin, and what the Python models import. The
# package's own `__init__` is left out, as it loads what readers of Silver use.
_LOAD = """
import ast, importlib, pathlib, sys, types
package = types.ModuleType("es_physics")
package.__path__ = ["es_physics"]
sys.modules["es_physics"] = package
importlib.import_module(sys.argv[1])
for path in pathlib.Path("python_models").glob("*.py"):
    body = ast.parse(path.read_text()).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), path, "exec"))
for name, module in sys.modules.items():
    if name.startswith(("es_physics.", "ingest")):
        print(pathlib.Path(module.__file__).resolve())
"""


def plugins() -> list[str]:
    text = (PROJECT / "profiles.yml").read_text()
    profile = yaml.safe_load(text)["es_physics"]["outputs"]
    # Gold and its scores are built apart, of what is committed.
    apart = ("gold", "evaluation")
    outputs = [output for name, output in profile.items() if name not in apart]
    return [plugin["module"] for output in outputs for plugin in output["plugins"]]


def test_every_module_that_a_build_loads_is_covered() -> None:
    [plugin] = set(plugins())
    finished = subprocess.run(
        [sys.executable, "-c", _LOAD, plugin],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {Path(line) for line in finished.stdout.splitlines()}
    assert PROJECT / "es_physics/bronze/partitions.py" in loaded
    assert loaded <= modules_of_a_build(PROJECT)


def test_pages_commands_and_readers_are_not_covered() -> None:
    covered = {path.relative_to(PROJECT / "es_physics") for path in modules_of_a_build(PROJECT)}
    assert {path.parts[0] for path in covered if len(path.parts) > 1} == {
        "bronze",
        "quant",
        "silver",
    }
    assert Path("calendar.py") in covered
    assert covered.isdisjoint(
        map(Path, ("cli.py", "console.py", "silver/cli.py", "silver/show.py", "silver/catalog.py"))
    )


@pytest.fixture
def own_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with a package of its own, in the place of the installed one."""
    copy_project(tmp_path)
    package = tmp_path / "es_physics"
    for name, text in {
        "bronze/dbt_plugin.py": "def lazily():\n    from es_physics.calendar import days",
        "calendar.py": "import es_physics.bronze.seed",
        "bronze/seed.py": "",
        "bronze/unused.py": "",
        "quant/__init__.py": "",
        "quant/first_passage.py": "",
        "report/page.py": "",
        "cli.py": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(es_physics.silver.fingerprint, "_PACKAGE", package)
    monkeypatch.setattr(
        es_physics.silver.fingerprint, "_PLUGIN", package / "bronze" / "dbt_plugin.py"
    )
    return tmp_path


def test_a_change_tells_if_a_build_runs_it(own_project: Path) -> None:
    def matters(name: str) -> bool:
        before = code_version(own_project)
        assert code_version(own_project) == before
        path = own_project / name
        path.write_text(f"{path.read_text()}\n")
        return code_version(own_project) != before

    for name in (
        "models/silver/sessions.sql",
        "python_models/publish.py",
        "macros/session_date.sql",
        "seeds/contract_specs.csv",
        "dbt_project.yml",
        "es_physics/bronze/dbt_plugin.py",
        "es_physics/calendar.py",
        "es_physics/bronze/seed.py",
        "es_physics/quant/first_passage.py",
        "es_physics/quant/__init__.py",
    ):
        assert matters(name), name
    for name in (
        "es_physics/bronze/unused.py",
        "es_physics/report/page.py",
        "es_physics/cli.py",
        "profiles.yml",
    ):
        assert not matters(name), name


def test_a_new_import_is_followed_within_one_process(own_project: Path) -> None:
    """A process that builds many sessions sees each change of the code."""
    unused = own_project / "es_physics/bronze/unused.py"
    assert unused not in modules_of_a_build(own_project)
    (own_project / "es_physics/bronze/seed.py").write_text("from es_physics.bronze import unused")
    assert unused in modules_of_a_build(own_project)


def test_the_project_can_be_read_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    here = code_version()
    monkeypatch.chdir(tmp_path)
    assert code_version(PROJECT) == here
