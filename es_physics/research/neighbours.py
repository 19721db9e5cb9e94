"""The most similar earlier events: exact, of the same family of levels and direction.

Distances are Euclidean over scaled features, those of one group weighing as one feature. There is
no index: a product of matrices finds the few that can be among the nearest, and of these alone the
differences are squared and summed, so that the answer is that of a search through all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from es_physics.research.rows import Bools, Floats, Ints, Rows, Texts
from es_physics.research.scaling import Scaling

NEIGHBOURS = 50
_PRIOR_EVENTS = 5.0
# Few enough that what is compared stays in the processor's cache.
_QUERIES_AT_ONCE = 16
# Of a squared distance from a product of matrices, against the squares it is made of: a thousand
# times what rounding leaves.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Neighbours:
    """For n queries up to m of the remembered events each, nearest first."""

    place: Ints
    """Among the remembered events; -1 beyond the last. [n, m]"""
    distance: Floats
    """NaN beyond the last. [n, m]"""
    weight: Floats
    """Uniqueness, less the further away; 0 beyond the last. [n, m]"""
    effective_n: Floats
    """How many events of full weight that is; 0 for none. [n]"""

    @property
    def is_there(self) -> Bools:
        """[n, m]"""
        return self.place >= 0


@dataclass(frozen=True)
class Memory:
    """Events to be remembered, by family and direction."""

    rows: Rows
    scaling: Scaling
    divisor: Floats
    """Root of the number of features of a feature's group. [u]"""
    cells: Mapping[str, tuple[Ints, Floats]]
    """Of each family and direction the places of its events, and their features. [n, u]"""

    @classmethod
    def of(cls, train: Rows) -> Memory:
        """Remember these events."""
        scaling = Scaling.of(train)
        sizes = Counter(column.group for column in scaling.columns)
        divisor = np.sqrt([float(sizes[column.group]) for column in scaling.columns])
        points, cells = scaling.scaled(train) / divisor, _cells(train)
        places = {cell: np.flatnonzero(cells == cell) for cell in np.unique(cells)}
        return cls(train, scaling, divisor, {cell: (at, points[at]) for cell, at in places.items()})

    def nearest(self, queries: Rows, count: int = NEIGHBOURS) -> Neighbours:
        """The nearest remembered events of each query, by distance and then id."""
        points = self.scaling.scaled(queries) / self.divisor
        place = np.full((len(queries), count), -1)
        distance = np.full((len(queries), count), np.nan)
        cells = _cells(queries)
        for cell in np.unique(cells):
            if cell in self.cells:
                inside, remembered = self.cells[cell]
                asked = np.flatnonzero(cells == cell)
                found, far = nearest_points(remembered, points[asked], count)
                place[asked, : found.shape[1]] = inside[found]
                distance[asked, : found.shape[1]] = far
        return self._weighed(place, distance)

    def _weighed(self, place: Ints, distance: Floats) -> Neighbours:
        is_there = place >= 0
        uniqueness = np.where(is_there, self.rows.weight[place], 0.0)
        furthest = np.max(distance, axis=1, initial=0.0, where=is_there)[:, None]
        relative = np.divide(distance, furthest, out=np.zeros_like(distance), where=furthest > 0)
        weight = np.where(is_there, uniqueness * np.exp(-(relative**2) / 2), 0.0)
        squares = np.divide(weight**2, uniqueness, out=np.zeros_like(weight), where=uniqueness > 0)
        total = squares.sum(axis=1)
        effective = np.divide(
            weight.sum(axis=1) ** 2, total, out=np.zeros_like(total), where=total > 0
        )
        return Neighbours(place, distance, weight, effective)

    def shares(self, found: Neighbours, p_null: Floats) -> Floats:
        """Weighted shares of the neighbours' classes, drawn to the random walk as by five events
        of it; the random walk where there is no neighbour. [n, k]"""
        is_class = self.rows.is_class[found.place] * found.weight[:, :, None]
        counted = is_class.sum(axis=1) + _PRIOR_EVENTS * p_null
        shares: Floats = counted / (found.weight.sum(axis=1) + _PRIOR_EVENTS)[:, None]
        return shares


def nearest_points(points: Floats, queries: Floats, count: int) -> tuple[Ints, Floats]:
    """Places and distances of the nearest `points` [n, u] of each of `queries` [q, u].

    Both are [q, min(count, n)], by distance and then place. Exact: a squared distance is the sum of
    squared differences in float64.
    """
    count = min(count, len(points))
    places = np.empty((len(queries), count), int)
    distances = np.empty((len(queries), count))
    squares = np.einsum("ij,ij->i", points, points)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        asked = queries[start : start + _QUERIES_AT_ONCE]
        own = np.einsum("ij,ij->i", asked, asked)
        near = squares - 2 * (asked @ points.T)
        furthest = np.partition(near, count - 1, axis=1)[:, count - 1]
        slack = _ROUNDING * (own + squares.max())
        query, place = np.nonzero(near <= (furthest + slack)[:, None])
        apart = np.take(points, place, axis=0)
        apart -= np.take(asked, query, axis=0)
        squared = np.einsum("ij,ij->i", apart, apart)
        order = np.lexsort((place, squared, query))
        query, place, squared = query[order], place[order], squared[order]
        # The first `count` of each query, which has at least so many.
        found = np.bincount(query, minlength=len(asked))
        first = np.cumsum(found) - found
        chosen = first[:, None] + np.arange(count)
        places[start : start + len(asked)] = place[chosen]
        distances[start : start + len(asked)] = np.sqrt(squared[chosen])
    return places, distances


def _cells(rows: Rows) -> Texts:
    """Family and direction of every event, as one text."""
    sides = np.where(rows.is_up, " UP", " DOWN").astype(object)
    cells: Texts = rows.family + sides
    return cells
