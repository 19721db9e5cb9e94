"""Odds made honest, towards the random walk: what is not proven is not said.

The random walk is calibrated on training and calibration sessions; every fitted model is then drawn
from it by one number, told from the calibration sessions of its fold and of all earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from es_physics.research.errors import ResearchError
from es_physics.research.rows import Floats, Ints, Rows, log_p, softmax

CALIBRATION_PRIOR = 10.0
"""Weight of leaving the random walk as it is: as of so many events."""

_LEAST_SLOPE = 0.05
_GRADIENT = 1e-8
_MOST_STEPS = 100
_HALVINGS = 40
MOST_TRUST = 2.0
"""A model is followed at most so far from the random walk."""
_TRUST_TOLERANCE = 1e-12


@dataclass(frozen=True)
class NullCalibration:
    """z = slope * ln p_null + bias of the class; the last class has the bias 0."""

    slope: float
    biases: Floats
    """[k]"""
    events: int
    """How many it was told from."""

    @classmethod
    def fit(cls, rows: Rows) -> NullCalibration:
        """Minimise the weighted log loss plus the prior's (c/2)((slope - 1)^2 + sum of biases^2).

        Newton's method, to a gradient whose norm is below 1e-8. Raises ResearchError if it does not
        get there.
        """
        log_null = log_p(rows.p_null)
        found = _newton(log_null, rows, np.ones(len(rows.classes), bool))
        if found[0] < _LEAST_SLOPE:
            # The loss is convex: its least beyond the bound lies on the bound.
            is_free = np.arange(len(rows.classes)) > 0
            found = _newton(log_null, rows, is_free, first=_LEAST_SLOPE)
        return cls(float(found[0]), np.append(found[1:], 0.0), len(rows))

    def apply(self, p_null: Floats) -> Floats:
        """The calibrated odds. [n, k]"""
        return softmax(self.slope * log_p(p_null) + self.biases)


def _newton(log_null: Floats, rows: Rows, is_free: np.ndarray, first: float = 1.0) -> Floats:
    """Slope and all biases but the last, where the loss is least over those that are free. [k]"""
    y, weight, is_class = rows.y, rows.weight, rows.is_class
    around = np.zeros(len(is_free))
    around[0] = 1.0
    at = around.copy()
    at[0] = first

    def loss(point: Floats) -> float:
        p = _p(point)
        told = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-300)) @ weight
        return float(told + CALIBRATION_PRIOR / 2 * ((point - around) ** 2).sum())

    def _p(point: Floats) -> Floats:
        return softmax(point[0] * log_null + np.append(point[1:], 0.0))

    value = loss(at)
    for _ in range(_MOST_STEPS):
        p = _p(at)
        off = (p - is_class) * weight[:, None]
        gradient = np.append((off * log_null).sum(), off[:, :-1].sum(axis=0))
        gradient = np.where(is_free, gradient + CALIBRATION_PRIOR * (at - around), 0.0)
        if np.linalg.norm(gradient) < _GRADIENT:
            return at
        step = np.zeros_like(at)
        curvature = _curvature(p, log_null, weight)[np.ix_(is_free, is_free)]
        step[is_free] = np.linalg.solve(curvature, -gradient[is_free])
        descent = gradient @ step
        for _ in range(_HALVINGS):
            ahead = loss(at + step)
            # Close to the least the loss is flat to the last digit, and Newton's step is right.
            if ahead <= value + 1e-4 * descent or -descent < 1e-9 * max(1.0, abs(value)):
                break
            step, descent = step / 2, descent / 2
        at, value = at + step, ahead
    raise ResearchError(
        f"the random walk of {rows.target} cannot be calibrated on {len(rows)} events: after"
        f" {_MOST_STEPS} steps its gradient is {np.linalg.norm(gradient):.1e}"
    )


def _curvature(p: Floats, log_null: Floats, weight: Floats) -> Floats:
    """Second derivatives of loss and prior by slope and biases. [k, k]"""
    mean = (p * log_null).sum(axis=1)
    by_bias = p[:, :-1]
    made = np.empty((p.shape[1], p.shape[1]))
    made[0, 0] = weight @ ((p * log_null**2).sum(axis=1) - mean**2)
    made[0, 1:] = made[1:, 0] = weight @ (by_bias * (log_null[:, :-1] - mean[:, None]))
    made[1:, 1:] = np.diag(weight @ by_bias) - (by_bias * weight[:, None]).T @ by_bias
    return made + CALIBRATION_PRIOR * np.eye(p.shape[1])


class Answers(NamedTuple):
    """What a model and the calibrated random walk said of one fold's calibration sessions."""

    p_raw: Floats
    q: Floats
    y: Ints
    weight: Floats


def trust(answers: Sequence[Answers]) -> float:
    """How far to follow a model away from the random walk: a in [0, 2] of least weighted log loss.

    0 if the loss does not fall at 0, and without any event.
    """
    p_raw, q, y, weight = (np.concatenate(one) for one in zip(*answers, strict=True))
    log_q = log_p(q)
    away = log_p(p_raw) - log_q
    chosen = away[np.arange(len(y)), y]

    def slope(a: float) -> float:
        p = softmax(log_q + a * away)
        return float(weight @ ((p * away).sum(axis=1) - chosen))

    if not slope(0.0) < 0:
        return 0.0
    if slope(MOST_TRUST) <= 0:
        return MOST_TRUST
    return float(brentq(slope, 0.0, MOST_TRUST, xtol=_TRUST_TOLERANCE))


def drawn_to(q: Floats, p_raw: Floats, a: float) -> Floats:
    """A model's odds as far from the random walk's as `a` says. [n, k]"""
    log_q = log_p(q)
    return softmax(log_q + a * (log_p(p_raw) - log_q))
