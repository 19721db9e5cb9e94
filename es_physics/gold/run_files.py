"""Where runs of models, and the trials that they count as, lie below a gold root."""

from __future__ import annotations

from pathlib import Path

RUNS, RECORD = "runs", "run.json"
TRIALS = "trials"


def run_file(run_id: str, name: str) -> str:
    """A file of a run, below the gold root."""
    return f"{RUNS}/{run_id}/{name}"


def trials_file(root: Path) -> Path:
    """Where every trial ever made under a gold root is noted."""
    return root / f"{TRIALS}.parquet"
