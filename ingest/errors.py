"""What can go wrong with an input file, worded for the person who has to act on it."""

from __future__ import annotations


class InputError(Exception):
    """An input that cannot be landed. The message says what is wrong and what to do about it."""


class UnreadableError(InputError):
    """An input whose header cannot be read, so that not even its schema and window are known."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type's name: libraries append whole stacks."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
