"""What a build leaves out of dbt is what nobody reads."""

from __future__ import annotations

import marshal
from pathlib import Path
from textwrap import dedent
from typing import Any

import dbt.clients.jinja
import dbt.compilation
import dbt.contracts.graph.nodes
import dbt.task.run
import dbt.task.test
import dbt_common.clients.jinja
import dbt_common.events.base_types
import duckdb
import pytest
from dbt.adapters.events.types import NewConnection
from dbt.cli.main import dbtRunner
from dbt.clients.jinja import MacroGenerator
from dbt.compilation import Linker
from dbt.exceptions import CompilationError
from dbt.task.run import ModelRunner
from dbt.task.seed import SeedRunner
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.clients import agate_helper
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager
from dbt_common.events.types import Note

from es_physics.build import lean_dbt
from es_physics.build.lean_dbt import (
    QuietEvents,
    compiled_templates,
    keep_templates,
    leave_out,
)

REPLACED: tuple[tuple[Any, str], ...] = (
    (dbt_common.events.base_types, "ParseDict"),
    (dbt.contracts.graph.nodes, "write_file"),
    (dbt.clients.jinja, "get_template"),
    (dbt_common.clients.jinja, "get_template"),
    (dbt.compilation, "generate_runtime_model_context"),
    (dbt.task.run, "generate_runtime_model_context"),
    (dbt.task.test, "generate_runtime_model_context"),
    (MacroGenerator, "get_macro"),
    (Linker, "get_graph_summary"),
    (BehaviorFlagRendered, "_default_source"),
    *(
        (runner, name)
        for runner in (ModelRunner, SeedRunner, dbt.task.test.TestRunner)
        for name in ("before_execute", "after_execute")
    ),
    (agate_helper, "build_type_tester"),
    (agate_helper, "empty_table"),
)


@pytest.fixture(autouse=True)
def lean(monkeypatch: pytest.MonkeyPatch) -> Any:
    """By name, what is replaced."""
    before = {name: getattr(place, name) for place, name in REPLACED}
    for place, name in REPLACED:
        monkeypatch.setattr(place, name, getattr(place, name))  # so that it is put back
    manager = get_event_manager()
    leave_out(lambda doing: None)
    monkeypatch.setattr(lean_dbt, "_codes", {})
    keep_templates({})
    yield before
    ctx_set_event_manager(manager)


def test_quiet_events_are_told_as_signs_of_life() -> None:
    heard: list[str] = []
    manager = QuietEvents(lambda: heard.append("alive"))
    manager.add_callback(lambda event: heard.append(event.info.msg))
    for level in (EventLevel.DEBUG, EventLevel.DEBUG, EventLevel.INFO, EventLevel.WARN):
        manager.fire_event(Note(msg=level.value), level=level)
    assert heard == ["alive", "info", "warn"]


def test_debugging_events_stay_empty_and_others_do_not() -> None:
    assert NewConnection(conn_type="duckdb", conn_name="one").conn_name == ""
    assert Note(msg="read").msg == "read"


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("text", ["{{ a }} + {{ b | length }}", "{{ [a, 2] }}", "{% set c = a %}"])
def test_kept_templates_say_what_new_ones_do(
    lean: dict[str, Any], monkeypatch: pytest.MonkeyPatch, text: str, native: bool
) -> None:
    known = [{"a": 1, "b": [2]}, {"a": "x", "b": []}]

    def rendered() -> list[Any]:
        return [dbt.clients.jinja.get_rendered(text, each, native=native) for each in known]

    compiled_here = [rendered(), rendered()]
    made = marshal.dumps(compiled_templates([text], [text]))
    monkeypatch.setattr(lean_dbt, "_codes", {})
    keep_templates(marshal.loads(made))
    assert set(lean_dbt._codes) == {(text, True), (text, False)}
    kept = rendered()
    monkeypatch.setattr(dbt.clients.jinja, "get_template", lean["get_template"])
    assert [*compiled_here, kept] == [rendered()] * 3


def test_a_kept_macro_is_called_as_a_new_one() -> None:
    text = "{% macro twice(a) %}{{ a * 2 }}{% endmacro %}"
    keep_templates(compiled_templates([text]))
    template = dbt_common.clients.jinja.get_template(text, {})
    assert template.make_module({"name": "any"}).dbt_macro__twice(4) == "8"


def test_a_template_that_is_none_is_told_by_dbt() -> None:
    with pytest.raises(CompilationError, match="Unexpected end of template"):
        dbt.clients.jinja.get_rendered("{% if a %}", {})


def test_types_of_a_result_are_those_that_dbt_tells() -> None:
    of_text = agate_helper.table_from_data_flat([{"a": "1"}], ["a"])
    of_number = agate_helper.table_from_data_flat([{"a": 1}], ["a"])
    again = agate_helper.table_from_data_flat([{"a": "2"}], ["a"])
    values = [table.rows[0]["a"] for table in (of_text, of_number, again)]
    assert values == ["1", 1, "2"]
    # As seeds have them told.
    assert agate_helper.build_type_tester(text_columns={"a": "varchar"}) is not None
    assert len(agate_helper.empty_table().rows) == 0


def test_no_sql_is_written(tmp_path: Path) -> None:
    dbt.contracts.graph.nodes.write_file(str(tmp_path / "compiled.sql"), "select 1")
    assert not list(tmp_path.iterdir())


SMALL_PROJECT = {
    "dbt_project.yml": """
        name: small
        profile: small
        flags: {send_anonymous_usage_stats: false}
        vars: {shown: "{{ 1 + 1 }}"}
        on-run-start: create or replace table hooked (name text, this text, code text)
        models:
          post-hook: "{{ note(model) }}"
    """,
    "profiles.yml": """
        small:
          target: one
          outputs: {one: {type: duckdb, path: small.duckdb, threads: 2}}
    """,
    "macros/note.sql": """
        {% macro note(node) %}
            insert into hooked values (
                '{{ node.name }}', '{{ this }}',
                '{{ (node.compiled_code ~ sql) | replace("'", "") }}')
        {% endmacro %}
        {% macro words() %}
            {% set asked = run_query("select '" ~ model.name ~ "'").rows[0][0] if execute %}
            '{{ asked }} {{ this }} {{ var("shown") }} {{ flags.WHICH }}' as words
        {% endmacro %}
    """,
    "models/first.sql": "select {{ words() }}, 1 as n",
    "models/second.sql": "select {{ words() }}, {{ ref('first') }}.n from {{ ref('first') }}",
    "models/third.sql": "{{ config(materialized='view') }} select {{ words() }}, 3 as n",
    "models/models.yml": """
        models:
          - name: first
            columns: [{name: n, data_tests: [not_null, {accepted_values: {values: [1, 2]}}]}]
          - name: third
            columns:
              - name: n
                data_tests: [{accepted_values: {values: [1], config: {severity: warn}}}]
    """,
}


def test_nodes_are_compiled_and_run_as_by_dbt_and_only_bad_ends_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each node says what it is in its SQL, which is compiled, and in its hook, which is run."""
    for name, text in SMALL_PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    monkeypatch.chdir(tmp_path)
    begun: list[str | None] = []
    leave_out(begun.append)
    lean, told = built_small()
    assert {name for name in begun if name} == set(lean["ended"])
    assert told == ["LogTestResult"]

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    by_dbt, told = built_small()
    assert lean == by_dbt
    assert len(lean["hooked"]) == 3
    assert len(told) > 10


def built_small() -> tuple[dict[str, Any], list[str]]:
    """What the project became, and the events that told of its nodes."""
    told: list[str] = []

    def listen(event: Any) -> None:
        if event.info.name in {"LogStartLine", "LogModelResult", "LogTestResult"}:
            told.append(event.info.name)

    result = dbtRunner(callbacks=[listen]).invoke(["build", "--quiet"]).result
    ended = {
        one.node.name: (one.node.compiled_code, one.status)
        for one in result
        if one.node.resource_type != "operation"
    }
    with duckdb.connect("small.duckdb") as connection:
        hooked = connection.sql("select * from hooked order by all").fetchall()
        tables = [
            connection.sql(f"from {name}").fetchall() for name in ("first", "second", "third")
        ]
    return {"ended": ended, "hooked": hooked, "tables": tables}, told
