"""The SQL functions of the dbt plugin, on a connection of their own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import PROJECT
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt_common.exceptions import DbtRuntimeError

from es_physics.bronze import dbt_plugin
from es_physics.bronze.dbt_plugin import Plugin, bronze_select
from es_physics.bronze.feeds import FEED_BY_PATH, Feed
from es_physics.bronze.partitions import PartitionCheck
from es_physics.project import NO_CHOICES, gold_var_names


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    Plugin("dbt_plugin", {}).configure_connection(made)
    return made


def test_every_cursor_of_a_database_tells_times_in_utc() -> None:
    made = duckdb.connect()
    made.execute("set global TimeZone = 'Asia/Tokyo'")
    Plugin("dbt_plugin", {}).configure_connection(made)
    [(told,)] = made.cursor().sql("select current_setting('TimeZone')").fetchall()
    assert told == "UTC"


def test_names_every_var_of_the_project_but_the_date(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    [(names,)] = connection.execute("select project_var_names()").fetchall()
    declared = list(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"])
    assert {"session_date", "publish_empty"} == set(NO_CHOICES) <= set(declared)
    others = {*NO_CHOICES, *gold_var_names()}
    assert names == [name for name in declared if name not in others]


@pytest.mark.parametrize(
    "name",
    [
        *("side=B", "symbol=ESX", "size=7", "date=2020-01-01", "root=NQ", "es[1]", "a?b", "st*r"),
        *("it's", 'a "quote"', "back\\slash", "a ] b", "{a,b}", "%20", "line\nbreak", "x]y[z"),
    ],
)
def test_a_path_above_the_layout_is_never_data_nor_a_pattern(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    feed = FEED_BY_PATH["index/spx"]
    for root in (name, "es1", "axb", "star", "xyz"):
        folder = feed.partition_dir(tmp_path / root, date(2025, 12, 16))
        folder.mkdir(parents=True, exist_ok=True)
        price = 1 if root == name else 2
        columns = {"ts_recv": [5], "row_nr": [0], "price": [price]}
        pq.write_table(pa.table(columns, feed.schema), folder / "data.parquet")
    file = feed.partition_dir(tmp_path / name, date(2025, 12, 16)) / "data.parquet"
    sql = bronze_select("index/spx", [str(file)])
    assert connection.sql(sql).fetchall() == [(5, 0, 1, date(2025, 12, 16))]
    assert connection.sql(sql).columns == ["ts_recv", "row_nr", "price", "date"]


def test_dates_come_in_the_order_given_with_their_own_keys(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    feed = FEED_BY_PATH["futures/definition"]
    files = []
    for day in (15, 16):
        folder = feed.partition_dir(tmp_path, date(2025, 12, day))
        folder.mkdir(parents=True)
        for part in range(2):
            files.append(str(folder / f"{part}.parquet"))
            row = {field.name: [None] for field in feed.schema} | {"row_nr": [part]}
            pq.write_table(pa.table(row, feed.schema), files[-1])
    found = connection.sql(bronze_select(feed.path, files)).select("date", "root", "row_nr")
    assert found.fetchall() == [
        (date(2025, 12, day), "ES", part) for day in (15, 16) for part in range(2)
    ]
    empty, whole = (connection.sql(bronze_select(feed.path, given)) for given in ([], files))
    assert empty.fetchall() == []
    assert dict(zip(empty.columns, empty.types, strict=True)) == dict(
        zip(whole.columns, whole.types, strict=True)
    )


def test_makes_a_folder_with_those_above_it_and_leaves_one_that_is_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "it's" / "_audits" / "session_date=2025-12-16"
    for _ in range(2):
        answer = connection.execute("select make_folder(?)", [str(folder)]).fetchall()
        assert answer == [(str(folder),)]
        assert folder.is_dir()
        (folder / "kept").touch()
    assert (folder / "kept").exists()


def test_makes_no_folder_of_a_url(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    connection.execute("select make_folder('memory://bucket/_audits')")
    assert list(tmp_path.iterdir()) == []


def opened(path: Path) -> None:
    """What dbt does before it opens a database."""
    Plugin("dbt_plugin", {}).update_connection_config(
        DuckDBCredentials(path=str(path), schema="main"), {}
    )


@pytest.mark.parametrize(
    "name",
    [
        *("it's.duckdb", 'a"b.duckdb', "a?b/x.duckdb", "a#1/x.duckdb", "a\\b.duckdb"),
        *("bronze.duckdb", "BRONZE.duckdb", "main.db", "temp.x.duckdb"),
    ],
)
def test_a_name_that_a_database_cannot_have_is_refused_in_one_line(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    with pytest.raises(DbtRuntimeError) as refused:
        opened(tmp_path / name)
    line = f"a database cannot be called after {tmp_path / name}; let ES_DUCKDB_PATH name"
    assert line in str(refused.value)


def test_a_database_that_cannot_be_opened_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database")
    for name in ("text.duckdb", "."):
        with pytest.raises(DbtRuntimeError) as refused:
            opened(tmp_path / name)
        line = f"the database {tmp_path / name} cannot be opened (IO Error: "
        assert line in str(refused.value), str(refused.value)
    with pytest.raises(DbtRuntimeError, match=r"the database's folder .*/gone is not there"):
        opened(tmp_path / "gone" / "x.duckdb")
    opened(tmp_path / "my-db [1]* é.duckdb")


def test_what_a_build_has_just_proven_is_proven_once(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str, date]] = []

    def fetch(root: Path, feed: Feed, day: date, cache: Path) -> PartitionCheck:
        asked.append((feed.path, day))
        return PartitionCheck("missing")

    monkeypatch.setattr(dbt_plugin, "fetch_partition", fetch)
    monkeypatch.setenv("ES_BRONZE_ROOT", str(tmp_path))
    spx, trades = FEED_BY_PATH["index/spx"], FEED_BY_PATH["futures/trades"]
    day = date(2025, 12, 16)
    dbt_plugin.prove_partition(spx, day, keep=True)
    for feed in (spx, trades, spx):
        connection.execute("select bronze_partition(?, ?)", [feed.path, day]).fetchall()
    assert asked == [(spx.path, day), (trades.path, day), (spx.path, day)]
