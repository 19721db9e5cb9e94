"""The nearest earlier events, and what happened to them (section 23: `knn`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reference_research.inputs import Doubles, Examples, Feature, Ints
from reference_research.scaling import by_group, scaled

K = 50
PSEUDO_EVENTS = 5.0
SEED = 7


@dataclass(frozen=True)
class Neighbours:
    """The kept events of train by nearness: positions there, distances, weights v and u."""

    place: list[int]
    distance: list[float]
    weight: list[float]
    uniqueness: list[float]

    @property
    def farthest(self) -> float | None:
        return self.distance[-1] if self.distance else None


def kernel(distances: Sequence[float], uniqueness: Sequence[float]) -> list[float]:
    """Weights that fall with the square of the distance over the largest one."""
    if not distances or max(distances) == 0:
        return list(uniqueness)
    farthest = max(distances)
    return [
        u * math.exp(-((d / farthest) ** 2) / 2) for d, u in zip(distances, uniqueness, strict=True)
    ]


def effective_n(weight: Sequence[float], uniqueness: Sequence[float]) -> float:
    """How many events of full weight the neighbours are worth; 0 without any."""
    if not weight:
        return 0.0
    squares = math.fsum(v * v / u for v, u in zip(weight, uniqueness, strict=True))
    return math.fsum(weight) ** 2 / squares


def kept(
    train: Examples, columns: Doubles, family: str, direction: str, asked: Doubles
) -> Neighbours:
    """The nearest of train's events with the same family and direction."""
    ordered = []
    for place in range(len(train)):
        if train.family[place] == family and train.direction[place] == direction:
            difference = columns[place] - asked
            distance = math.sqrt(float((difference * difference).sum()))
            ordered.append((distance, str(train.event_id[place]), place))
    ordered = sorted(ordered)[:K]
    distances = [distance for distance, _, _ in ordered]
    places = [place for _, _, place in ordered]
    uniqueness = [float(train.weight[place]) for place in places]
    return Neighbours(places, distances, kernel(distances, uniqueness), uniqueness)


def all_kept(train: Examples, asked: Examples, features: Sequence[Feature]) -> list[Neighbours]:
    """The neighbours of each event that is asked about."""
    of_train, of_asked, named = scaled(train, asked, features, with_unknown=False)
    columns, others = by_group(of_train, named), by_group(of_asked, named)
    return [
        kept(train, columns, family, direction, other)
        for family, direction, other in zip(asked.family, asked.direction, others, strict=True)
    ]


def share(neighbours: Neighbours, y: Ints, p_null: Doubles) -> Doubles:
    """How often each class came true among them, drawn to the random walk by five events of it."""
    counts = np.zeros(len(p_null))
    for place, weight in zip(neighbours.place, neighbours.weight, strict=True):
        counts[y[place]] += weight
    if not neighbours.place:
        return p_null
    own: Doubles = (counts + PSEUDO_EVENTS * p_null) / (counts.sum() + PSEUDO_EVENTS)
    return own


def shares(neighbours: Sequence[Neighbours], y: Ints, asked: Examples) -> Doubles:
    rows = [share(one, y, p) for one, p in zip(neighbours, asked.p_null, strict=True)]
    return np.array(rows).reshape(asked.p_null.shape)


def permuted(train: Examples) -> Ints:
    """Train's classes, exchanged at random within each session: what nearness finds in nothing."""
    rng = np.random.default_rng(SEED)
    y = train.y.copy()
    for day in sorted(set(train.session)):
        own = np.flatnonzero(train.session == day)
        y[own] = train.y[own[rng.permutation(len(own))]]
    return y
