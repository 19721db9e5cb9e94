"""What may be declared as a kind of level; whatever else is refused in words and reaches no SQL."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
import yaml
from conftest import PROJECT

DECLARED = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["level_kinds"]
PM_HIGH = {"kind": "PM_HIGH", "family": "premarket", "high_of": ["premarket_start", "rth_start"]}
SMA = {"kind": "SMA_9", "family": "sma", "mean_of_bars": 9}


class CompilerError(Exception):
    """Stands for dbt's."""


def _raise(words: str) -> None:
    raise CompilerError(words)


def _macros(**variables: Any) -> Any:
    """The project's macros, rendered as dbt does: with `modules`, `exceptions` and `var`."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "modules": SimpleNamespace(re=re),
        "exceptions": SimpleNamespace(raise_compiler_error=_raise),
        "var": variables.__getitem__,
        "return": repr,
    }
    files = (PROJECT / "macros" / name for name in ("clock.sql", "level_kinds.sql"))
    return environment.from_string("".join(file.read_text() for file in files)).module


@pytest.mark.parametrize(
    "declared",
    [
        *DECLARED,
        PM_HIGH | {"high_of": ["18:00", "04:00"], "valid_from": "rth_start"},
        PM_HIGH | {"high_of": [1080, "04:00"]},  # YAML reads an unquoted 18:00 so
        SMA | {"kind": "VWAP"},
        {"kind": "VWAP", "family": "vwap", "model": "int_levels_vwap"},
    ],
    ids=str,
)
def test_sound_declarations_pass(declared: dict[str, Any]) -> None:
    assert _macros().level_kind_fault(declared).strip() == ""


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("PM_HIGH", "is no mapping"),
        (PM_HIGH | {"kind": "pm_high"}, "needs a kind in capitals"),
        (PM_HIGH | {"kind": "PM_HIGH\n"}, "needs a kind in capitals"),
        (PM_HIGH | {"kind": "PM'; drop"}, "needs a kind in capitals"),
        # Its distance would have the name of the distance of PM_HIGH in ATRs.
        (PM_HIGH | {"kind": "PM_HIGH_ATR"}, "does not end in _ATR"),
        ({"kind": "PM_HIGH", "high_of": ["04:00", "09:30"]}, "needs a family"),
        (PM_HIGH | {"family": "pre market"}, "needs a family"),
        ({"kind": "PM_HIGH", "family": "premarket"}, "needs exactly one of high_of, low_of"),
        (PM_HIGH | {"low_of": ["04:00", "09:30"]}, "needs exactly one of high_of, low_of"),
        (PM_HIGH | {"valid_form": "09:30"}, "has a key that is none of kind, family"),
        (PM_HIGH | {"high_of": "04:00"}, "needs two times, from and to"),
        (PM_HIGH | {"high_of": ["04:00"]}, "needs two times, from and to"),
        (PM_HIGH | {"high_of": 4}, "needs two times, from and to"),
        (PM_HIGH | {"high_of": ["04:00", "lunch"]}, "has the time lunch, neither HH:MM nor one of"),
        (PM_HIGH | {"high_of": ["04:00", "24:00"]}, "has the time 24:00"),
        (PM_HIGH | {"high_of": ["04:00:30", "09:30"]}, "has the time 04:00:30"),
        (PM_HIGH | {"high_of": ["04:00", None]}, "has the time None"),
        (PM_HIGH | {"high_of": ["04:00", -5]}, "has the time -5"),
        (PM_HIGH | {"valid_from": "09:30'; --"}, "has the time 09:30'; --"),
        (SMA | {"mean_of_bars": 0}, "needs a whole number of bars"),
        (SMA | {"mean_of_bars": 2.5}, "needs a whole number of bars"),
        (SMA | {"mean_of_bars": True}, "needs a whole number of bars"),
        (SMA | {"valid_from": "09:30"}, "takes valid_from only beside high_of or low_of"),
        ({"kind": "X", "family": "x", "model": "int_levels_x') }}"}, "needs the name of a model"),
    ],
    ids=str,
)
def test_other_declarations_are_refused_in_words(declared: Any, words: str) -> None:
    found = " ".join(_macros().level_kind_fault(declared).split())
    assert words in found
    with pytest.raises(CompilerError, match=r"^level_kinds: .* (is|needs|has|takes) "):
        _macros(level_kinds=[SMA, declared]).level_kinds()


@pytest.mark.parametrize("declared", [None, 7, "PM_HIGH", [], {"PM_HIGH": "premarket"}], ids=str)
def test_what_is_no_list_of_kinds_is_refused(declared: Any) -> None:
    with pytest.raises(CompilerError, match="level_kinds: expected a list of kinds, got "):
        _macros(level_kinds=declared).level_kinds()


def test_each_kind_is_declared_once() -> None:
    with pytest.raises(CompilerError, match=r"expected each kind once, got \['SMA_9', 'SMA_9'\]"):
        _macros(level_kinds=[SMA, SMA]).level_kinds()
