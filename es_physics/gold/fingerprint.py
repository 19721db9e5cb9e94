"""The versions of all that decides a number of gold, and one of the scores."""

from __future__ import annotations

from pathlib import Path

from es_physics.silver.fingerprint import files_sha256, imported_files, is_of_gold, project_files

_ROOM = Path(__file__).parent


def gold_code_version(project: Path = Path()) -> str:
    """sha256 over the names and contents of gold's files: those in folders named gold of what dbt
    reads, and what its Python models import. Sessions have versions of their own, and so have the
    scores."""
    files = [path for path in _files_of_gold(project) if not _is_of_evaluation(path, project)]
    return _version(project, files, "dbt_plugin.py")


def scores_code_version(project: Path = Path()) -> str:
    """sha256 over the names and contents of the files in gold's folders named evaluation, and what
    its Python models import."""
    files = [path for path in _files_of_gold(project) if _is_of_evaluation(path, project)]
    return _version(project, files, "evaluation_plugin.py")


def _files_of_gold(project: Path) -> list[Path]:
    return [path for path in project_files(project) if is_of_gold(path, project)]


def _is_of_evaluation(path: Path, project: Path) -> bool:
    return "evaluation" in path.relative_to(project).parts[:-1]


def _version(project: Path, files: list[Path], plugin: str) -> str:
    models = [path for path in files if path.suffix == ".py"]
    return files_sha256(project, files, imported_files([_ROOM / plugin, *models]))
