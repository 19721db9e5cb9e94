"""What can go wrong with an input file, worded for the person who has to act on it."""

from __future__ import annotations

from es_physics.errors import Error


class InputError(Error):
    """An input that cannot be landed. The message says what is wrong and what to do about it."""


class UnreadableError(InputError):
    """An input whose header cannot be read, so that not even its schema and window are known."""


class UnusedError(InputError):
    """An input that is whole, and holds nothing that the models use. The message says what."""


LIBRARY_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError)
"""What libraries raise over files that are not as they take them to be."""
