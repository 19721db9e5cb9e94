"""What a page was made from, as one hash that its file carries: the same hash, the same page.

It is over contents, never over times of files: of the published tables, by the hashes of commit
records, and of the code that makes pages of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from es_physics.report.silver import Commit
from es_physics.silver.fingerprint import imported_files

_DISTRIBUTIONS = ("bokeh", "jinja2", "markupsafe", "numpy", "pyarrow", "scipy")
_HEAD_BYTES = 4096


def made_from(kind: str, **inputs: Any) -> str:
    """sha256 over the kind of page, the code, and `inputs`, which JSON holds or writes as text."""
    everything = {"kind": kind, "code": code_sha256(), "inputs": inputs}
    text = json.dumps(everything, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def commit_sha256(commit: Commit) -> dict[str, Any]:
    """What went into a session's build and what came out of it, of the content of both."""
    return of_record(commit.fingerprint, commit.outputs)


def of_record(fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The same of any commit record."""
    tables = {name: output["sha256"] for name, output in outputs.items()}
    return {"fingerprint": fingerprint, "tables": tables}


def is_made_from(path: Path, sha256: str) -> bool:
    """Whether a page is there and was made from just that."""
    try:
        with path.open("rb") as page:
            return f'name="made-from" content="{sha256}"'.encode() in page.read(_HEAD_BYTES)
    except FileNotFoundError:
        return False


@cache
def code_sha256() -> str:
    """sha256 over all that makes pages: the modules that this package imports, and templates."""
    here = Path(__file__).parent
    files = imported_files(list(here.glob("*.py"))) | set((here / "templates").iterdir())
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(here.parent).as_posix().encode() + b"\n")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    digest.update(json.dumps({name: version(name) for name in _DISTRIBUTIONS}).encode())
    return digest.hexdigest()
