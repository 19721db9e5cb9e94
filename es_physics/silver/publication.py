"""The last node of a build: publish the session's tables, or say in one line why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from es_physics.errors import Error, first_line, is_of_object_store
from es_physics.files import silver_root
from es_physics.silver.commit import publish_session
from es_physics.silver.proof import objections

_SCHEMA = pa.schema(
    [
        ("session_date", pa.date32()),
        ("row_count", pa.int64()),
        ("fingerprint", pa.string()),
        ("commit_path", pa.string()),
        ("refused", pa.string()),
    ]
)


def publish_or_refuse(params: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> pa.Table:
    """One row, the commit of `tables` in short, or `refused` with what speaks against it.

    `params` is the row of the model session_params. A run with --empty has nothing to publish and
    nothing to refuse. What cannot be written (a full disk, a store that does not answer) is refused
    like what must not be: a traceback of a Python model would hide the one line that says it.
    """
    day = params["session_date"]
    row: dict[str, Any] = {"session_date": day}
    if not params["is_empty_run"]:
        try:
            root = silver_root()
            found = list(
                objections(
                    root,
                    day,
                    tables,
                    params["bronze_json"],
                    publish_empty=params["publish_empty"],
                )
            )
            if found:
                row["refused"] = f"is not published: {'; '.join(found)}"
            else:
                row |= publish_session(
                    day,
                    tables,
                    bronze_json=params["bronze_json"],
                    vars_json=params["vars_json"],
                    run_started_at=params["run_started_at"],
                    root=root,
                    project=Path(params["project_dir"]),
                )
        except Exception as error:
            if not (isinstance(error, Error | OSError) or is_of_object_store(error)):
                raise
            row["refused"] = f"could not be published: {first_line(error)}"
    return pa.Table.from_pylist([row], _SCHEMA)
