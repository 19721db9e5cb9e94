"""What keeps a session from being published, or a published one from being read."""

from __future__ import annotations

from es_physics.errors import Error


class PublicationError(Error):
    """A session whose files were taken away while it was published; the one before stays."""


class RecordError(Error, ValueError):
    """A session that is not published, or whose commit record cannot be used."""
