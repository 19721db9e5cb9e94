"""First passage of a driftless Brownian motion, by numerical inversion of its Laplace transform.

A series is what one would write in production (eigenfunctions or images). Here the transform,
which is one quotient of hyperbolic sines, is inverted by quadrature, so that the two have nothing
in common.
"""

from __future__ import annotations

import numpy as np

_STEP = 0.05
_NODES = np.arange(-160, 161) * _STEP
_CONTOUR_SCALE = 1.0


def first_passage_probability(
    to_barrier: float, to_other: float, volatility: float, horizon: float
) -> float:
    """Probability of reaching a barrier before `horizon`, and before reaching the other one.

    Args:
        to_barrier: distance to the barrier asked about, points, positive.
        to_other: distance to the barrier on the other side, points, positive.
        volatility: points per square root of the unit of `horizon`, positive.
        horizon: time allowed, positive.

    The first-passage density has the transform sinh(q b) / sinh(q (a + b)), q = sqrt(2 z) /
    volatility, with a and b the two distances (Darling & Siegert 1953); divided by z it is that of
    the probability. The Bromwich integral is taken by the trapezoidal rule along the parabola
    z = c (1 + iu)^2 / horizon (Weideman & Trefethen 2007), which goes round every pole, all of them
    real and not positive. The rule converges like exp(-2 pi / step), and the factor exp(c) stays
    of order one, so that the absolute error is that of double precision, about 1e-15.
    """
    root = np.sqrt(_CONTOUR_SCALE / horizon) * (1 + 1j * _NODES)
    z = root**2
    q = np.sqrt(2.0) * root / volatility
    # The quotient of sines in decaying exponentials only; Re q > 0 on the whole contour.
    transform = (
        np.exp(-q * to_barrier)
        * -np.expm1(-2 * q * to_other)
        / -np.expm1(-2 * q * (to_barrier + to_other))
    )
    # dz / (2 pi i) = root * sqrt(c / horizon) / pi du, and one root cancels against 1 / z.
    integrand = np.exp(z * horizon) * transform / root
    value = integrand.real.sum() * _STEP * np.sqrt(_CONTOUR_SCALE / horizon) / np.pi
    return min(max(float(value), 0.0), 1.0)
