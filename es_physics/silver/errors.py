"""What keeps a published session from being read."""

from __future__ import annotations

from es_physics.errors import Error


class RecordError(Error, ValueError):
    """A session that is not published, or whose commit record cannot be used."""
