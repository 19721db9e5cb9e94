"""What somebody installs: a wheel that works from any folder, or says that it needs a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Sequence
from datetime import date
from email import message_from_bytes
from pathlib import Path

import pytest
import report_silver
from conftest import PROJECT
from packaging.requirements import Requirement

SESSION = date(2025, 12, 16)
PACKAGES = ("es_physics", "ingest")
NOT_INSTALLED = ("bench", "tests", "seeds")
SOURCES = (*PACKAGES, *NOT_INSTALLED, "pyproject.toml", "dbt_project.yml", "README.md", "LICENSE")


def call(
    *command: str | Path, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command of an environment without this project on its path."""
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def pip(*arguments: str | Path) -> None:
    """This environment's pip, which fetches nothing."""
    offline = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    finished = call(sys.executable, "-m", "pip", *arguments, *offline)
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its own traces beside what it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, source / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(PROJECT / name, source)
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, source)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that holds the wheel, and finds the dependencies here."""
    folder = tmp_path_factory.mktemp("environment")
    finished = call(sys.executable, "-m", "venv", "--without-pip", folder)
    assert finished.returncode == 0, finished.stderr
    pip("--python", folder / "bin" / "python", "install", wheel)
    [packages] = folder.glob("lib/python*/site-packages")
    # A path in such a file is searched last, and its own such files, the editable project among
    # them, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("published") / "silver"
    report_silver.publish(root, SESSION)
    return root


def test_the_wheel_holds_both_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        [info] = {name.split("/")[0] for name in archive.namelist()} - set(PACKAGES)
        licence = archive.read(f"{info}/licenses/LICENSE")
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        calendar = archive.read("es_physics/session_calendar.csv")
    there = {
        path.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == there
    assert {"es_physics/py.typed", "ingest/py.typed"} <= names
    assert "es_physics/report/templates/session.html" in names
    assert calendar == (PROJECT / "seeds" / "session_calendar.csv").read_bytes()
    assert licence == (PROJECT / "LICENSE").read_bytes()

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert metadata["License-Expression"] == project["license"]
    needed = {Requirement(line) for line in metadata.get_all("Requires-Dist", [])}
    assert {Requirement(line) for line in project["dependencies"]} <= needed
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_it_reads_published_sessions_from_any_folder(
    bin_folder: Path, silver: Path, tmp_path: Path
) -> None:
    script = (
        "import es_physics, es_physics.quant.black76, datetime\n"
        "print(es_physics.__file__)\n"
        "root = es_physics.silver_root()\n"
        "[day] = es_physics.committed_sessions(root)\n"
        "print(day, es_physics.read_table(root, 'level_interactions', day).num_rows)\n"
        "print(list(es_physics.problems(root)))\n"
    )
    finished = call(
        bin_folder / "python", "-c", script, folder=tmp_path, ES_SILVER_ROOT=str(silver)
    )
    assert finished.returncode == 0, finished.stderr
    where, read, problems = finished.stdout.splitlines()
    assert Path(where).is_relative_to(bin_folder.parent)
    assert (read, problems) == (f"{SESSION} {len(report_silver.EVENTS)}", "[]")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("es-physics", "verify"), 0, "1 sessions published below"),
        (("es-physics", "show", "2025-12-17"), 1, "2025-12-17 is not published below"),
        (("es-physics", "report", str(SESSION)), 0, f"reports/{SESSION}.html"),
        (
            ("es-physics", "validate", "--start", "2025-12-25", "--end", "2025-12-25"),
            2,
            "error: no CME trade date from 2025-12-25",
        ),
        (
            ("es-physics", "build", "--date", str(SESSION)),
            2,
            "is no checkout of es_physics (dbt_project.yml and models), and a build needs one:"
            " stand in it, or give --project-dir",
        ),
        (
            ("es-physics", "build", "--date", str(SESSION), "--project-dir", str(PROJECT)),
            1,
            "error: no Bronze futures/trades below",
        ),
        (("es-physics", "prove-causality", str(SESSION)), 2, "is no checkout of es_physics"),
        (("python", "-m", "ingest", "status"), 1, "is empty: stand in the project's folder"),
    ],
)
def test_its_commands_run_from_any_folder(
    command: Sequence[str],
    code: int,
    said: str,
    bin_folder: Path,
    silver: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "bronze").mkdir()
    finished = call(
        bin_folder / command[0],
        *command[1:],
        folder=tmp_path,
        ES_SILVER_ROOT=str(silver),
        ES_BRONZE_ROOT=str(tmp_path / "bronze"),
    )
    assert finished.returncode == code, finished.stdout + finished.stderr
    assert said in " ".join((finished.stdout + finished.stderr).split())
    assert "Traceback" not in finished.stderr
    if code == 2:
        assert len(finished.stderr.splitlines()) == 1


def test_another_versions_checkout_is_refused(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    text = (PROJECT / "dbt_project.yml").read_text()
    (tmp_path / "dbt_project.yml").write_text(text.replace("zone_min_width", "zone_least_width"))
    finished = call(bin_folder / "es-physics", "build", "--date", str(SESSION), folder=tmp_path)
    assert finished.returncode == 2
    assert finished.stderr == (
        f"error: {tmp_path} is another version than the installed es_physics; give another"
        f" --project-dir, or pip install --editable {tmp_path}\n"
    )
