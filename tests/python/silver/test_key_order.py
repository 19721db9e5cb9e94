"""Rows come in the order of their key, in one chunk, whatever order they are stored in."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from es_physics.silver.key_order import in_key_order

SORTED = [(1, "B", 1), (1, "a", 2), (2, "B", 3), (3, "B", 4)]


@pytest.mark.parametrize(
    "stored",
    [
        SORTED,
        [SORTED[1], SORTED[0], *SORTED[2:]],  # only the key's second part tells
        SORTED[::-1],
        [*SORTED[:3], (None, "B", 5), SORTED[3]],  # nothing says where NULL belongs
        SORTED[:1],
        [],
    ],
)
def test_rows_come_in_order_of_their_key(stored: list[tuple[int | None, str, int]]) -> None:
    found = in_key_order(_relation(stored), "time, name")
    keys = list(zip(*(found[column].to_pylist() for column in ("time", "name")), strict=True))
    known = [key for key in keys if key[0] is not None]
    assert known == sorted((time, name) for time, name, _ in stored if time is not None)
    assert keys[: len(known)] == known
    assert found["nr"].num_chunks <= 1


def test_many_rows_are_one_chunk() -> None:
    with duckdb.connect() as connection:
        rows = connection.sql("select range as nr from range(300_000)")
        found = in_key_order(rows, "nr")
    assert (found["nr"].num_chunks, len(found)) == (1, 300_000)


def _relation(stored: list[tuple[int | None, str, int]]) -> duckdb.DuckDBPyRelation:
    schema = pa.schema([("time", pa.int64()), ("name", pa.string()), ("nr", pa.int64())])
    rows = [dict(zip(schema.names, row, strict=True)) for row in stored]
    return duckdb.from_arrow(pa.Table.from_pylist(rows, schema))
