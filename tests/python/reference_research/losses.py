"""What a prediction costs, and where its gain over the random walk comes from (section 24)."""

from __future__ import annotations

import numpy as np

from reference_research.inputs import Doubles, Ints, clipped


def log_losses(p: Doubles, y: Ints) -> Doubles:
    """Nats of each event."""
    return -np.log(clipped(p))[np.arange(len(y)), y]


def brier_scores(p: Doubles, y: Ints) -> Doubles:
    """Squared differences of each event, added over classes."""
    total: Doubles = ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)
    return total


def move_losses(p: Doubles, y: Ints) -> Doubles:
    """Of classes BREAK, BOUNCE, CHOP: nats that CHOP or not costs."""
    known = clipped(p)
    moved = known[:, 0] + known[:, 1]
    return -np.log(np.where(y == 2, known[:, 2], moved))


def side_losses(p: Doubles, y: Ints) -> Doubles:
    """Nats that the side costs where the price moved; a CHOP costs none."""
    return log_losses(p, y) - move_losses(p, y)
