"""Any name will do for a folder, and nearly any for a database file: none is read as a pattern."""

from __future__ import annotations

from pathlib import Path

import duckdb
from conftest import Builds, run_dbt, run_es_physics
from planted_faults import SESSION, copy_bronze

ODD = "o'brien a*b es[1] 50% {x} é side=B"
DATABASE = "my-db [1]* 50% é.v2.duckdb"


def test_a_session_is_built_published_and_proven_under_odd_names(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """The same bytes as under plain names, though folders lie beside that patterns would match."""
    work = tmp_path / ODD
    copy_bronze(bronze, work / "date=2020-01-01 [b]?")
    copy_bronze(bronze, work / "date=2020-01-01 b1")
    arguments = {"bronze": work / "date=2020-01-01 [b]?", "work": work}
    build = run_dbt("build", **arguments, session_date=SESSION, database=DATABASE)
    assert build.returncode == 0, build.output
    assert (work / DATABASE).is_file()
    assert build.digests() == builds[SESSION].digests()

    roots = ("--silver-root", build.silver)
    for command in (
        ("verify",),
        ("validate", "--start", SESSION, "--end", SESSION, "--bronze-root", arguments["bronze"]),
        ("show", SESSION),
        ("gc", "--older-than", "0"),
        ("catalog",),
    ):
        finished = run_es_physics(*command, *roots)
        assert finished.returncode == 0, finished.stdout + finished.stderr
    with duckdb.connect(build.silver / "catalog.duckdb", read_only=True) as connection:
        ((events,),) = connection.execute("select count(*) from level_events").fetchall()
    assert events == build.table("level_events", SESSION).height > 0


def test_a_catalog_is_written_below_any_folder(builds: Builds, tmp_path: Path) -> None:
    target = tmp_path / "a?b #1" / "it's [1].duckdb"
    root = builds[SESSION].silver
    finished = run_es_physics("catalog", "--silver-root", root, "--output", target)
    assert finished.returncode == 0, finished.stderr
    assert [path.name for path in target.parent.iterdir()] == [target.name]
