"""What acting on predictions would have earned, paid from spot (section 24)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_research.by_session import clustered_error
from reference_research.inputs import Doubles, Ints

COST_POINTS = 0.375


@dataclass(frozen=True)
class Payoffs:
    """Of each event: the barrier b, where spot stands beyond the level, and the final move."""

    barrier: Doubles
    position: Doubles
    final_move: Doubles

    def expected(self, p: Doubles) -> Doubles:
        """Points that classes BREAK, BOUNCE, CHOP promise; a CHOP promises none."""
        up, down = self.barrier - self.position, self.barrier + self.position
        promised: Doubles = p[:, 0] * up - p[:, 1] * down
        return promised

    def came(self, y: Ints) -> Doubles:
        return np.select(
            [y == 0, y == 1],
            [self.barrier - self.position, -(self.barrier + self.position)],
            self.final_move,
        )


def edge(
    payoffs: Payoffs, p: Doubles, y: Ints, session: np.ndarray
) -> dict[str, float | int | None]:
    """Events acted on, the mean of what they earned less the cost, and its t over sessions."""
    promised = payoffs.expected(p)
    acted = np.abs(promised) > COST_POINTS
    net = (np.sign(promised) * payoffs.came(y) - COST_POINTS)[acted]
    days = session[acted]
    sums = [float(net[days == day].sum()) for day in sorted(set(days))]
    counts = [float((days == day).sum()) for day in sorted(set(days))]
    mean = float(net.mean()) if len(net) else None
    error = clustered_error(sums, counts)
    return {
        "acted": int(acted.sum()),
        "mean_net_points": mean,
        "t": mean / error if mean is not None and error else None,
    }
