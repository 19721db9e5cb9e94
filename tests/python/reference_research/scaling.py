"""Features as columns of like size (definitions, section 23: `logit`, `knn`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from reference_research.inputs import Doubles, Examples, Feature

LARGEST = 4.0


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share lies, between neighbours in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def scaled_column(known: Sequence[float], values: Doubles, is_flag: bool) -> Doubles | None:
    """Values less the median of the `known` ones of train over their IQR, within 4; unknown is 0.

    A flag stays as it is. None where train says nothing of the size: an IQR of 0, or no value.
    """
    if is_flag:
        return np.nan_to_num(values, nan=0.0)
    if not known:
        return None
    width = quantile(known, 0.75) - quantile(known, 0.25)
    if width == 0:
        return None
    scaled = np.clip((values - quantile(known, 0.5)) / width, -LARGEST, LARGEST)
    return np.nan_to_num(scaled, nan=0.0)


def scaled(
    train: Examples, asked: Examples, features: Sequence[Feature], *, with_unknown: bool
) -> tuple[Doubles, Doubles, list[tuple[str, str]]]:
    """Columns of train and of what is asked; of each its name and its feature's group.

    With `with_unknown` a feature of which train lacks a value has one column more, 1 where unknown.
    """
    of_train, of_asked, named = [], [], []
    for feature in features:
        values, other = train.features[feature.name], asked.features[feature.name]
        known = [float(value) for value in values if not math.isnan(value)]
        column = scaled_column(known, values, feature.is_flag)
        also = scaled_column(known, other, feature.is_flag)
        if column is None or also is None:
            continue
        of_train.append(column)
        of_asked.append(also)
        named.append((feature.name, feature.group))
        if with_unknown and len(known) < len(values):
            of_train.append(np.isnan(values).astype(np.float64))
            of_asked.append(np.isnan(other).astype(np.float64))
            named.append((f"{feature.name}_is_unknown", feature.group))
    return (
        np.column_stack([np.zeros((len(train), 0)), *of_train]),
        np.column_stack([np.zeros((len(asked), 0)), *of_asked]),
        named,
    )


def by_group(columns: Doubles, named: Sequence[tuple[str, str]]) -> Doubles:
    """Each column over the root of its group's size, so that a group weighs as one feature."""
    sizes = Counter(group for _, group in named)
    return columns / np.sqrt([float(sizes[group]) for _, group in named])
