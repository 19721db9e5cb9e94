"""The version of all that decides a number of gold."""

from __future__ import annotations

from pathlib import Path

from es_physics.silver.fingerprint import files_sha256, imported_files, is_of_gold, project_files

_PLUGIN = Path(__file__).with_name("dbt_plugin.py")


def gold_code_version(project: Path = Path()) -> str:
    """sha256 over the names and contents of gold's files: those in folders named gold of what dbt
    reads, and what its Python models import. Sessions have versions of their own."""
    files = [path for path in project_files(project) if is_of_gold(path, project)]
    models = [path for path in files if path.suffix == ".py"]
    return files_sha256(project, files, imported_files([_PLUGIN, *models]))
