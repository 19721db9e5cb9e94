"""What keeps a page from being written, worded for the person who has to act on it."""

from __future__ import annotations

from es_physics.errors import Error


class ReportError(Error):
    """A page that cannot be written. The message says what is wrong and what to do about it."""
