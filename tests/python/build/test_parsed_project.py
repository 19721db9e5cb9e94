"""What is kept of a parsed project is of that project, those vars and that surrounding alone."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import PROJECT as CHECKOUT
from dbt.contracts.graph.manifest import Manifest

from es_physics.build.warm import (
    OF_SQL_ALONE,
    macros_of_a_build,
    parse_state,
    read_kept,
    texts_in,
)

PROJECT = {
    "dbt_project.yml": "name: small",
    "profiles.yml": "small: {}",
    "macros/a.sql": "{% macro a() %}{% endmacro %}",
    "models/silver/b.sql": "select 1",
    "models/columns.md": "{% docs c %}{% enddocs %}",
    "python_models/d.py": "def model(dbt, session): ...",
    "seeds/e.csv": "n\n1",
    "tests/grains/f.sql": "select 1",
}
OF_NO_BUILD = {"tests/python/test_g.py": "", "notebooks/h.py": "", "target/manifest.json": "{}"}


def state(folder: Path, files: dict[str, str], overrides: str = "{}") -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return parse_state(folder, overrides)


@pytest.mark.parametrize("name", PROJECT)
def test_each_file_that_dbt_reads_is_of_the_state(tmp_path: Path, name: str) -> None:
    before = state(tmp_path, PROJECT)
    assert state(tmp_path, PROJECT) == before
    assert state(tmp_path, PROJECT | {name: PROJECT[name] + " "}) != before
    (tmp_path / name).unlink()
    assert parse_state(tmp_path, "{}") != before


def test_a_new_file_and_a_moved_one_are_told(tmp_path: Path) -> None:
    before = state(tmp_path, PROJECT)
    assert state(tmp_path, OF_NO_BUILD) == before
    assert state(tmp_path, {"models/silver/new.sql": ""}) != before
    (tmp_path / "models/silver/new.sql").unlink()
    (tmp_path / "models/silver/b.sql").rename(tmp_path / "models/b.sql")
    assert parse_state(tmp_path, "{}") != before


def test_vars_environment_and_place_are_of_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(tmp_path / "one", PROJECT)
    assert state(tmp_path / "two", PROJECT) != before
    assert parse_state(tmp_path / "one", '{"zone_min_width": 2}') != before
    monkeypatch.setenv("DBT_TARGET", "test")
    assert parse_state(tmp_path / "one", "{}") != before


def of_folders(pattern: str) -> list[Path]:
    folders = ("macros", "models", "python_models", "seeds", "tests")
    return [path for folder in folders for path in (CHECKOUT / folder).rglob(pattern)]


@pytest.mark.parametrize("name", sorted(OF_SQL_ALONE))
def test_vars_that_are_not_parsed_are_read_by_the_sql_of_models_alone(name: str) -> None:
    """Not by YAML, a macro or a config, nor where it decides which models are read."""
    read = re.compile(rf"\bvar\(\s*['\"]{name}")
    files = [*CHECKOUT.glob("*.yml"), *of_folders("*.yml"), *of_folders("*.sql")]
    texts = {path: text for path in files if read.search(text := path.read_text())}
    assert texts
    for path, text in texts.items():
        assert path.suffix == ".sql", path
        assert path.is_relative_to(CHECKOUT / "models"), path
        for config in re.findall(r"config\(.*?\)", text, re.DOTALL):
            assert name not in config, path
        for branch in re.findall(r"\{%-?\s*if\b.*?endif", text, re.DOTALL):
            assert not (read.search(branch) and re.search(r"\b(ref|source)\(", branch)), path


def test_what_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parsed"
    assert read_kept(kept) is None
    kept.write_bytes(b"\x81\xa5nodes")
    assert read_kept(kept) is None


def macro(
    package: str, name: str, *, calls: tuple[str, ...] = (), file: str = "macros/any.sql"
) -> tuple[str, Any]:
    unique_id = f"macro.{package}.{name}"
    return unique_id, SimpleNamespace(
        unique_id=unique_id,
        package_name=package,
        name=name,
        original_file_path=file,
        depends_on=SimpleNamespace(macros=list(calls)),
    )


def test_macros_that_no_build_can_come_to_are_left_out() -> None:
    macros = dict(
        [
            macro("small", "mine", calls=("macro.dbt.helper",)),
            macro("dbt", "helper", calls=("macro.dbt.deep",)),
            macro("dbt", "deep", calls=("macro.dbt.helper", "macro.gone.gone")),
            macro("dbt", "test_unique"),
            macro("dbt", "test_not_null"),
            macro("dbt", "materialization_table_default"),
            macro("dbt_duckdb", "materialization_table_duckdb"),
            macro("dbt", "materialization_snapshot_default"),
            macro("dbt", "create_schema", file="macros/adapters/schema.sql"),
            macro("dbt", "dateadd", file="macros/utils/dateadd.sql"),
        ]
    )
    node = SimpleNamespace(
        config=SimpleNamespace(materialized="table"),
        depends_on=SimpleNamespace(macros=["macro.dbt.test_unique"]),
    )
    manifest = SimpleNamespace(
        macros=macros,
        nodes={"model.small.a": node},
        unit_tests={},
        metadata=SimpleNamespace(project_name="small", adapter_type="duckdb"),
    )
    left_out = set(macros) - {one.unique_id for one in macros_of_a_build(cast(Manifest, manifest))}
    assert left_out == {
        "macro.dbt.test_not_null",
        "macro.dbt.materialization_snapshot_default",
        "macro.dbt.dateadd",
    }


def test_texts_are_found_however_deep() -> None:
    arguments = {"column_name": "side", "values": ["A", 1, ["B"]], "where": {"of": "x > 0", "n": 2}}
    assert list(texts_in(arguments)) == ["side", "A", "B", "x > 0"]
