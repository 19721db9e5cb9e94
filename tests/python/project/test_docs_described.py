"""The docs site answers what a thing is: nothing that it lists lacks a description."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Builds, run_dbt, run_es_physics

SESSION = "2025-12-10"


@pytest.fixture(scope="module")
def built_columns(builds: Builds) -> dict[tuple[str, str], list[str]]:
    """The columns of every table and view of the build, by schema and name."""
    columns = defaultdict(list)
    database = builds[SESSION].silver.parent / "build.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where not internal order by all"
        ).fetchall():
            columns[schema, table].append(column)
    return columns


def nodes(manifest: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    every = (*manifest["nodes"].values(), *manifest["sources"].values())
    return [node for node in every if node["resource_type"] in kinds]


def described(text: str | None) -> bool:
    return bool(text and text.strip())


def test_every_model_seed_and_source_is_described(manifest: dict[str, Any]) -> None:
    found = nodes(manifest, "model", "seed", "source")
    assert len(found) > 50
    assert [node["name"] for node in found if not described(node["description"])] == []


def test_every_built_column_is_described(
    manifest: dict[str, Any], built_columns: dict[tuple[str, str], list[str]]
) -> None:
    texts_of = {
        node["name"]: {
            name.lower(): column["description"] for name, column in node["columns"].items()
        }
        for node in nodes(manifest, "model", "seed")
    }
    undescribed = {}
    for node in nodes(manifest, "model", "seed"):
        columns = built_columns.get((node["schema"], node["alias"]), [])
        assert columns, f"{node['name']} is not in the database of the build"
        # What a model hands on under the same names is described once, where it ends up.
        described_in = node["config"]["meta"].get("columns_described_in")
        texts = (texts_of[described_in] if described_in else {}) | texts_of[node["name"]]
        missing = [name for name in columns if not described(texts.get(name.lower()))]
        if missing:
            undescribed[node["name"]] = missing
    assert undescribed == {}


def test_every_column_of_a_source_is_described_and_there(
    manifest: dict[str, Any], built_columns: dict[tuple[str, str], list[str]]
) -> None:
    sources = nodes(manifest, "source")
    assert len(sources) == 9
    for source in sources:
        columns = built_columns["bronze", source["name"]]
        assert set(source["columns"]) == set(columns), source["name"]
        assert all(described(column["description"]) for column in source["columns"].values())


def test_descriptions_reach_the_silver_tables_and_the_catalog(
    manifest: dict[str, Any], builds: Builds, tmp_path: Path
) -> None:
    silver = builds[SESSION].silver
    catalog = tmp_path / "catalog.duckdb"
    written = run_es_physics("catalog", "--silver-root", silver, "--output", catalog)
    assert written.returncode == 0, written.stderr
    expected = {
        (node["name"], name): " ".join(column["description"].split())
        for node in nodes(manifest, "model")
        if node["schema"] == "silver"
        for name, column in node["columns"].items()
    }
    assert len(expected) > 300
    for database, schema in ((silver.parent / "build.duckdb", "silver"), (catalog, "main")):
        with duckdb.connect(str(database), read_only=True) as connection:
            comments = connection.execute(
                "select table_name, column_name, comment from duckdb_columns()"
                " where schema_name = ? and not internal and table_name <> 'commits'",
                [schema],
            ).fetchall()
        found = {
            (table, column): " ".join((text or "").split()) for table, column, text in comments
        }
        assert found == expected, database


def test_no_description_is_of_a_column_that_is_not_there(
    manifest: dict[str, Any], built_columns: dict[tuple[str, str], list[str]]
) -> None:
    stale = {
        f"{node['name']}.{name}"
        for node in nodes(manifest, "model", "seed")
        for name in node["columns"]
        if name.lower()
        not in {column.lower() for column in built_columns[node["schema"], node["alias"]]}
    }
    assert stale == set()


def test_the_joined_table_has_the_columns_of_its_parts_as_they_are_described_there(
    manifest: dict[str, Any],
) -> None:
    columns = {node["name"]: node["columns"] for node in nodes(manifest, "model")}
    keys = {"event_id", "session_date"}
    parts = dict(columns["level_events"])
    for part in ("level_event_features", "level_event_labels"):
        parts |= {name: column for name, column in columns[part].items() if name not in keys}
    joined = columns["level_interactions"]
    assert len(joined) > 150
    assert list(joined) == list(parts)
    assert joined == parts


def test_every_macro_and_its_arguments_are_described(manifest: dict[str, Any]) -> None:
    own = [macro for macro in manifest["macros"].values() if macro["package_name"] == "es_physics"]
    assert own
    missing = [macro["name"] for macro in own if not described(macro["description"])]
    assert missing == []
    assert [
        f"{macro['name']}({argument['name']})"
        for macro in own
        for argument in macro["arguments"]
        if not described(argument["description"])
    ] == []


def test_every_data_test_is_described(manifest: dict[str, Any]) -> None:
    found = nodes(manifest, "test")
    assert found
    assert sorted(node["name"] for node in found if not described(node["description"])) == []


def test_every_exposure_and_group_is_described_and_every_model_has_a_group(
    manifest: dict[str, Any],
) -> None:
    things = [*manifest["exposures"].values(), *manifest["groups"].values()]
    assert [thing["name"] for thing in things if not described(thing["description"])] == []
    for model in nodes(manifest, "model"):
        assert model["config"].get("group"), f"{model['name']} has no group: dbt_project.yml"
        assert model["docs"]["node_color"], f"{model['name']} has no colour: dbt_project.yml"


def test_the_tables_that_researchers_load_are_exposed(manifest: dict[str, Any]) -> None:
    exposed = {
        parent
        for exposure in manifest["exposures"].values()
        for parent in exposure["depends_on"]["nodes"]
    }
    assert "model.es_physics.level_interactions" in exposed
    assert "model.es_physics.gamma_by_strike" in exposed


def test_the_docs_site_is_one_page_with_the_whole_lineage(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    builds[SESSION].copy_database(tmp_path)
    finished = run_dbt(
        *("docs", "generate", "--static"),
        bronze=bronze,
        work=tmp_path,
        session_date=SESSION,
    )
    assert finished.returncode == 0, finished.output
    site = (tmp_path / "target" / "static_index.html").read_text(encoding="utf-8")
    for name in (
        "source.es_physics.",
        "model.es_physics.publish",
        "model.es_physics.int_event_labels",
        "exposure.es_physics.research",
        "From Databento records of E-mini",
    ):
        assert name in site
