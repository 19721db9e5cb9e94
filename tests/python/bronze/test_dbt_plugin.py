"""The SQL functions of the dbt plugin, on a connection of their own."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import PROJECT

from es_physics.bronze.dbt_plugin import Plugin


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    Plugin("dbt_plugin", {}).configure_connection(made)
    return made


def test_names_every_var_of_the_project_but_the_date(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    [(names,)] = connection.execute("select project_var_names()").fetchall()
    declared = list(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"])
    assert declared[0] == "session_date"
    assert names == declared[1:]


def test_makes_a_folder_with_those_above_it_and_leaves_one_that_is_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "it's" / "_audits" / "session_date=2025-12-16"
    for _ in range(2):
        answer = connection.execute("select make_folder(?)", [str(folder)]).fetchall()
        assert answer == [(str(folder),)]
        assert folder.is_dir()
        (folder / "kept").touch()
    assert (folder / "kept").exists()


def test_makes_no_folder_of_a_url(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    connection.execute("select make_folder('memory://bucket/_audits')")
    assert list(tmp_path.iterdir()) == []
