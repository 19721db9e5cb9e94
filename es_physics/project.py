"""The dbt project as Python reads it: the vars that it declares, and what each may be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from es_physics.errors import UsageError

# A link to the project's own file, which a wheel carries as a copy.
_PROJECT_FILE = Path(__file__).with_name("dbt_project.yml")

SESSION_DATE, PUBLISH_EMPTY = "session_date", "publish_empty"
NO_CHOICES = (SESSION_DATE, PUBLISH_EMPTY)
"""Vars that decide no number: the key of a build, and whether it may publish nothing."""

_DECLARED = re.compile(
    r"^  (?P<name>\w+):.*\s# (?P<kind>[a-z]+)"
    r"( (?P<open>[\[(])(?P<low>\S+), (?P<high>[^\])]+)(?P<close>[\])]))?; \S"
)
_SECTION = re.compile(r"^  # --- (?P<word>\w+)")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_CONTRACT = re.compile(r"([A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{1,2})?")


@dataclass(frozen=True)
class Var:
    """One var: its default, and what it may be, as the comment beside the default says.

    kind: date, clock, contract, flag, number, integer, or numbers and integers for lists without
    repeats; anything else is looked at by what reads it. low, high: the interval of its numbers,
    whose ends belong to it where `has_low`, `has_high`. section: the first word of the heading that
    it stands under.
    """

    name: str
    default: Any
    kind: str
    section: str = ""
    low: float = -math.inf
    high: float = math.inf
    has_low: bool = True
    has_high: bool = True

    def problem(self, value: Any) -> str | None:
        """What is wrong with `value` as this var, in words; None if nothing is."""
        if self.kind in ("numbers", "integers"):
            is_list = isinstance(value, list) and value
            wrong = not is_list or any(self._is_wrong(one) for one in value)
            wrong = wrong or len(set(value)) != len(value)
        else:
            wrong = self._is_wrong(value)
        return f"var {self.name} is {value!r}, expected {self._expected()}" if wrong else None

    def _is_wrong(self, value: Any) -> bool:
        if self.kind == "date":
            return not (isinstance(value, date) or _is_date(value))
        if self.kind == "clock":
            # YAML reads a bare 16:00 as the number 960.
            is_minutes = type(value) is int and 0 <= value < 24 * 60
            return not (is_minutes or (isinstance(value, str) and _CLOCK.fullmatch(value)))
        if self.kind == "contract":
            return not (isinstance(value, str) and _CONTRACT.fullmatch(value))
        if self.kind == "flag":
            return type(value) is not bool
        if self.kind not in ("number", "numbers", "integer", "integers"):
            return False
        types = (int,) if self.kind.startswith("integer") else (int, float)
        if type(value) not in types:
            return True
        above = value >= self.low if self.has_low else value > self.low
        below = value <= self.high if self.has_high else value < self.high
        return not (above and below)

    def _expected(self) -> str:
        words = {
            "date": "YYYY-MM-DD, a day that there is",
            "clock": "a New York time, quoted: 'HH:MM'",
            "contract": "a contract such as ESH6, or nothing",
            "flag": "true or false",
            "number": "a number",
            "integer": "a whole number",
            "numbers": "a list of different numbers",
            "integers": "a list of different whole numbers",
        }[self.kind]
        if self.high == math.inf:
            return words
        ends = f"{'[' if self.has_low else '('}{self.low:g}, {self.high:g}"
        return f"{words} in {ends}{']' if self.has_high else ')'}"


@cache
def declared_vars() -> Mapping[str, Var]:
    """Every var of `dbt_project.yml` by name. Raises ValueError for one that says no type."""
    text = _PROJECT_FILE.read_text(encoding="utf-8")
    rules, section_of, section = {}, {}, ""
    for line in text.splitlines():
        if heading := _SECTION.match(line):
            section = heading["word"]
        elif found := _DECLARED.match(line):
            rules[found["name"]], section_of[found["name"]] = found, section
    made = {}
    for name, default in yaml.safe_load(text)["vars"].items():
        if name not in rules:
            raise ValueError(f"{_PROJECT_FILE}: the comment beside {name} says no type")
        rule = rules[name]
        made[name] = (
            Var(
                name,
                default,
                rule["kind"],
                section_of[name],
                float(rule["low"]),
                float(rule["high"]),
                rule["open"] == "[",
                rule["close"] == "]",
            )
            if rule["low"]
            else Var(name, default, rule["kind"], section_of[name])
        )
    return made


def vars_problem(values: Mapping[str, Any]) -> str | None:
    """What is wrong with vars that are given, in words; None if nothing is."""
    declared = declared_vars()
    for name, value in values.items():
        if name not in declared:
            return f"there is no var {name!r} in dbt_project.yml"
        if problem := declared[name].problem(value):
            return problem
    whole = {name: var.default for name, var in declared.items()} | dict(values)
    if whole["iv_min"] >= whole["iv_max"]:
        return f"var iv_min {whole['iv_min']} is not below iv_max {whole['iv_max']}"
    clock = ("premarket_start", "rth_start", "event_end")
    for earlier, later in (*pairwise(clock), ("rth_start", "rth_end")):
        if _minutes(whole[earlier]) >= _minutes(whole[later]):
            return f"var {earlier} {whole[earlier]} is not before {later} {whole[later]}"
    return None


def project_vars(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The vars of `dbt_project.yml` by name, `overrides` over their defaults.

    Without those of `NO_CHOICES`, and those that gold alone reads. Raises UsageError for a name
    that is not declared or a value that it may not have.
    """
    overrides = overrides or {}
    if SESSION_DATE in overrides:
        raise UsageError("session_date is no var of a range: use --date, or --start and --end")
    if problem := vars_problem(overrides):
        raise UsageError(problem)
    values = {name: var.default for name, var in declared_vars().items()} | dict(overrides)
    of_gold = gold_var_names()
    return {
        name: value
        for name, value in values.items()
        if name not in NO_CHOICES and name not in of_gold
    }


def gold_var_names(*sections: str) -> list[str]:
    """The vars that gold and its scores alone read, which decide no number of a session.

    Of `sections` of the vars if any are named: gold, scores.
    """
    wanted = sections or ("gold", "scores")
    return [name for name, var in declared_vars().items() if var.section in wanted]


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _minutes(clock: str | int) -> float:
    if isinstance(clock, int):
        return clock
    parts = [int(part) for part in clock.split(":")]
    return parts[0] * 60 + parts[1] + (parts[2] / 60 if len(parts) > 2 else 0)
