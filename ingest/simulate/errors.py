"""What the simulated market reports to the person who asked for it."""

from __future__ import annotations

from es_physics.errors import UsageError


class SimulationError(UsageError):
    """A request the simulated market cannot meet; the message says what to change."""
