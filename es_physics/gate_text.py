"""What a gate measured and was to measure, in words: for terminals, pages and dbt's own output.

Shares are written as percent, units apart from numbers, a yes or no as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

YES_NO = "1 yes 0 no"
"""The unit of a gate that measures whether something is so."""

_SHARE = "share"
_BOUNDS = {">=": "at least", "<=": "at most"}
_LEAST_DIGITS, _MOST_DIGITS = 3, 15


def measured(gate: Mapping[str, Any]) -> str:
    """What a row of `qa_gate_results` measured, with its unit; empty where it does not apply."""
    value, unit = gate["measured"], gate["unit"]
    if value is None:
        return ""
    if unit == YES_NO:
        return "yes" if value else "no"
    if _is_share(unit):
        what = unit.removeprefix(_SHARE)
        # Neither the bound nor a whole is claimed of what only comes near.
        return f"{_number(_percent(value), _percent(gate['threshold']), 100.0)}%{what}"
    text = _number(value, gate["threshold"])
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}"


def bound(gate: Mapping[str, Any]) -> str:
    """What it was to be: `at least 90%`, `at most 45`, `yes`; empty where it does not apply.

    The unit is that of `measured`.
    """
    value, unit = gate["threshold"], gate["unit"]
    if value is None:
        return ""
    if unit == YES_NO:
        return "yes" if value else "no"
    text = f"{_exact(_percent(value))}%" if _is_share(unit) else _exact(value)
    return f"{_BOUNDS[gate['comparison']]} {text}"


def has_judged(gates: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any gate had something of the session to judge, beyond its clock and its inputs."""
    return any(
        gate["status"] != "not_applicable"
        for gate in gates
        if gate.get("family") not in ("clock", "inputs")
    )


def failed_gate_line(
    gate: str,
    severity: str,
    measured_value: float,
    comparison: str,
    threshold: float,
    unit: str,
    detail: str | None,
    advice: str,
) -> str:
    """The line of a failed gate, from columns of `qa_gate_results`."""
    row = {
        "measured": measured_value,
        "comparison": comparison,
        "threshold": threshold,
        "unit": unit,
    }
    where = f" ({detail})" if detail else ""
    return f"gate {gate} failed ({severity}): {measured(row)}, to be {bound(row)}{where}. {advice}"


def _is_share(unit: str) -> bool:
    return unit.split(" ", 1)[0] == _SHARE


def _percent(share: float) -> float:
    return float(f"{100 * share:.{_MOST_DIGITS}g}")  # 100 * 0.07 is 7.000000000000001


def _number(value: float, *others: float) -> str:
    """A number to three digits or all of its whole ones.

    To more if it would read like one of `others` that it is not.
    """
    different = {_exact(other) for other in others if other != value}
    for digits in range(_LEAST_DIGITS, _MOST_DIGITS):
        text = _rounded(value, digits)
        if text not in different:
            return text
    return _exact(value)


def _exact(value: float) -> str:
    return _rounded(value, _MOST_DIGITS)


def _rounded(value: float, digits: int) -> str:
    """With thousands separators and without an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
