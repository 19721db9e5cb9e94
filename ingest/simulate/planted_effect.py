"""An effect that research shall find: the book leans to a side, and price then drifts to it.

For half an hour at a time the market has a hidden side, drawn from the seed and the date. As long
as it lasts, sizes of that side's orders are larger and the index drifts their way, so that what the
book shows at a moment says something of what comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.simulate.hours import SECOND_NS, Session
from ingest.simulate.randomness import Stream, generator

BLOCK_NS = 1_800 * SECOND_NS
"""How long a side lasts: most labels of eight minutes end in the block of their anchor."""

SIZE_LEAN = 0.5
"""Share by which sizes are larger on the hidden side, and smaller on the other."""

# Found by simulating paths: with the book behind an approach .28 of entries break their level,
# with the book against it .14. The drift sets the two apart; without more volatility both shares
# would be lower, as few moves of a usual day reach 15 points beyond a level in eight minutes.
BREAK_SHARE_WITH, BREAK_SHARE_AGAINST = 0.28, 0.14
DRIFT = 0.019
"""Drift of the index in one second, in standard deviations of its change in one."""
VOLATILITY_FACTOR = 1.18


@dataclass(frozen=True)
class HiddenSides:
    """+1 where the market is for the bid, -1 where it is for the ask, in blocks from `open_ns`."""

    open_ns: int
    sides: np.ndarray

    @property
    def starts_ns(self) -> np.ndarray:
        """int64: when each side comes."""
        return self.open_ns + BLOCK_NS * np.arange(len(self.sides))

    def at(self, ts_ns: np.ndarray) -> np.ndarray:
        """int8, as `ts_ns`: the side at UTC epoch nanoseconds of the trade date."""
        return self.sides[(ts_ns - self.open_ns) // BLOCK_NS]


def hidden_sides(seed: int, session: Session) -> HiddenSides:
    """The sides of a trade date, each block's drawn by itself."""
    blocks = -((session.open_ns - session.close_ns) // BLOCK_NS)
    rng = generator(seed, session.trade_date, Stream.HIDDEN_SIDES)
    return HiddenSides(session.open_ns, rng.choice(np.array([-1, 1], dtype=np.int8), blocks))
