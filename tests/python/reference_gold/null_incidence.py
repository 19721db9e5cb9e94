"""How many of a random walk's paths have reached a barrier by each time.

The Laplace transform of `reference.first_passage`, inverted for many starts and times at once: in
units of the walk's own spread by the time, so that one contour serves all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEP = 0.1
# Beyond 6.2 the factor exp(z), |exp(z)| = exp(1 - u^2), is below double precision.
ROOTS = 1 + 1j * np.arange(0, 6.2, STEP)


def null_incidence(
    to_barrier: Sequence[float],
    to_other: Sequence[float],
    volatility: Sequence[float],
    minutes: Sequence[float],
) -> NDArray[np.float64]:
    """Probability of reaching a barrier first, by each time: a row per walk, a column per time.

    Distances are points and positive, volatilities points per square root of a minute and positive,
    times positive. The integrand at -u is the conjugate of that at u, so half of the contour is
    enough.
    """
    spread = np.outer(volatility, np.sqrt(minutes))[:, :, None]
    near = np.asarray(to_barrier)[:, None, None] / spread
    far = np.asarray(to_other)[:, None, None] / spread
    q = np.sqrt(2.0) * ROOTS
    transform = np.exp(-q * near) * -np.expm1(-2 * q * far) / -np.expm1(-2 * q * (near + far))
    integrand = (np.exp(ROOTS**2) * transform / ROOTS).real
    total = integrand[..., 0] + 2 * integrand[..., 1:].sum(axis=-1)
    return np.clip(total * STEP / np.pi, 0.0, 1.0)
