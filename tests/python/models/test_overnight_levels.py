"""A kind of level is added by declaring it, and everything that loops over kinds has it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
import reference
from conftest import PROJECT, Build, Builds, run_dbt
from planted_faults import copy_project
from reference.constants import DEFAULTS, Constants

from es_physics.report.palette import SPARE_FAMILIES
from es_physics.report.session_page import session_page
from es_physics.report.session_view import SessionView
from es_physics.report.silver import committed

SESSION = "2025-12-10"
OVERNIGHT = (
    {
        "kind": "NIGHT_HIGH",
        "family": "overnight",
        "high_of": ["18:00", "04:00"],
        "valid_from": "09:30",
    },
    {
        "kind": "NIGHT_LOW",
        "family": "overnight",
        "low_of": ["trade_date_start", "premarket_start"],
        "valid_from": "rth_start",
    },
)
KINDS = (*DEFAULTS.level_kinds, *OVERNIGHT)
TABLES = (
    *("levels", "level_events", "level_event_features", "level_event_labels"),
    *("level_states", "placebo_events", "placebo_labels"),
)


@pytest.fixture(scope="module")
def overnight(bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The session with the high and the low of the night, 18:00 to 04:00, valid from the open."""
    build = run_dbt(
        "build",
        bronze=bronze,
        work=tmp_path_factory.mktemp("overnight"),
        session_date=SESSION,
        other_vars={"level_kinds": KINDS},
    )
    assert build.returncode == 0, build.output
    return build


def test_every_table_has_the_new_kinds_as_the_reference_has_them(
    overnight: Build, bronze: Path
) -> None:
    expected = reference.expected_tables_v11(
        bronze,
        PROJECT / "seeds" / "session_calendar.csv",
        date.fromisoformat(SESSION),
        Constants(level_kinds=KINDS),
    )
    differences = {
        name: reference.compare(
            expected[name], overnight.table(name, SESSION), reference.KEYS[name]
        )
        for name in TABLES
    }
    assert differences == {name: [] for name in TABLES}


def test_new_kinds_have_events_and_the_others_count_them(overnight: Build, builds: Builds) -> None:
    before = builds[SESSION].table("level_interactions", SESSION)
    after = overnight.table("level_interactions", SESSION)
    names = [f"dist_to_night_{side}{unit}" for side in ("high", "low") for unit in ("", "_atr")]
    assert set(after.columns) == {*before.columns, *names}
    last_before = f"dist_to_{DEFAULTS.level_kinds[-1]['kind'].lower()}_atr"
    assert after.columns.index(names[0]) == after.columns.index(last_before) + 1
    assert after.select(names).null_count().sum_horizontal().item() < 4 * after.height
    kinds = set(after["level_kind"])
    assert kinds - set(before["level_kind"]) == {"NIGHT_HIGH", "NIGHT_LOW"}

    # What is known of an entry at another kind stays, but for levels beside it and labels at once.
    same = before.join(after, on="event_id", suffix="_after")
    assert same.height == before.height
    moved = ("level_stacking_2pt", "level_stacking_5pt", "level_stacking_10pt", "uniqueness")
    for name in set(before.columns) - {"event_id", *moved}:
        assert same[name].eq_missing(same[f"{name}_after"]).all(), name
    near = [
        (pl.col("spot") - pl.col(distance) - pl.col("level_price")).abs() <= 10
        for distance in names[0::2]
    ]
    stacked = same.select(
        found=pl.col("level_stacking_10pt_after") - pl.col("level_stacking_10pt"),
        expected=pl.sum_horizontal(near),
    )
    assert stacked["found"].to_list() == stacked["expected"].to_list()
    assert stacked["found"].sum() > 0


def test_the_page_draws_the_new_kinds_and_filters_by_them(overnight: Build) -> None:
    view = SessionView.read(committed(date.fromisoformat(SESSION), overnight.silver))
    html = session_page(view)
    counts = Counter(overnight.table("level_events", SESSION)["level_kind"])
    for kind, name in (("NIGHT_HIGH", "NIGHT high"), ("NIGHT_LOW", "NIGHT low")):
        for part in ("zone", "level"):
            assert f'"{part}:{kind}"' in html
        option = f'<input type="checkbox" value="{kind}" checked>.*?</svg>{name} <[^>]*>'
        assert re.search(f"{option}{counts[kind]}<", html)
    # A family without a colour of its own takes a spare one; its kinds are told apart by dash.
    high, low = (view.styles[f"NIGHT_{side}"] for side in ("HIGH", "LOW"))
    assert high.role == low.role in SPARE_FAMILIES
    assert (high.dash, low.dash) == ("solid", "dashed")


def test_a_kind_of_another_making_has_a_model_of_its_own(
    builds: Builds, bronze: Path, tmp_path: Path
) -> None:
    """Its levels are collected with the others; a model that is not there is named."""
    database = builds[SESSION].copy_database(tmp_path)
    project = tmp_path / "project"
    copy_project(project)
    kind = {"kind": "ROUND_100", "family": "round", "model": "int_levels_round"}
    model = project / "models" / "intermediate" / "levels" / "int_levels_round.sql"

    def build() -> Build:
        return run_dbt(
            *("build", "--select", "int_level_kinds", "int_levels_round", "int_levels"),
            bronze=bronze,
            work=tmp_path,
            session_date=SESSION,
            project=project,
            other_vars={"level_kinds": [*DEFAULTS.level_kinds, kind]},
        )

    missing = build()
    assert missing.returncode != 0
    assert "depends on a node named 'int_levels_round' which was not found" in missing.output

    model.write_text(
        "select 'ROUND_100' as level_kind, 6800::double as level_price,"
        " rth_start_ns as valid_from_ns, trade_date_end_ns as valid_to_ns"
        " from {{ ref('int_session') }}"
    )
    made = build()
    assert made.returncode == 0, made.output
    with duckdb.connect(str(database)) as connection:
        kinds = connection.sql(
            "select level_kind, count(*) from intermediate.int_levels group by 1"
        )
        counts = dict(kinds.fetchall())
    levels = builds[SESSION].table("levels", SESSION)["level_kind"].value_counts()
    assert counts == {**dict(levels.iter_rows()), "ROUND_100": 1}
