"""Sessions that must not be read together, and runs that prove only a part, publish nothing.

Each command is given a Silver root of its own, and the database and the gold root in which a good
build has published.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from gold.gold_builds import BUILD, GoldBuild, run_gold
from gold.made_silver import made_tables, make_silver, write_session

from es_physics.gold.dbt_plugin import gold_problem

pytestmark = pytest.mark.market

SESSIONS = 6
THIRD = date(2024, 1, 4)


def change_record(root: Path, change: Callable[[dict[str, Any]], None], day: date = THIRD) -> None:
    path = root / "_commits" / f"{day}.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def of_another_version(root: Path) -> None:
    change_record(root, lambda record: record["inputs"].update(code_version="other"))


def of_other_vars(root: Path) -> None:
    change_record(root, lambda record: record["inputs"]["vars"].update(zone_min_width=2.0))


def too_few(root: Path) -> None:
    for path in sorted((root / "_commits").iterdir())[4:]:
        path.unlink()


def without_a_table(root: Path) -> None:
    change_record(root, lambda record: record["outputs"].pop("lead_lag"))


def rewrite_table(root: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    tables = made_tables(THIRD, 2, events=1)
    tables["lead_lag"] = change(tables["lead_lag"])
    write_session(root, THIRD, tables, build_vars=_vars(root))


def _vars(root: Path) -> dict[str, Any]:
    record = json.loads((root / "_commits" / "2024-01-02.json").read_text())
    given: dict[str, Any] = record["inputs"]["vars"]
    return given


def with_another_name(root: Path) -> None:
    rewrite_table(root, lambda rows: rows.rename({"rho": "correlation"}))


def with_another_type(root: Path) -> None:
    rewrite_table(root, lambda rows: rows.with_columns(pl.col("rho").cast(pl.Float32)))


def with_one_column_more(root: Path) -> None:
    rewrite_table(root, lambda rows: rows.with_columns(one=1))


def with_a_damaged_record(root: Path) -> None:
    (root / "_commits" / f"{THIRD}.json").write_text('{"session_date": ')


def without_a_file(root: Path) -> None:
    (root / "_versions" / str(THIRD) / "made" / "lead_lag").unlink()


def not_there(root: Path) -> None:
    shutil.rmtree(root)


def as_it_was(root: Path) -> None:
    assert root.is_dir()


DAY = f"{THIRD}"
CURE = "dbt build --target gold --select gold"
REFUSALS: dict[str, tuple[Callable[[Path], None], tuple[str, ...], dict[str, Any], str]] = {
    "versions": (
        of_another_version,
        BUILD,
        {},
        f"sessions of 2 versions of the code: {DAY} differ from the other 5; build them again, or"
        " give --vars '{allow_mixed: true}'",
    ),
    "vars": (
        of_other_vars,
        BUILD,
        {},
        f"sessions of 2 sets of vars: {DAY} differ from the other 5; build them again, or give"
        " --vars '{allow_mixed: true}'",
    ),
    "few": (too_few, BUILD, {}, "4 sessions are published from 2000-01-01 to 2099-12-31 ("),
    "table": (without_a_table, BUILD, {}, f"{DAY} have no table lead_lag; build them again"),
    "name": (with_another_name, BUILD, {}, f"lead_lag of {DAY} has other columns than the other"),
    "type": (with_another_type, BUILD, {}, f"lead_lag of {DAY} has other columns than the other"),
    "more": (with_one_column_more, BUILD, {}, f"lead_lag of {DAY} has other columns than the oth"),
    "record": (with_a_damaged_record, BUILD, {}, f"{DAY}.json"),
    "file": (without_a_file, BUILD, {}, f"{DAY}/made/lead_lag is missing; build it again"),
    "root": (not_there, BUILD, {}, "ES_SILVER_ROOT"),
    "everything": (as_it_was, ("build",), {}, CURE),
    "run of everything": (as_it_was, ("run",), {}, CURE),
    "a session's table": (as_it_was, ("run", "--select", "gold", "level_events"), {}, CURE),
    "run": (as_it_was, ("run", "--select", "gold"), {}, "gold is not published: "),
    "a test": (
        as_it_was,
        ("build", "--select", "gold", "--exclude", "matrix_has_no_outcome"),
        {},
        "gold is not published: matrix_has_no_outcome not tested in this run. What is published",
    ),
    "the end": (
        as_it_was,
        ("build", "--select", "publish_gold"),
        {},
        "not built in this run",
    ),
    "range": (
        as_it_was,
        BUILD,
        {"gold_start": "2024-02-01", "gold_end": "2024-01-01"},
        "gold_start 2024-02-01 is after gold_end 2024-01-01",
    ),
}


def published(root: Path) -> dict[str, str]:
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refusals")
    make_silver(folder / "silver" / "good", sessions=SESSIONS, events=1, placebos_per_event=1)
    return folder


@pytest.fixture(scope="module")
def answers(work: Path) -> dict[str, GoldBuild]:
    """What dbt answers to a good build, and then to each of `REFUSALS`."""
    said = {"good": run_gold(silver=work / "silver/good", work=work)}
    for name, (change, arguments, given, _) in REFUSALS.items():
        silver = Path(shutil.copytree(work / "silver/good", work / "silver" / name))
        change(silver)
        said[name] = run_gold(*arguments, silver=silver, work=work, given=given)
    return said


def test_a_good_build_is_published_and_nothing_after_it(
    work: Path, answers: dict[str, GoldBuild]
) -> None:
    assert answers["good"].returncode == 0, answers["good"].output
    record = json.loads((work / "gold/_commits/gold.json").read_text())
    files = {output["file"] for output in record["outputs"].values()}
    versions = {name for name in published(work / "gold") if name.startswith("_versions/")}
    assert versions == files
    assert len(record["inputs"]["sessions"]) == SESSIONS


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_line(name: str, answers: dict[str, GoldBuild]) -> None:
    answer = answers[name]
    assert answer.returncode in {1, 2}
    assert "Traceback" not in answer.output
    line = REFUSALS[name][-1]
    assert [told for told in answer.output.splitlines() if line in told], answer.output


def test_sessions_of_several_versions_and_vars_are_read_together_if_asked_for(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = Path(shutil.copytree(work / "silver/good", work / "silver" / "mixed"))
    of_another_version(mixed)
    of_other_vars(mixed)
    monkeypatch.setenv("ES_SILVER_ROOT", str(mixed))
    monkeypatch.setenv("ES_GOLD_ROOT", str(work / "other"))
    years = (date(2000, 1, 1), date(2099, 12, 31), 5)
    assert "sessions of 2 versions of the code" in gold_problem(*years, False)
    assert gold_problem(*years, True) == ""
