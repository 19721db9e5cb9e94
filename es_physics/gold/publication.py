"""The last node of a build of many sessions: publish its tables by Silver's own commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from es_physics.errors import Error, first_line, is_of_object_store
from es_physics.files import gold_root
from es_physics.gold.fingerprint import gold_code_version, scores_code_version
from es_physics.silver.commit import GOLD, SCORES, publish
from es_physics.silver.fingerprint import package_versions

_SCHEMA = pa.schema(
    [
        ("row_count", pa.int64()),
        ("fingerprint", pa.string()),
        ("commit_path", pa.string()),
        ("refused", pa.string()),
    ]
)


def publish_gold(params: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> pa.Table:
    """One row, the commit of `tables` in short, or `refused` with what kept it from being written.

    `params` is the row of the model gold_params.
    """
    inputs = {
        "sessions": json.loads(params["sessions_json"]),
        "start": params["gold_start"].isoformat(),
        "end": params["gold_end"].isoformat(),
    }
    return _publish(GOLD, params, tables, inputs, gold_code_version)


def publish_scores(params: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> pa.Table:
    """The same for the scores; `params` is the row of the model evaluation_params."""
    return _publish(SCORES, params, tables, json.loads(params["inputs_json"]), scores_code_version)


def _publish(
    key: str,
    params: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    inputs: Mapping[str, Any],
    code_version: Callable[[Path], str],
) -> pa.Table:
    made_with = {
        "vars": json.loads(params["vars_json"]),
        "code_version": code_version(Path(params["project_dir"])),
        "packages": package_versions(),
    }
    try:
        short = publish(
            gold_root(),
            key,
            tables,
            {**inputs, **made_with},
            run_started_at=params["run_started_at"],
        )
        row = {name: short[name] for name in ("row_count", "fingerprint", "commit_path")}
    except Exception as error:
        if not (isinstance(error, Error | OSError) or is_of_object_store(error)):
            raise
        row = {"refused": f"could not be published: {first_line(error)}"}
    return pa.Table.from_pylist([row], _SCHEMA)
