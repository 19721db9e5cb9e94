"""A session's tick and multiplier are those of its product, whatever else the seed knows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from conftest import Builds, run_dbt
from planted_faults import copy_project

SESSION = "2025-12-10"


def test_other_products_in_the_seed_change_nothing(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """One of another tick, one of another multiplier whose root ends in ES."""
    project = tmp_path / "project"
    copy_project(project)
    seed = project / "seeds" / "contract_specs.csv"
    header, *rows = seed.read_text().splitlines()
    others = ["CL,XNYM,USD,0.01,1000,1000", "MES,XCME,USD,0.25,5,5"]
    seed.write_text("\n".join([header, others[0], *rows, others[1], ""]))
    build = run_dbt("build", bronze=bronze, work=tmp_path, session_date=SESSION, project=project)
    assert build.returncode == 0, build.output
    assert build.digests() == builds[SESSION].digests()


@pytest.mark.parametrize(
    ("fault", "name", "line", "code"),
    [
        (
            "update intermediate.int_session set tick_size_points = null",
            "product_is_specified",
            "product_has_a_tick_and_a_multiplier fails, rows: 1",
            1,
        ),
        (
            "update intermediate.int_option_chain set multiplier = 5"
            " where instrument_id = (select min(instrument_id) from intermediate.int_option_chain)",
            "options_are_of_the_product_of_the_session",
            "multiplier_is_the_products fails, rows: 1",
            0,
        ),
    ],
    ids=["a product that the seed does not specify stops the build", "another multiplier warns"],
)
def test_product_is_specified_and_all_options_are_of_it(
    fault: str, name: str, line: str, code: int, builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    database = builds[SESSION].copy_database(tmp_path)
    with duckdb.connect(str(database)) as connection:
        connection.execute(fault)
    build = run_dbt(
        *("build", "--select", name), bronze=bronze, work=tmp_path, session_date=SESSION
    )
    assert build.returncode == code
    assert f"{name}: {line}" in build.output.splitlines()
