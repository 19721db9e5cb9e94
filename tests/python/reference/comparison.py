"""How two tables differ, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

SHOWN = 5


def compare(
    expected: pl.DataFrame,
    actual: pl.DataFrame,
    keys: list[str],
    rtol: float = 1e-9,
    atol: float = 1e-12,
) -> list[str]:
    """The differences between two tables over the columns of `expected`; none is an empty list.

    Rows are matched by `keys`, whatever their order. A cell differs unless both are NULL, both are
    equal, or the expected one is a float and |actual - expected| <= atol + rtol * |expected|.
    NULL equals NULL only; NaN equals NaN only. Columns only `actual` has are ignored.
    """
    differences = []
    missing_columns = [name for name in expected.columns if name not in actual.columns]
    if missing_columns:
        differences.append(f"columns missing in actual: {', '.join(missing_columns)}")
    if expected.height != actual.height:
        differences.append(f"row count: expected {expected.height}, actual {actual.height}")
    absent_keys = [key for key in keys if key not in expected.columns or key in missing_columns]
    if absent_keys:
        return [*differences, f"cannot match rows: no key column {', '.join(absent_keys)}"]

    expected_rows = _rows_by_key(expected, keys, "expected", differences)
    actual_rows = _rows_by_key(actual, keys, "actual", differences)
    for name, these, others in (
        ("actual", expected_rows, actual_rows),
        ("expected", actual_rows, expected_rows),
    ):
        lost = [key for key in these if key not in others]
        if lost:
            differences.append(f"{len(lost)} keys missing in {name}: {_some(map(str, lost))}")

    shared_keys = [key for key in expected_rows if key in actual_rows]
    for column in expected.columns:
        if column in missing_columns or column in keys:
            continue
        cells = [(key, expected_rows[key][column], actual_rows[key][column]) for key in shared_keys]
        wrong = [
            f"{key}: expected {_cell(want)}, actual {_cell(got)}"
            for key, want, got in cells
            if not _equal(want, got, rtol, atol)
        ]
        if wrong:
            differences.append(
                f"{column}: {len(wrong)} of {len(cells)} cells differ: {_some(wrong)}"
            )
    return differences


def _rows_by_key(
    table: pl.DataFrame, keys: Sequence[str], name: str, differences: list[str]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The table's rows by key; keys held by several rows are added to `differences`."""
    rows = [(tuple(row[key] for key in keys), row) for row in table.iter_rows(named=True)]
    repeated = [str(key) for key, count in Counter(key for key, _ in rows).items() if count > 1]
    if repeated:
        differences.append(f"{len(repeated)} keys repeated in {name}: {_some(repeated)}")
    return dict(rows)


def _equal(want: Any, got: Any, rtol: float, atol: float) -> bool:
    if want is None or got is None:
        return want is None and got is None
    # True is no 1 here: a flag that came back as a number is a difference.
    if isinstance(want, bool) != isinstance(got, bool):
        return False
    if want == got:
        return True
    if isinstance(want, float) and isinstance(got, int | float):
        if want != want or got != got:
            return want != want and got != got
        # An infinite expectation would make every number close to it.
        return abs(want) != float("inf") and abs(got - want) <= atol + rtol * abs(want)
    return False


def _cell(value: Any) -> str:
    return "NULL" if value is None else repr(value)


def _some(items: Iterable[str]) -> str:
    """The first few items, and how many more there are."""
    listed = list(items)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return "; ".join(listed[:SHOWN]) + more
