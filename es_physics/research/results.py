"""What a run leaves: its tables, each in the order of its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from es_physics.research.fitted import Importance
from es_physics.research.gold import Gold
from es_physics.research.neighbours import Neighbours
from es_physics.research.rows import Floats, Rows
from es_physics.research.targets import CLASSES

_KEY = {"run_id": pa.string(), "fold": pa.int64(), "target": pa.string()}
_FIT = _KEY | {"model": pa.string(), "feature_set": pa.string()}
_PREDICTIONS = pa.schema(
    _FIT | {"event_id": pa.string(), "class": pa.string(), "p_raw": pa.float64(), "p": pa.float64()}
)
_CALIBRATION = pa.schema(
    _FIT
    | {"a": pa.float64(), "slope": pa.float64()}
    | {f"bias_{name.lower()}": pa.float64() for name in CLASSES}
    | {"events": pa.int64()}
)
_NEIGHBOURS = pa.schema(
    _KEY
    | {"feature_set": pa.string(), "event_id": pa.string(), "rank": pa.int64()}
    | {"neighbour_event_id": pa.string(), "distance": pa.float64(), "weight": pa.float64()}
    | {"outcome": pa.string(), "mfe_atr": pa.float64(), "mae_atr": pa.float64()}
    | {"scaled_time": pa.float64()}
)
_IMPORTANCES = pa.schema(
    _FIT
    | {"feature": pa.string(), "class": pa.string(), "gain": pa.float64()}
    | {"splits": pa.int64(), "coefficient": pa.float64()}
)
_DEPENDENCE = pa.schema(
    {"run_id": pa.string(), "target": pa.string(), "model": pa.string()}
    | {"feature_set": pa.string(), "feature": pa.string(), "class": pa.string()}
    | {"value": pa.float64(), "p": pa.float64()}
)


class Key(NamedTuple):
    """What a row of most tables is of."""

    fold: int
    target: str
    model: str
    feature_set: str


class Skip(NamedTuple):
    """A fold that a model was not fitted on, and why."""

    fold: int
    target: str
    model: str
    feature_set: str
    reason: str


@dataclass
class Results:
    """What the models of a run said, as it comes."""

    predictions: list[tuple[Key, Rows, Floats, Floats]] = field(default_factory=list)
    """Of a fold's test: events, odds as the model has them, and calibrated."""
    calibration: list[dict[str, Any]] = field(default_factory=list)
    neighbours: list[tuple[Key, Rows, Rows, Neighbours]] = field(default_factory=list)
    """Of a fold's test: events, those remembered, and the nearest of these."""
    importances: list[tuple[Key, Sequence[Importance]]] = field(default_factory=list)
    dependence: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def tables(self, run_id: str, gold: Gold) -> dict[str, pa.Table]:
        """Every table by its name."""
        return {
            "predictions": _concat(
                [_predictions(run_id, *one) for one in sorted(self.predictions, key=_key_of)],
                _PREDICTIONS,
            ),
            "calibration": _sorted(
                run_id, self.calibration, _CALIBRATION, "fold", "target", "model", "feature_set"
            ),
            "neighbours": _concat(
                [_neighbours(run_id, gold, *one) for one in sorted(self.neighbours, key=_key_of)],
                _NEIGHBOURS,
            ),
            "importances": _concat(
                [_importances(run_id, *one) for one in sorted(self.importances, key=_key_of)],
                _IMPORTANCES,
            ),
            "partial_dependence": _sorted(
                run_id,
                self.dependence,
                _DEPENDENCE,
                *("target", "model", "feature_set", "feature", "class", "value"),
            ),
        }


def _key_of(one: tuple[Any, ...]) -> Key:
    key: Key = one[0]
    return key


def _concat(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *tables])


def _sorted(run_id: str, rows: Sequence[dict[str, Any]], schema: pa.Schema, *key: str) -> pa.Table:
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in key))
    return pa.Table.from_pylist([{"run_id": run_id, **row} for row in ordered], schema)


def _table(
    run_id: str, key: dict[str, Any], columns: dict[str, Any], schema: pa.Schema
) -> pa.Table:
    """Columns, and beside them the same key in every row."""
    count = len(next(iter(columns.values())))
    same = {name: pa.repeat(value, count) for name, value in {"run_id": run_id, **key}.items()}
    made = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    both = same | made
    return pa.table({name: both[name].cast(schema.field(name).type) for name in schema.names})


def _predictions(run_id: str, key: Key, rows: Rows, p_raw: Floats, p: Floats) -> pa.Table:
    order = np.argsort(rows.classes)
    columns = {
        "event_id": np.repeat(rows.event_ids, len(order)),
        "class": np.tile(np.array(rows.classes, object)[order], len(rows)),
        "p_raw": p_raw[:, order].ravel(),
        "p": p[:, order].ravel(),
    }
    return _table(run_id, key._asdict(), columns, _PREDICTIONS)


def _neighbours(
    run_id: str, gold: Gold, key: Key, rows: Rows, remembered: Rows, found: Neighbours
) -> pa.Table:
    event, rank = np.nonzero(found.is_there)
    place = found.place[event, rank]
    index = remembered.index[place]
    columns = {
        "event_id": rows.event_ids[event],
        "rank": rank + 1,
        "neighbour_event_id": remembered.event_ids[place],
        "distance": found.distance[event, rank],
        "weight": found.weight[event, rank],
        "outcome": np.array(rows.classes, object)[remembered.y[place]],
        **{
            name: gold.outcome_values(name, index) for name in ("mfe_atr", "mae_atr", "scaled_time")
        },
    }
    of = {name: getattr(key, name) for name in ("fold", "target", "feature_set")}
    return _table(run_id, of, columns, _NEIGHBOURS)


def _importances(run_id: str, key: Key, importances: Sequence[Importance]) -> pa.Table:
    rows = [
        {"run_id": run_id, **key._asdict(), "class": one.class_name}
        | {name: getattr(one, name) for name in ("feature", "gain", "splits", "coefficient")}
        for one in importances
    ]
    return pa.Table.from_pylist(rows, _IMPORTANCES)
