"""What a build leaves out of dbt is what nobody reads."""

from __future__ import annotations

import marshal
from pathlib import Path
from typing import Any

import dbt.clients.jinja
import dbt.contracts.graph.nodes
import dbt_common.clients.jinja
import dbt_common.events.base_types
import pytest
from dbt.adapters.events.types import NewConnection
from dbt.exceptions import CompilationError
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
    (agate_helper, "build_type_tester"),
    (agate_helper, "empty_table"),
)


@pytest.fixture(autouse=True)
def lean(monkeypatch: pytest.MonkeyPatch) -> Any:
    """By name, what is replaced."""
    before = {name: getattr(module, name) for module, name in REPLACED}
    for module, name in REPLACED:
        monkeypatch.setattr(module, name, before[name])  # so that it is put back
    manager = get_event_manager()
    leave_out(lambda: None)
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
    keep_templates(marshal.loads(marshal.dumps(compiled_templates([text]))))
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
