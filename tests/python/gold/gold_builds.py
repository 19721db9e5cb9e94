"""dbt commands over many sessions, each with a database and a gold root of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from conftest import PROJECT
from warm_dbt import WarmDbt

BUILD = ("build", "--select", "gold")
SCORE = ("build", "--select", "gold.evaluation")
GOLD_DBT = WarmDbt("gold", PROJECT, "gold.duckdb")
EVALUATION_DBT = WarmDbt("evaluation", PROJECT, "gold.duckdb")


@dataclass(frozen=True)
class GoldBuild:
    """One finished dbt command, and where it published."""

    returncode: int
    output: str
    root: Path
    database: Path
    published_as: str = "gold"

    def record(self) -> dict[str, Any]:
        commit = self.root / "_commits" / f"{self.published_as}.json"
        content: dict[str, Any] = json.loads(commit.read_text())
        return content

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.root / self.record()["outputs"][name]["file"], glob=False)

    def gold_table(self, name: str) -> pl.DataFrame:
        """A table of the gold that was scored."""
        return GoldBuild(0, "", self.root, self.database).table(name)

    def unpublished(self, name: str, schema: str = "gold") -> pl.DataFrame:
        """A table as it stands in the database, which is named gold as well."""
        with duckdb.connect(self.database, read_only=True) as connection:
            return connection.sql(f"from gold.{schema}.{name}").pl()

    def digests(self) -> dict[str, str]:
        """sha256 of every published table."""
        return {name: output["sha256"] for name, output in self.record()["outputs"].items()}


def gold_environment(
    *, silver: str | Path, work: Path, gold: str | Path | None = None, threads: int = 2
) -> dict[str, str]:
    return {
        "ES_SILVER_ROOT": str(silver),
        "ES_GOLD_ROOT": str(gold or work / "gold"),
        "ES_GOLD_DUCKDB_PATH": str(work / "gold.duckdb"),
        "ES_TEMP_DIRECTORY": str(work / "duckdb_tmp"),
        "ES_SILVER_CACHE": str(work / "cache"),
        "ES_THREADS": str(threads),
    }


def gold_arguments(
    *arguments: str, work: Path, given: Mapping[str, Any] | None = None, target: str = "gold"
) -> list[str]:
    """What follows `dbt` on the command line; `given` are its vars."""
    variables = ["--vars", json.dumps(given)] if given else []
    places = ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
    return [*arguments, "--target", target, *variables, *places, "--log-level-file", "none"]


def run_gold(
    *arguments: str,
    silver: str | Path,
    work: Path,
    gold: str | Path | None = None,
    threads: int = 2,
    given: Mapping[str, Any] | None = None,
) -> GoldBuild:
    """A dbt command over the committed sessions below `silver`; without arguments a whole build."""
    work.mkdir(parents=True, exist_ok=True)
    environment = gold_environment(silver=silver, work=work, gold=gold, threads=threads)
    command = gold_arguments(*(arguments or BUILD), work=work, given=given)
    code, output = GOLD_DBT.run(
        [*command, "--no-use-colors"], os.environ | environment, writes_manifest=False
    )
    return GoldBuild(code, output, work / "gold", work / "gold.duckdb")


def run_evaluation(
    *arguments: str,
    gold: Path,
    work: Path,
    threads: int = 2,
    given: Mapping[str, Any] | None = None,
) -> GoldBuild:
    """A dbt command over the runs below `gold`; without arguments all that there is to score."""
    work.mkdir(parents=True, exist_ok=True)
    environment = gold_environment(silver=work / "silver", work=work, gold=gold, threads=threads)
    command = gold_arguments(*(arguments or SCORE), work=work, given=given, target="evaluation")
    code, output = EVALUATION_DBT.run([*command, "--no-use-colors"], os.environ | environment)
    return GoldBuild(code, output, gold, work / "gold.duckdb", "scores")
