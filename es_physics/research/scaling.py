"""Features on one scale: known values less the training's median, over its interquartile range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from es_physics.research.rows import Bools, Feature, Floats, Ints, Rows

_LARGEST = 4.0


@dataclass(frozen=True)
class Scaling:
    """What training says of f features: which are used, where they lie and how they spread."""

    columns: tuple[Feature, ...]
    """Those used, u of f."""
    places: Ints
    """Their places among the features. [u]"""
    center: Floats
    spread: Floats
    has_unknown: Bools
    """Which of them are NULL somewhere in training. [u]"""

    @classmethod
    def of(cls, train: Rows) -> Scaling:
        """0/1 columns stay as they are; others without a spread, or never known, are left out.

        Quantiles are of known values, unweighted, with linear interpolation.
        """
        kept = []
        for place, column in enumerate(train.columns):
            values = train.features[:, place]
            known = values[~np.isnan(values)]
            if not known.size:
                continue
            center, spread = 0.0, 1.0
            if not column.is_flag:
                low, center, high = np.quantile(known, [0.25, 0.5, 0.75])
                spread = high - low
            if spread > 0:
                kept.append((place, center, spread, known.size < values.size))
        places = np.array([one[0] for one in kept], int)
        return cls(
            columns=tuple(train.columns[place] for place in places),
            places=places,
            center=np.array([one[1] for one in kept], float),
            spread=np.array([one[2] for one in kept], float),
            has_unknown=np.array([one[3] for one in kept], bool),
        )

    def scaled(self, rows: Rows) -> Floats:
        """Values within four spreads, 0 where unknown. [n, u]"""
        values = (rows.features[:, self.places] - self.center) / self.spread
        is_flag = np.array([column.is_flag for column in self.columns], bool)
        values[:, ~is_flag] = np.clip(values[:, ~is_flag], -_LARGEST, _LARGEST)
        return np.nan_to_num(values, nan=0.0)

    def with_unknown(self, rows: Rows) -> Floats:
        """The same with a column of 0 and 1 for each feature that training did not always know,
        1 where it is unknown. [n, u + those]"""
        unknown = np.isnan(rows.features[:, self.places[self.has_unknown]])
        return np.column_stack([self.scaled(rows), unknown.astype(float)])

    @property
    def names_with_unknown(self) -> list[str]:
        """Names of the columns of `with_unknown`."""
        names = [column.name for column in self.columns]
        flagged = [name for name, has in zip(names, self.has_unknown, strict=True) if has]
        return [*names, *(f"{name}_is_unknown" for name in flagged)]
