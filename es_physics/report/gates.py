"""Gates and data coverage of a session in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from es_physics import gate_text
from es_physics.report.event_text import UNKNOWN, number
from es_physics.report.silver import Commit

Row = dict[str, Any]


class Verdict(NamedTuple):
    """All gates of a session in one word, with a sign that needs no colour."""

    css: str
    sign: str
    text: str


def verdict(gates: Sequence[Row] | None) -> Verdict:
    """`failed` if an error-level gate failed, `warned` if another did, `unknown` if none ran.

    `nothing` if there was no data for any of them to judge.
    """
    if not gates:
        return Verdict("unknown", "·", "no gate results")
    failed = [gate for gate in gates if gate["status"] == "failed"]
    errors = [gate for gate in failed if gate["severity"] == "error"]
    if errors:
        return Verdict("failed", "✕", f"{len(failed)} of {len(gates)} gates failed")
    if failed:
        return Verdict("warned", "!", f"{len(failed)} of {len(gates)} gates warned")
    if not gate_text.has_judged(gates):
        return Verdict("nothing", "○", "nothing to judge: there was no data for any gate")
    ran = sum(gate["status"] == "passed" for gate in gates)
    return Verdict("passed", "✓", f"{ran} of {ran} gates passed")


def gate_rows(gates: Sequence[Row]) -> list[Row]:
    """The gate table's rows, as text; failed ones first, in their order."""
    return [
        {
            "gate": gate["gate"],
            "claim": gate["claim"],
            "detail": gate.get("detail") or "",
            "advice": gate["advice"] if gate["status"] == "failed" else "",
            "measured": gate_text.measured(gate) or UNKNOWN,
            "threshold": gate_text.bound(gate) or UNKNOWN,
            **_result(gate),
        }
        for gate in sorted(gates, key=lambda gate: (gate["status"] != "failed", gate["gate"]))
    ]


def coverage(
    commit: Commit, quality: Sequence[Row] | None, clock: Callable[[int], str]
) -> dict[str, Any]:
    """Each feed's state on the session date: Bronze quality if published, else what was read.

    `clock` writes UTC nanoseconds as New York time.
    """
    if quality:
        known = {name for row in quality for name, value in row.items() if value is not None}
        names = [name for name in quality[0] if name in known - {"session_date"}]
        return {
            "measured": True,
            "columns": [_heading(name) for name in names],
            "rows": [
                [_cell(name, row[name], clock) for name in names]
                for row in sorted(quality, key=lambda row: row["feed"])
            ],
        }
    return {
        "measured": False,
        "columns": [_heading("feed"), _heading("partition_status")],
        "rows": [
            [{"text": True, "shown": feed}, {"text": True, "shown": status}]
            for feed, status in feed_states(commit, None).items()
        ],
    }


def feed_states(commit: Commit, quality: Sequence[Row] | None) -> dict[str, str]:
    """State of each feed's partition on the session date, `ok` where it is there."""
    if quality:
        return {row["feed"]: row["partition_status"] for row in quality}
    return {
        row["feed"]: row["status"]
        for row in sorted(commit.inputs.get("bronze", []), key=lambda row: row["feed"])
        if row["trade_date"] == commit.session_date.isoformat()
    }


def _result(gate: Row) -> dict[str, str]:
    if gate["status"] == "passed":
        return {"css": "passed", "result": "✓ passed"}
    if gate["status"] == "failed":
        error = gate["severity"] == "error"
        return {
            "css": "failed" if error else "warned",
            "result": "✕ failed" if error else "! warned",
        }
    return {"css": "", "result": "– not applicable"}


def _heading(name: str) -> Row:
    words = name.removesuffix("_ts_ns").replace("_", " ")
    if name.endswith("_ts_ns"):
        words += ", New York"
    elif name.endswith("_s"):
        words = f"{words[:-2]}, s"
    elif name.endswith("_price"):
        words += ", pt"
    return {"text": name == "feed" or name.endswith("_status"), "shown": words}


def _cell(name: str, value: object, clock: Callable[[int], str]) -> Row:
    text = str(value)
    if value is None:
        text = UNKNOWN
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = clock(value) if name.endswith("_ts_ns") else f"{value:,}"
    elif isinstance(value, float):
        text = number(value, 4 if abs(value) < 1 else 2)
    return {"text": isinstance(value, str), "shown": text}
