"""Published gold as research reads it: by its commit record, every file hashed, nothing else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from es_physics.files import absolute
from es_physics.research.errors import ResearchError
from es_physics.research.folds import Fold, read_folds
from es_physics.research.rows import Bools, Feature, Floats, Ints, Rows, Texts
from es_physics.research.targets import classes_of
from es_physics.silver.commit import GOLD, OF_MANY, read_commit

_REMAKE = f"make it again with {OF_MANY[GOLD]} START= END="
_SEQUENCES = ("path", "signed_volume", "ofi", "depth")
_SEQUENCE_LENGTH = 40


@dataclass(frozen=True)
class Gold:
    """One publication. Events are in the order of their ids, features in that of the seed."""

    root: Path
    record: Mapping[str, Any]
    features: tuple[Feature, ...]
    sets: Mapping[str, tuple[int, ...]]
    """Places of the features of every set, those that are NULL throughout left out."""
    unknown: tuple[str, ...]
    """Features that are NULL throughout."""
    matrix: Floats
    """[events, features], NaN where unknown."""
    outcomes: pa.Table
    targets: pa.Table
    session: Ints
    """Number of each event's session, from 0."""
    folds: list[Fold]

    @classmethod
    def read(cls, root: Path) -> Gold:
        """Read what is published below `root`.

        Raises ResearchError if nothing is, or if a file is not what was committed; RecordError for
        a damaged commit record.
        """
        record = read_commit(root, GOLD)
        if record is None:
            raise ResearchError(
                f"no gold is published below {absolute(root)}: {OF_MANY[GOLD]} START= END=, or set"
                " ES_GOLD_ROOT"
            )
        described = _read(root, record, "feature_sets").to_pylist()
        table = _read(root, record, "event_matrix")
        outcomes = _read(root, record, "event_outcomes")
        if not table.num_rows:
            raise ResearchError(f"gold below {absolute(root)} has no event; {_REMAKE}")
        features = tuple(
            Feature(row["feature"], row["feature_group"], row["kind"] == "flag")
            for row in described
        )
        matrix = np.column_stack([_floats(table[feature.name]) for feature in features])
        is_unknown = np.all(np.isnan(matrix), axis=0)
        sets = [name for name, value in described[0].items() if isinstance(value, bool)]
        dates = sorted({*outcomes["session_date"].to_pylist()})
        fold_rows = _read(root, record, "folds").to_pylist()
        number_of = {
            day: number
            for number, day in enumerate(sorted({*dates, *(r["session_date"] for r in fold_rows)}))
        }
        return cls(
            root=root,
            record=record,
            features=features,
            sets={
                name: tuple(
                    place
                    for place, row in enumerate(described)
                    if row[name] and not is_unknown[place]
                )
                for name in sets
            },
            unknown=tuple(features[place].name for place in np.flatnonzero(is_unknown)),
            matrix=matrix,
            outcomes=outcomes,
            targets=_read(root, record, "event_targets"),
            session=np.array([number_of[day] for day in outcomes["session_date"].to_pylist()], int),
            folds=read_folds(fold_rows, number_of),
        )

    @property
    def fingerprint(self) -> str:
        """That of all that this gold was made of."""
        return str(self.record["fingerprint"])

    @cached_property
    def event_ids(self) -> Texts:
        """Ids of all events, in order."""
        return _texts(self.outcomes["event_id"])

    @cached_property
    def sequences(self) -> Floats:
        """The last half minutes of every event. [events, 4, 40]"""
        table = _read(self.root, self.record, "event_sequences")
        shape = (table.num_rows, _SEQUENCE_LENGTH)
        lists = [table[name].combine_chunks() for name in _SEQUENCES]
        return np.stack([_floats(one.flatten()).reshape(shape) for one in lists], axis=1)

    def rows(self, target: str, *, only_scored: bool = True, with_sequences: bool = False) -> Rows:
        """The events of a target, with all features. Raises UsageError for an unknown target."""
        classes = classes_of(target)
        table = self.targets.filter(pc.equal(self.targets["target"], target))
        is_scored: Bools = _bools(table["is_scored"])
        outcome = _texts(table["class"])
        y = np.full(len(outcome), -1)
        for number, name in enumerate(classes):
            y[is_scored & (outcome == name)] = number
        rows = Rows(
            target=target,
            classes=classes,
            index=np.arange(len(y)),
            event_ids=self.event_ids,
            session=self.session,
            y=y,
            weight=_floats(table["weight"]),
            p_null=np.column_stack([_floats(table[f"p_null_{one.lower()}"]) for one in classes]),
            minutes_since_open=_floats(self.outcomes["minutes_since_open"]),
            is_up=_floats(self.outcomes["dir_sign"]) > 0,
            family=_texts(self.outcomes["level_family"]),
            features=self.matrix,
            columns=self.features,
            sequences=self.sequences if with_sequences else None,
        )
        return rows.take(is_scored) if only_scored else rows

    def outcome_values(self, name: str, index: Sequence[int] | Ints) -> Floats:
        """A number of event_outcomes at places among the events, NaN where unknown."""
        return _floats(self.outcomes[name])[np.asarray(index, int)]


def _read(root: Path, record: Mapping[str, Any], table: str) -> pa.Table:
    if table not in record["outputs"]:
        raise ResearchError(f"gold below {absolute(root)} has no table {table}; {_REMAKE}")
    output = record["outputs"][table]
    file = root / output["file"]
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ResearchError(f"gold's {table} is missing ({file}); {_REMAKE}") from None
    if hashlib.sha256(content).hexdigest() != output["sha256"]:
        raise ResearchError(f"gold's {table} does not match its sha256 ({file}); {_REMAKE}")
    return pq.ParquetFile(io.BytesIO(content)).read()


def _floats(column: pa.ChunkedArray | pa.Array) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), float)


def _bools(column: pa.ChunkedArray) -> Bools:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def _texts(column: pa.ChunkedArray) -> Texts:
    return np.array(column.to_pylist(), object)
