"""Every var has a type and a range: what is not in it is refused, and defaults are in theirs."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Builds, run_dbt, run_es_physics

from es_physics.errors import UsageError
from es_physics.project import Var, declared_vars, project_vars, vars_problem

SESSION = "2025-12-10"

HOSTILE = ("'; drop table x --", "{{ env_var('HOME') }}", "read_text('/etc/hostname')", "1)")
WRONG: dict[str, tuple[Any, ...]] = {
    "date": ("2025-13-45", "16.12.2025", 20251216, None, *HOSTILE),
    "clock": ("24:00", "9:30", "09:30 ", -1, 1440, 9.5, None, [], *HOSTILE),
    "contract": ("ES", "esz5", 5, None, *HOSTILE),
    "flag": ("true", 1, 0, None, [], *HOSTILE),
    "number": ("3", None, [], True, math.nan, math.inf, -math.inf, {}, *HOSTILE),
    "integer": ("3", None, [], True, 14.5, math.nan, {}, *HOSTILE),
    "numbers": ("60", 60, None, [], ["60"], [None], [True], *HOSTILE),
    "integers": ("60", 60, None, [], ["60"], [60, 60], [0.5], [None], *HOSTILE),
}


@pytest.mark.parametrize("var", declared_vars().values(), ids=lambda var: var.name)
def test_every_var_takes_its_default_and_nothing_else(var: Var) -> None:
    assert var.problem(var.default) is None
    for value in WRONG.get(var.kind, ()):
        problem = var.problem(value)
        assert problem is not None, value
        assert var.name in problem
        assert repr(value) in problem
        assert "\n" not in problem


@pytest.mark.parametrize("var", declared_vars().values(), ids=lambda var: var.name)
def test_every_number_lies_in_a_finite_interval(var: Var) -> None:
    if var.kind not in ("number", "integer", "numbers", "integers"):
        return
    assert -math.inf < var.low < var.high < math.inf
    below, above = math.floor(var.low - 1), math.ceil(var.high + 1)
    as_given = (lambda value: [value]) if var.kind.endswith("s") else (lambda value: value)
    assert var.problem(as_given(below))
    assert var.problem(as_given(above))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"outcome_treshold": 3}, "there is no var 'outcome_treshold'"),
        ({"iv_min": 0.5, "iv_max": 0.4}, "iv_min 0.5 is not below iv_max 0.4"),
        ({"rth_start": "14:00"}, "rth_start 14:00 is not before event_end 13:30"),
        ({"rth_end": "09:30"}, "rth_start 09:30 is not before rth_end 09:30"),
        ({"premarket_start": 570}, "premarket_start 570 is not before rth_start 09:30"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], line: str) -> None:
    assert line in str(vars_problem(given))
    with pytest.raises(UsageError, match="var"):
        project_vars(given)


def test_dates_and_bare_clock_times_are_taken_as_yaml_gives_them() -> None:
    assert vars_problem({"session_date": date(2025, 12, 16), "rth_end": 960}) is None
    assert vars_problem({"session_date": "2025-12-16", "fixed_front_month": "ESH6"}) is None


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("{outcome_treshold: 3}", "there is no var 'outcome_treshold' in dbt_project.yml"),
        ('{outcome_threshold: "3"}', "var outcome_threshold is '3', expected a number in"),
        ("[1]", "expected names and values"),
    ],
)
def test_the_build_command_refuses_them_at_once(given: str, line: str, tmp_path: Path) -> None:
    finished = run_es_physics(
        *("build", "--date", SESSION, "--vars", given, "--bronze-root", tmp_path)
    )
    assert finished.returncode == 2
    assert line in finished.stderr


@pytest.mark.parametrize(
    ("other_vars", "line"),
    [
        ({"outcome_treshold": 3}, "there is no var 'outcome_treshold' in dbt_project.yml"),
        ({"risk_free_rate": "(select 1)"}, "var risk_free_rate is '(select 1)', expected a number"),
        ({"ofi_windows_s": -1}, "var ofi_windows_s is -1, expected a list of numbers"),
        ({"fixed_front_month": "ESM9"}, "fixed_front_month ESM9 is no outright that traded on"),
    ],
)
def test_dbt_refuses_them_and_publishes_nothing(
    other_vars: dict[str, Any], line: str, bronze: Path, tmp_path: Path
) -> None:
    build = run_dbt(
        "build", bronze=bronze, work=tmp_path, session_date=SESSION, other_vars=other_vars
    )
    assert build.returncode != 0
    assert line in build.output
    assert "Traceback" not in build.output
    assert not (build.silver / "_commits").exists()


def test_a_contract_that_traded_can_be_held(builds: Builds, bronze: Path, tmp_path: Path) -> None:
    contract = builds[SESSION].table("sessions", SESSION)["front_month"][0]
    build = run_dbt(
        *("build", "--select", "+int_front_month", "--exclude-resource-type", "test"),
        bronze=bronze,
        work=tmp_path,
        session_date=SESSION,
        other_vars={"fixed_front_month": contract},
    )
    assert build.returncode == 0, build.output
