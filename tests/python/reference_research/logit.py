"""A regularised logistic regression, by Newton's method on its objective (section 23)."""

from __future__ import annotations

import numpy as np

from reference_research.inputs import Doubles, Ints, softmax

C = 0.001
TOLERANCE = 1e-11
MOST_STEPS = 60


def with_intercept(columns: Doubles) -> Doubles:
    return np.column_stack([columns, np.ones(len(columns))])


def fit_multinomial(columns: Doubles, y: Ints, weight: Doubles, classes: int) -> Doubles:
    """Coefficients [columns + 1, classes], the last row the intercepts, which are not penalised.

    They minimise C * sum(weight * loss) + |coefficients|^2 / 2. Of two classes only the second has
    coefficients, as is usual.

    Raises:
        ArithmeticError: the gradient does not vanish.
    """
    x = with_intercept(columns)
    free = free_classes(classes)
    size = x.shape[1]
    penalty = np.ones(size)
    penalty[-1] = 0
    came_true = np.eye(classes)[y]
    theta = np.zeros((size, classes))
    for _ in range(MOST_STEPS):
        p = softmax(x @ theta)
        gradient = C * x.T @ (weight[:, None] * (p - came_true)) + penalty[:, None] * theta
        slope = gradient[:, free].T.ravel()
        if np.abs(slope).max() < TOLERANCE:
            return theta
        hessian = np.zeros((len(free) * size, len(free) * size))
        for a, m in enumerate(free):
            for b, n in enumerate(free):
                curve = C * weight * p[:, m] * ((m == n) - p[:, n])
                block = x.T @ (curve[:, None] * x)
                if m == n:
                    block += np.diag(penalty)
                hessian[a * size : (a + 1) * size, b * size : (b + 1) * size] = block
        # The same number added to every intercept changes nothing: keep their sum where it is.
        if len(free) > 1:
            together = np.arange(len(free)) * size + size - 1
            hessian[np.ix_(together, together)] += C
        step = np.linalg.solve(hessian, slope).reshape(len(free), size).T
        theta[:, free] -= step
    raise ArithmeticError("logit: the gradient does not vanish")


def free_classes(classes: int) -> list[int]:
    """Which classes have coefficients."""
    return [1] if classes == 2 else list(range(classes))


def predict(theta: Doubles, asked: Doubles) -> Doubles:
    """Probabilities of what is asked, of columns that are scaled."""
    return softmax(with_intercept(asked) @ theta)
