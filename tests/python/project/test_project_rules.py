"""House rules that no model can break unseen: layers, grains, vars, descriptions, the lock."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from conftest import PROJECT, Builds, run_dbt

from es_physics.project import NO_CHOICES, gold_var_names

SESSION = "2025-12-10"
LOCKS = ("requirements.txt", "requirements-dev.txt")

# What each layer may read. Sources are for staging alone; nothing reads a layer above its own.
MAY_READ = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "silver": {"intermediate", "silver"},
    "publish": {"intermediate", "silver"},
}


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def layer(manifest: dict[str, Any], unique_id: str) -> str:
    if unique_id.startswith("source."):
        return "source"
    node = manifest["nodes"][unique_id]
    if node["resource_type"] == "seed":
        return "seed"
    if node["name"] == "publish":
        return "publish"
    return str(node["schema"])


def test_every_model_reads_only_what_its_layer_may(manifest: dict[str, Any]) -> None:
    wrong = [
        f"{model['name']} reads {parent}"
        for model in models(manifest)
        for parent in model["depends_on"]["nodes"]
        if layer(manifest, parent) not in MAY_READ[layer(manifest, model["unique_id"])]
    ]
    assert wrong == []


def test_every_model_says_its_grain_first_and_proves_it(manifest: dict[str, Any]) -> None:
    proven = {
        parent
        for node in manifest["nodes"].values()
        if node["original_file_path"].startswith("tests/grains/")
        for parent in node["depends_on"]["nodes"]
    }
    # Views over Bronze, whose records two gates prove to be there once and in order, and one whose
    # rows are those of gamma_by_strike.
    views_of_proven = {"int_book_rows", "int_gamma_exposures"}
    for model in models(manifest):
        assert model["description"].startswith("One row"), model["name"]
        is_feed = model["name"].startswith(("stg_databento", "stg_index"))
        if not is_feed and model["name"] not in views_of_proven | {"publish"}:
            assert model["unique_id"] in proven, f"{model['name']} has no test of its grain"


def test_every_source_seed_and_silver_column_is_described(manifest: dict[str, Any]) -> None:
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        if node["resource_type"] in {"model", "seed", "source"}:
            assert node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"], f"{node['name']}.{column['name']}"


def test_every_column_of_staging_is_read(manifest: dict[str, Any]) -> None:
    """By its name somewhere above staging; those of the ladder's levels are made by macros."""
    staging = [node for node in models(manifest) if layer(manifest, node["unique_id"]) == "staging"]
    paths = [*sources("*.sql"), *(PROJECT / "python_models").glob("*.py")]
    above = "\n".join(path.read_text() for path in paths if path.parent.name != "staging")
    unread = [
        f"{node['name']}.{column}"
        for node in staging
        for column in node["columns"]
        if not re.fullmatch(r"(bid|ask)_(px|sz)_\d\d", column)
        and not re.search(rf"\b{column}\b", above)
    ]
    assert staging
    assert unread == []


def test_every_silver_table_has_an_enforced_contract_and_is_published(
    manifest: dict[str, Any],
) -> None:
    silver = [
        model for model in models(manifest) if layer(manifest, model["unique_id"]) == "silver"
    ]
    assert all(node["contract"]["enforced"] for node in silver)
    publish = next(model for model in models(manifest) if model["name"] == "publish")
    assert {node["unique_id"] for node in silver} <= set(publish["depends_on"]["nodes"])


def test_every_silver_table_says_its_key_and_is_open_to_others(manifest: dict[str, Any]) -> None:
    """On the docs site a key is seen as constraints, of the columns whose test proves the grain."""
    grains = manifest["nodes"]["test.es_physics.silver_tables_have_their_grain"]["raw_code"]
    keys = {
        table: sorted(re.findall(r"\w+", columns))
        for table, columns in re.findall(r"ref\('(\w+)'\), \[([^]]+)\]", grains)
    }
    silver = [
        model for model in models(manifest) if layer(manifest, model["unique_id"]) == "silver"
    ]
    constrained = {
        model["name"]: sorted(
            name for name, column in model["columns"].items() if column["constraints"]
        )
        for model in silver
    }
    assert constrained == keys
    assert {model["access"] for model in silver} == {"public"}


def test_vars_are_declared_and_have_no_inline_default() -> None:
    declared = set(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"])
    for path in sources("*.sql"):
        text = path.read_text()
        assert not re.search(r"(?<!env_)var\('\w+'\s*,", text), (
            f"{path} gives a var an inline default"
        )
        used = set(re.findall(r"(?<!\w)(?:clock_|list_)?var\(['\"](\w+)['\"]\)", text))
        assert used <= declared, f"{path} uses {used - declared}, not in dbt_project.yml"


def test_every_var_that_is_a_choice_enters_the_fingerprint(builds: Builds) -> None:
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    record = json.loads((builds[SESSION].silver / "_commits" / f"{SESSION}.json").read_text())
    others = {*NO_CHOICES, *gold_var_names()}
    choices = {name: value for name, value in declared.items() if name not in others}
    assert record["inputs"]["vars"] == choices


def test_every_var_says_why() -> None:
    text = (PROJECT / "dbt_project.yml").read_text().split("\nvars:\n")[1]
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            assert re.search(r"\S+:\s.+\s# \S", line), f"no reason on: {line}"


def test_dates_stay_out_of_parsed_configuration() -> None:
    """A date in a source or config would freeze in a shared manifest and build the wrong day."""
    for path in sources("*.yml"):
        assert "session_date()" not in path.read_text(), path
        assert "var('session_date')" not in path.read_text(), path
    for path in sources("*.sql"):
        for config in re.findall(r"config\(.*?\)", path.read_text(), re.DOTALL):
            assert "session_date" not in config, path


def test_lock_files_have_exact_versions_and_no_host() -> None:
    locks = [(PROJECT / name).read_text().split() for name in LOCKS]
    for lines in locks:
        assert lines
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line) for line in lines)
    running, testing = map(set, locks)
    assert running < testing


def test_the_newest_change_is_of_the_version_that_is_built() -> None:
    pattern = re.compile(r'^(?:## |version: |version = ")([\d.]+)', re.MULTILINE)
    versions = {
        name: pattern.findall((PROJECT / name).read_text(encoding="utf-8"))[0]
        for name in ("CHANGELOG.md", "dbt_project.yml", "pyproject.toml")
    }
    assert len(set(versions.values())) == 1, versions


def test_unit_tests_of_the_sql_pass(builds: Builds, bronze: Path, tmp_path: Path) -> None:
    builds[SESSION].copy_database(tmp_path)
    finished = run_dbt(
        *("test", "--target", "test", "--select", "test_type:unit"),
        bronze=bronze,
        work=tmp_path,
        session_date=SESSION,
    )
    assert finished.returncode == 0, finished.output
    passed = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", finished.output)
    assert passed, finished.output
    assert int(passed[1]) >= 150


def sources(pattern: str) -> list[Path]:
    folders = ("models", "macros", "seeds", "tests/gates", "tests/generic")
    return [path for folder in folders for path in (PROJECT / folder).rglob(pattern)]
