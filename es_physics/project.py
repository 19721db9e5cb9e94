"""The dbt project as Python reads it: the vars that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from es_physics.errors import UsageError

# A link to the project's own file, which a wheel carries as a copy.
_PROJECT_FILE = Path(__file__).with_name("dbt_project.yml")


@cache
def _declared() -> Mapping[str, Any]:
    declared: dict[str, Any] = yaml.safe_load(_PROJECT_FILE.read_text(encoding="utf-8"))["vars"]
    return declared


def project_vars(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The vars of `dbt_project.yml` by name, `overrides` over their defaults.

    Without session_date, which is the key of a build and no choice. Raises UsageError for a name
    that is not declared.
    """
    overrides = overrides or {}
    if unknown := sorted(set(overrides) - set(_declared())):
        raise UsageError(f"no var {unknown[0]} in dbt_project.yml")
    if "session_date" in overrides:
        raise UsageError("session_date is no var of a range: use --date, or --start and --end")
    values = {**_declared(), **overrides}
    del values["session_date"]
    return values
