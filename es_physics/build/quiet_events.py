"""dbt's events without those that nobody reads.

A build of 200 nodes fires 4,000 events, nine of ten for debugging, and dbt puts each together as a
message, with a time and a thread, before it asks whether anyone listens: a tenth of what a small
session costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager

_SIGN_OF_LIFE_S = 1.0


class QuietEvents(EventManager):
    """Debugging events end here; `alive` is called for them, at most once a second."""

    def __init__(self, alive: Callable[[], None]) -> None:
        super().__init__()
        self._alive = alive
        self._told = -_SIGN_OF_LIFE_S

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if (level or e.level_tag()) != EventLevel.DEBUG:
            super().fire_event(e, level, node, force_warn_or_error_handling)
        elif time.monotonic() - self._told > _SIGN_OF_LIFE_S:
            self._told = time.monotonic()
            self._alive()


def keep_quiet(alive: Callable[[], None]) -> None:
    """From now on in this process, where each debugging event is a mere sign of life."""
    ctx_set_event_manager(QuietEvents(alive))
