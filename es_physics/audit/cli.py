"""The commands of `es-physics` that prove and judge: validate, prove-causality."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from es_physics import gate_text
from es_physics.audit.causality import Proof, prove
from es_physics.audit.validate import SessionReport, validate
from es_physics.calendar import default_calendar
from es_physics.checkout import project_folder
from es_physics.console import (
    bronze_root_argument,
    console,
    date_range,
    day,
    json_argument,
    print_json,
    project_dir_argument,
    range_arguments,
    silver_root_argument,
    whole_number,
)
from es_physics.errors import Error, UsageError
from es_physics.files import gold_root, require_root

_SHOWN_DIFFERENCES = 20
_STYLES = {
    "passed": "green",
    "failed": "bold red",
    "not_applicable": "dim",
    "absent": "dim",
    "nothing to judge": "yellow",
}


def add_commands(commands: Any) -> None:
    """Add the room's commands to those of `es-physics`."""
    causality = commands.add_parser(
        "prove-causality",
        help="prove that no feature sees the future, by cutting Bronze",
        description="Rebuild a session from Bronze cut at some of its anchors and compare every"
        " event, feature, bar and minute of gamma up to the cut, to the bit; then without the"
        " trades before the open, and compare ATR and volatility.",
    )
    causality.add_argument("session", type=day, metavar="DATE")
    causality.add_argument(
        "--cuts",
        type=whole_number(2),
        default=3,
        metavar="N",
        help="anchors to cut at, from the first to the last event, 2 or more (default: 3)",
    )
    bronze_root_argument(causality)
    project_dir_argument(causality)
    json_argument(causality)
    causality.set_defaults(run=_causality)

    validating = commands.add_parser(
        "validate",
        help="check published sessions: gates, and hashes of what went in and came out",
        description="Check every trade date of a range, and write _commits/DATE.validation.json"
        " beside the commit record of each session.",
    )
    range_arguments(validating)
    validating.add_argument(
        "--strict", action="store_true", help="let failed gates of severity warn fail as well"
    )
    bronze_root_argument(validating)
    silver_root_argument(validating)
    json_argument(validating)
    validating.set_defaults(run=_validate)


def _causality(options: argparse.Namespace) -> int:
    if not default_calendar().is_trade_date(options.session):
        raise UsageError(f"{options.session} is no CME trade date. Give an open day.")
    project = project_folder(options.project_dir)
    steps = sys.stderr if options.json else sys.stdout
    with tempfile.TemporaryDirectory(prefix="es_causality_") as work:
        proofs = prove(
            options.session,
            options.bronze_root,
            Path(work),
            project=project,
            cuts=options.cuts,
            say=lambda line: print(line, file=steps, flush=True),
        )
    if options.json:
        print_json([asdict(proof) | {"proof": str(proof)} for proof in proofs])
    else:
        _show_proofs(options.session, proofs)
    return 1 if any(proof.differences for proof in proofs) else 0


def _show_proofs(session: date, proofs: Sequence[Proof]) -> None:
    terminal = console()
    table = Table(
        title=f"{session}: rows that must not change, and values that did",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    for name in ("Bronze", "events", "features", "states", "gamma", "bars", "changed"):
        table.add_column(name, justify="left" if name == "Bronze" else "right")
    for proof in proofs:
        counts = [
            proof.row_counts.get(name, "")
            for name in (
                *("level_events", "level_event_features", "level_states"),
                *("gamma_by_strike", "bars_1m"),
            )
        ]
        changed = len(proof.differences)
        table.add_row(
            str(proof),
            *map(str, counts),
            Text(str(changed), "bold red" if changed else "green"),
        )
    terminal.print(table)
    for proof in proofs:
        for difference in proof.differences[:_SHOWN_DIFFERENCES]:
            terminal.print(f"{proof}: {difference}", style="red", soft_wrap=True)
        if (more := len(proof.differences) - _SHOWN_DIFFERENCES) > 0:
            terminal.print(f"{proof}: and {more} more", style="red")


def _validate(options: argparse.Namespace) -> int:
    date_range(options)
    if not default_calendar().between(options.start, options.end):
        raise UsageError(
            f"no CME trade date from {options.start} to {options.end}."
            " Give a range with an open day in it."
        )
    require_root(options.silver_root, "Silver")
    require_root(options.bronze_root, "Bronze")
    terminal = console(least_width=80)
    reports = []
    for report in validate(
        options.start,
        options.end,
        options.silver_root,
        options.bronze_root,
        strict=options.strict,
    ):
        reports.append(report)
        if not options.json:
            _show(terminal, report)
    if all(report.status == "absent" for report in reports):
        raise UsageError(
            f"neither Bronze below {options.bronze_root} nor a session below"
            f" {options.silver_root} from {options.start} to {options.end}. Give other dates, or"
            " set ES_BRONZE_ROOT and ES_SILVER_ROOT."
        )
    if options.json:
        print_json([asdict(report) for report in reports])
    else:
        terminal.print(_summary(reports))
    _tell_of_old_gold(options.silver_root)
    statuses = {report.status for report in reports}
    return 0 if "passed" in statuses and "failed" not in statuses else 1


def _tell_of_old_gold(silver: Path) -> None:
    """One line if gold was made of other sessions than are published now, and one if scores were of
    another gold or other runs."""
    from es_physics.gold.runs import scores_are_old
    from es_physics.gold.sessions import changed_since
    from es_physics.silver.commit import GOLD, OF_MANY, SCORES, read_commit

    root = gold_root()
    try:
        record = read_commit(root, GOLD)
        if record and (days := changed_since(silver, record)):
            inputs = record["inputs"]
            print(
                f"gold was made of other sessions than are published now, as of {days[0]}:"
                f" {OF_MANY[GOLD]} START={inputs['start']} END={inputs['end']}",
                file=sys.stderr,
            )
        scores = read_commit(root, SCORES)
        if scores and scores_are_old(root, scores):
            print(
                "scores were made of another gold, or of other runs, than are there now:"
                f" {OF_MANY[SCORES]}",
                file=sys.stderr,
            )
    except Error as error:
        print(f"gold: {error}", file=sys.stderr)


def _show(terminal: Console, report: SessionReport) -> None:
    if report.gates:
        terminal.print(gate_table(str(report.session_date), report.gates))
    for problem in report.problems:
        terminal.print(f"{report.session_date} {problem}", style="red", soft_wrap=True)
    for note in report.notes:
        terminal.print(f"{report.session_date} {note}", style="yellow", soft_wrap=True)


def gate_table(title: str, gates: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of `qa_gate_results`; in 80 columns what does not fit goes on below, never away."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("gate", width=max(len(gate["gate"]) for gate in gates))
    table.add_column("result", no_wrap=True)
    table.add_column("measured", overflow="fold")
    table.add_column("to be", no_wrap=True)
    for gate in gates:
        name = Text(gate["gate"], overflow="fold")
        if gate["detail"]:
            name.append(f"\n  {gate['detail']}", "dim")
        table.add_row(name, _result(gate), gate_text.measured(gate), gate_text.bound(gate))
    return table


def _result(gate: Mapping[str, Any]) -> Text:
    if gate["status"] == "failed" and gate["severity"] == "warn":
        return Text("warned", "yellow")
    return Text(gate["status"].replace("not_applicable", "n/a"), _STYLES[gate["status"]])


def _summary(reports: Sequence[SessionReport]) -> Table:
    table = Table(title="Summary", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in (
        "session",
        "verdict",
        "gates passed",
        "failed",
        "not applicable",
        "inputs",
        "outputs",
    ):
        is_word = name in ("session", "verdict")
        table.add_column(name, justify="left" if is_word else "right", no_wrap=is_word)
    for report in reports:
        files = [
            f"{sum(file.matches for file in group)} of {len(group)}" if group else ""
            for group in (report.inputs, report.outputs)
        ]
        gates = [
            str(report.count(status)) if report.gates else ""
            for status in ("passed", "failed", "not_applicable")
        ]
        table.add_row(
            str(report.session_date), Text(report.status, _STYLES[report.status]), *gates, *files
        )
    return table
