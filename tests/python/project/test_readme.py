"""What README.md, CONTRIBUTING.md and docs/ tell a reader to type works as they say."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import PROJECT, SILVER_TABLES, Builds

import es_physics.cli
import ingest.cli

SESSION = "2025-12-16"
README = PROJECT / "README.md"
OPERATIONS = PROJECT / "docs" / "operations.md"
PAGES = [README, *sorted((PROJECT / "docs").glob("*.md"))]
PAGES += [PROJECT / "CONTRIBUTING.md"] if (PROJECT / "CONTRIBUTING.md").exists() else []

QUICK = {
    *(f"es-physics {command}" for command in ("show", "verify", "gc", "catalog", "report")),
    *("es-physics validate", "python -m ingest status"),
}
"""Commands of a moment, run on one built session; of the others only the arguments are checked."""

WITH_SETUP = {"pandas", "pyarrow"}
"""Readers that `make setup` installs; Polars is among what the tests need, Spark is not."""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line, its page first; comments and environment variables before it left out."""
    for page in PAGES:
        for line in "".join(blocks(page, "sh")).splitlines():
            if words := shlex.split(line, comments=True):
                while re.match(r"[A-Z_]+=", words[0]):
                    del words[0]
                yield page.name, [word.removeprefix(".venv/bin/") for word in words]


COMMANDS = list(commands())
IDS = [f"{page}: {' '.join(words)}" for page, words in COMMANDS]


def is_quick(words: list[str]) -> bool:
    return " ".join(words[: 4 if words[0] == "python" else 2]) in QUICK


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=IDS)
def test_a_command_takes_its_arguments(
    page: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (es_physics.cli, ingest.cli):
        monkeypatch.setattr(module, "run_command", lambda *_: 0)
    match words:
        case ["es-physics", *arguments]:
            assert es_physics.cli.main(arguments) == 0
        case ["python", "-m", "ingest", *arguments]:
            assert ingest.cli.main(arguments) == 0
        case ["python", "-m", ("pytest" | "bench.ingest" | "bench.folder" | "bench.compare"), *_]:
            assert all((PROJECT / word).exists() for word in words if word.startswith("tests/"))
        case ["make", *targets]:
            finished = subprocess.run(
                ["make", "-n", *targets], cwd=PROJECT, capture_output=True, text=True, check=False
            )
            assert finished.returncode == 0, finished.stderr
        case ["dbt", ("build" | "test" | "run" | "parse"), *arguments]:
            given = argparse.ArgumentParser(exit_on_error=False)
            given.add_argument("--vars", type=yaml.safe_load, default={})
            given.add_argument("--select", nargs="+")
            given.add_argument("--target")
            given.add_argument("--empty", action="store_true")
            declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
            assert set(given.parse_args(arguments).vars) <= set(declared)
        case ["cp", source, _]:
            assert (PROJECT / source).is_file()
        case ["git" | "pip" | "pre-commit" | "marimo", *_]:
            pass
        case _:
            pytest.fail(f"{page} says {words}: say here how to check that")


@pytest.fixture(scope="module")
def desk(builds: Builds, bronze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one built session in `data`, as a reader of the README has it."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(builds[SESSION].silver, folder / "data" / "silver")
    (folder / "data" / "bronze").symlink_to(bronze)
    return folder


def run(desk: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ES_")}
    return subprocess.run(
        command,
        cwd=desk,
        env=environment | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_quick_command_says_something_of_a_session(desk: Path) -> None:
    ran = set()
    for _, words in COMMANDS:
        # A range of more sessions than are built here is told as missing them.
        one = [SESSION if re.fullmatch(r"2025-\d\d-\d\d", word) else word for word in words]
        if is_quick(words) and tuple(one) not in ran:
            ran.add(tuple(one))
            head = [sys.executable] if one[0] == "python" else [_script(one[0])]
            finished = run(desk, [*head, *one[1:]])
            assert (finished.returncode, finished.stderr) == (0, ""), words
            assert finished.stdout, words
    assert {" ".join(words[: 4 if words[0] == "python" else 2]) for words in ran} == QUICK
    assert (desk / "reports" / f"{SESSION}.html").is_file()
    assert (desk / "data" / "silver" / "catalog.duckdb").is_file()


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_every_python_example_runs(desk: Path) -> None:
    elsewhere = blocks(OPERATIONS, "python")
    examples = [
        *blocks(README, "python"),
        *(one for one in elsewhere if "import es_physics" in one),
    ]
    assert len(examples) >= 2
    for example in examples:
        # What set-up does not install is no part of the examples.
        assert not re.search(r"polars|pytest|marimo", example)
        finished = run(desk, [sys.executable, "-c", f"{example}\n"])
        assert (finished.returncode, finished.stderr) == (0, ""), example


def test_other_readers_read_a_tables_folder(desk: Path, builds: Builds) -> None:
    events = builds[SESSION].table("level_interactions", SESSION)
    lines = dict(re.findall(r"^\| (\w+) \| `(.*)` \|$", README.read_text(), re.MULTILINE))
    lines.pop("Spark")  # by its rules, below
    assert {name.lower() for name in lines} == WITH_SETUP | {"polars"}
    for name, line in lines.items():
        module = {"pyarrow": "pyarrow.dataset"}.get(name, name.lower())
        code = f"import {module}\ntable = {line}\nprint(len(table), str(table['session_date'][0]))"
        finished = run(desk, [sys.executable, "-c", code])
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.split()[:2] == [str(events.height), SESSION], line


def test_spark_finds_the_schema_that_it_takes_from_folders_and_files(builds: Builds) -> None:
    """Spark itself is too heavy here. It takes `session_date` from the folder's name, where only a
    date written as ISO 8601 becomes a DATE, in place of the file's column; names differ by more
    than capitals; and there are types that its Parquet reader has not."""
    files = sorted(builds[SESSION].silver.glob("[!_]*/*/*"))
    assert {file.parent.parent.name for file in files} == set(SILVER_TABLES)
    for file in files:
        key, _, value = file.parent.name.partition("=")
        schema = pq.read_schema(file)
        assert (file.name, key) == ("data.parquet", "session_date")
        assert schema.field(key).type == pa.date32()
        dates = pq.read_table(file, columns=[key], partitioning=None)[key].unique().to_pylist()
        assert dates in ([], [date.fromisoformat(value)]), file
        assert len({name.lower() for name in schema.names}) == len(schema.names), file
        for field in schema:
            kind = field.type.value_type if pa.types.is_list(field.type) else field.type
            assert pa.types.is_primitive(kind) or pa.types.is_string(kind), field
            assert not pa.types.is_time(kind), field
            assert not (pa.types.is_timestamp(kind) and kind.unit == "ns"), field


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_a_page_names_what_is_there(page: Path) -> None:
    text = page.read_text()
    for example in blocks(page, "python"):
        compile(example, page.name, "exec")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for anchor in re.findall(r"\]\(([^)]*\.md#[^)]+)\)", text):
        path, heading = anchor.split("#")
        headings = re.findall(r"^#+ (.*)$", (page.parent / path).read_text(), re.MULTILINE)
        assert heading in {one.lower().replace(" ", "-") for one in headings}, anchor
    assert not re.search(r"python -m (publish|audit|report)\b", text)


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) < 200


def test_a_commit_is_checked_as_make_lint_does() -> None:
    told = subprocess.run(
        ["make", "-n", "lint"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    lint = re.findall(r"^(\.venv/bin/(?:ruff|mypy|sqlfluff).*?)$", told.stdout, re.MULTILINE)
    [local] = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    hooks = [hook["entry"] for hook in local["hooks"]]
    # A hook is given the files to look at, where make names folders.
    assert [re.sub(r"( \.| models tests)$", "", line) for line in lint] == hooks
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
