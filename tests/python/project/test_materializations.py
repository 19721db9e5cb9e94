"""The project's own materializations leave what dbt's leave, whatever was there before.

The same small project is built twice, with dbt's materializations and with ours: a version of
dbt-duckdb that asks something else of a materialization makes the two differ.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PROJECT, run_dbt

DAY = "2025-12-10"

FILES = {
    "dbt_project.yml": """
        name: small
        version: "1.0"
        profile: small
        model-paths: [models]
        macro-paths: [macros]
        on-run-start: create table if not exists noted (what varchar)
        models:
          small: {+persist_docs: {relation: true, columns: true}}
        """,
    "profiles.yml": """
        small:
          target: dev
          outputs:
            dev:
              type: duckdb
              path: "{{ env_var('ES_DUCKDB_PATH') }}"
              schema: main
              threads: 1
        """,
    "models/numbers.sql": """
        {{ config(
            materialized='view' if var('turned') else 'table',
            pre_hook=["insert into noted values ('before numbers')",
                      {'sql': "insert into noted values ('long before')", 'transaction': false}],
            post_hook=["insert into noted select 'after ' || count(*) from {{ this }}",
                       {'sql': "insert into noted values ('long after')", 'transaction': false}],
        ) }}
        select n::integer as n, n * 1.5::double as scaled
        from range({{ 2 if var('turned') else 3 }}) as t(n)
        """,
    "models/evens.sql": """
        {{ config(materialized='table' if var('turned') else 'view') }}
        select n from {{ ref('numbers') }} where n % 2 = 0
        """,
    "models/doubled.py": """
        def model(dbt, session):
            dbt.config(materialized="table")
            return dbt.ref("numbers").project("n, 2 * n as twice")
        """,
    "models/last.sql": """
        {{ config(materialized='table') }}
        select max(twice) / {{ 0 if var('broken') else 1 }}::integer as most
        from {{ ref('doubled') }}
        {% if var('broken') %} where error('no such day') {% endif %}
        """,
    "models/promised.sql": """
        {{ config(materialized='table') }}
        select 'a' as name, 1::{{ 'varchar' if var('broken') else 'integer' }} as n
        """,
    "models/models.yml": """
        models:
          - name: promised
            config: {contract: {enforced: true}}
            columns:
              - {name: n, data_type: integer}
              - {name: name, data_type: varchar}
          - name: numbers
            description: Whole numbers.
            config: {contract: {enforced: true}}
            columns:
              - {name: n, data_type: integer, description: The number.}
              - {name: scaled, data_type: double, description: Half as much again.}
            data_tests:
              - at_most: {number: 5}
        """,
    "macros/at_most.sql": """
        {% test at_most(model, number) %}
            select * from {{ model }} where n > {{ number }}
        {% endtest %}
        """,
    "macros/notes.sql": """
        {% macro note_built() %}
            insert into noted values ('built {{ this.name }}');
        {% endmacro %}
        {% macro note_tested() %}
            {% set failed = load_result('main').table.rows[0]['should_error'] %}
            {% do adapter.execute("insert into noted values ('tested, failed: " ~ failed ~ "')") %}
        {% endmacro %}
        """,
}
NOTES_OF_OURS = "what like 'built %' or what like 'tested%'"


def small_project(folder: Path, ours: bool) -> Path:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        margin = len(lines[0]) - len(lines[0].lstrip())
        path.write_text("\n".join(line[margin:] for line in lines) + "\n")
    if ours:
        shutil.copy(PROJECT / "macros" / "materializations.sql", folder / "macros")
    return folder


def run(project: Path, *, turned: bool, broken: bool = False) -> dict[str, Any]:
    """Build it, and say all that is in its database and how each node ended."""
    work = project / "work"
    build = run_dbt(
        "build",
        bronze=project,
        work=work,
        session_date=DAY,
        project=project,
        other_vars={"turned": turned, "broken": broken},
    )
    assert build.returncode == broken, build.output
    results = json.loads((work / "target" / "run_results.json").read_text())["results"]
    with duckdb.connect(str(work / "build.duckdb")) as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        tables = rows("select table_name, table_type from information_schema.tables order by all")
        return {
            "nodes": sorted((result["unique_id"], result["status"]) for result in results),
            "failures": [result["message"] for result in results if result["status"] == "error"],
            "tables": tables,
            "columns": rows(
                "select table_name, column_name, data_type, comment from duckdb_columns()"
                " where not internal order by table_name, column_index"
            ),
            "comments": rows("select view_name, comment from duckdb_views() where not internal")
            + rows("select table_name, comment from duckdb_tables()"),
            "rows": {
                name: rows(f"from {name} order by all") for name, _ in tables if name != "noted"
            },
            "hooks": rows(f"from noted where not ({NOTES_OF_OURS})"),
            "notes": rows(f"from noted where {NOTES_OF_OURS}"),
        }


@pytest.mark.market
def test_ours_leave_what_dbts_leave_and_nothing_of_a_failed_model(tmp_path: Path) -> None:
    theirs, ours = (
        small_project(tmp_path / name, ours=name == "ours") for name in ("theirs", "ours")
    )
    # A view where a table was, a table where a view was, and a table where one was.
    for turned in (False, True, False):
        expected, found = run(theirs, turned=turned), run(ours, turned=turned)
        noted = [row[0] for row in found.pop("notes")]
        assert expected.pop("notes") == []
        assert found == expected
        assert dict(found["tables"])["numbers"] == ("VIEW" if turned else "BASE TABLE")
        assert found["columns"][0][2:] == ("INTEGER", None)
        # Every model notes that it was built and every test that it ran, in this run as before.
        assert sorted(noted[-6:]) == sorted(
            [
                "tested, failed: False",
                *(f"built {name}" for name in ("numbers", "evens", "doubled", "last", "promised")),
            ]
        )
    assert len(found["hooks"]) == 3 * 4

    # A model that fails leaves nothing in its place, least of all an older table.
    assert "last" in dict(found["tables"])
    after = run(ours, turned=False, broken=True)
    assert dict(after["nodes"])["model.small.last"] == "error"
    assert "last" not in dict(after["tables"])
    # Nor one whose columns are not those of its contract, and dbt says which.
    assert dict(after["nodes"])["model.small.promised"] == "error"
    assert "promised" not in dict(after["tables"])
    assert re.search(r"\| n +\| VARCHAR +\| INTEGER +\| data type mismatch", str(after["failures"]))
