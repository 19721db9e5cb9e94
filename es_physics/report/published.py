"""What many sessions were made into, as pages read it: only what a commit record vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from es_physics.report.errors import ReportError
from es_physics.report.silver import read_output
from es_physics.silver.commit import OF_MANY, read_commit


@dataclass(frozen=True)
class Publication:
    """One publication below a root, under its name."""

    root: Path
    name: str
    record: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path, name: str) -> Publication | None:
        """The publication; None if there is none. Raises ReportError if its record is damaged."""
        try:
            record = read_commit(root, name)
        except ValueError as error:
            raise ReportError(str(error)) from None
        return None if record is None else cls(root, name, record)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of what it was made of."""
        return str(self.record["fingerprint"])

    @property
    def _cure(self) -> str:
        return f"make it again with {OF_MANY[self.name]}"

    def table(self, table: str, *columns: str) -> pa.Table:
        """A table in its published order, all columns if none is named.

        Raises ReportError if it is missing, lacks a column, or is not what was committed.
        """
        if table not in self.record["outputs"]:
            raise ReportError(f"{self.name} below {self.root} has no table {table}; {self._cure}")
        content = read_output(
            self.root, self.record["outputs"][table], self.name, self._cure, columns
        )
        if lacking := set(columns) - set(content.column_names):
            raise ReportError(
                f"{self.name} below {self.root}: {table} has no column "
                f"{', '.join(sorted(lacking))}; {self._cure}"
            )
        return content.select(columns or content.column_names)

    def rows(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """The table as one dict per row."""
        found: list[dict[str, Any]] = self.table(table, *columns).to_pylist()
        return found
