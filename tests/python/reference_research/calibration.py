"""Towards the random walk, as far as earlier sessions ask for it (section 23)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from reference_research.inputs import Doubles, Ints, clipped, softmax

PRIOR = 10.0
SMALLEST_SLOPE = 0.05
LARGEST_A = 2.0
TOLERANCE = 1e-10
MOST_STEPS = 200


@dataclass(frozen=True)
class NullCalibration:
    """z = slope * ln p_null + bias, the last class without a bias."""

    slope: float
    bias: Doubles

    def __call__(self, p_null: Doubles) -> Doubles:
        return softmax(self.slope * np.log(clipped(p_null)) + self.bias)


def objective(parameters: Doubles, logs: Doubles, y: Ints, weight: Doubles) -> float:
    """Weighted log loss, and what a slope other than 1 and biases cost."""
    z = parameters[0] * logs + np.append(parameters[1:], 0.0)
    top = z.max(axis=1)
    loss = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - z[np.arange(len(y)), y]
    distance = parameters - np.eye(len(parameters))[0]
    return float((weight * loss).sum() + PRIOR / 2 * (distance**2).sum())


def fit_null(p_null: Doubles, y: Ints, weight: Doubles) -> NullCalibration:
    """Slope and biases by Newton's method; a slope that would fall below .05 is held there."""
    logs = np.log(clipped(p_null))
    parameters = newton(logs, y, weight, held=None)
    if parameters[0] < SMALLEST_SLOPE:
        parameters = newton(logs, y, weight, held=SMALLEST_SLOPE)
    return NullCalibration(float(parameters[0]), np.append(parameters[1:], 0.0))


def newton(logs: Doubles, y: Ints, weight: Doubles, held: float | None) -> Doubles:
    """The minimum of `objective`, of all parameters or with the slope held.

    Raises:
        ArithmeticError: the gradient does not vanish.
    """
    classes = logs.shape[1]
    free = slice(0 if held is None else 1, classes)
    parameters = np.zeros(classes)
    parameters[0] = 1.0 if held is None else held
    start = np.eye(classes)[0]
    # What z of each class changes by with each parameter: [event, class, parameter].
    design = np.zeros((*logs.shape, classes))
    design[:, :, 0] = logs
    for n in range(classes - 1):
        design[:, n, n + 1] = 1.0
    came_true = np.eye(classes)[y]
    for _ in range(MOST_STEPS):
        p = softmax(design @ parameters)
        gradient = np.einsum("i,ik,ikp->p", weight, p - came_true, design)
        gradient += PRIOR * (parameters - start)
        if np.linalg.norm(gradient[free]) < TOLERANCE:
            return parameters
        mean = np.einsum("ik,ikp->ip", p, design)
        hessian = np.einsum("i,ik,ikp,ikq->pq", weight, p, design, design)
        hessian += PRIOR * np.eye(classes) - np.einsum("i,ip,iq->pq", weight, mean, mean)
        step = np.zeros(classes)
        step[free] = np.linalg.solve(hessian[free, free], gradient[free])
        here, length = objective(parameters, logs, y, weight), 1.0
        while length > 1e-6 and objective(parameters - length * step, logs, y, weight) > here:
            length /= 2
        parameters = parameters - length * step
    raise ArithmeticError("null_calibrated: the gradient does not vanish")


@dataclass(frozen=True)
class Judged:
    """Events of calibration sessions with what a model and the calibrated null say of them."""

    p_raw: Doubles
    q: Doubles
    y: Ints
    weight: Doubles


def blended(p_raw: Doubles, q: Doubles, a: float) -> Doubles:
    """From the calibrated null (a = 0) towards the model (1) and beyond it."""
    base = np.log(clipped(q))
    return softmax(base + a * (np.log(clipped(p_raw)) - base))


def slope_of_loss(a: float, pooled: Sequence[Judged]) -> float:
    """Derivative of the weighted log loss by a."""
    total = 0.0
    for one in pooled:
        difference = np.log(clipped(one.p_raw)) - np.log(clipped(one.q))
        p = blended(one.p_raw, one.q, a)
        expected = (p * difference).sum(axis=1)
        total += float((one.weight * (expected - difference[np.arange(len(one.y)), one.y])).sum())
    return total


def best_a(pooled: Sequence[Judged]) -> float:
    """Where the loss, which is convex, is least within [0, 2]."""
    if slope_of_loss(0.0, pooled) >= 0:
        return 0.0
    if slope_of_loss(LARGEST_A, pooled) <= 0:
        return LARGEST_A
    root: float = brentq(slope_of_loss, 0.0, LARGEST_A, args=(pooled,), xtol=1e-13)
    return root
