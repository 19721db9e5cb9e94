"""The root of every error that this package words for a person.

A command prints the message and ends with `exit_code`. Each room has its own below `Error`:

- `es_physics.files`: RootError
- `es_physics.checkout`: NoCheckout
- `es_physics.silver`: RecordError
- `es_physics.gold`: GoldError, EvaluationError
- `es_physics.build`: NoBronze, ParseError, RayUnavailable
- `es_physics.audit`: CausalityError
- `es_physics.report`: ReportError
- `es_physics.research`: ResearchError, MissingExtra
- `ingest`: InputError, UnreadableError, UnusedError, SimulationError and the DownloadErrors
"""

from __future__ import annotations


class Error(Exception):
    """Something is refused or cannot be done. The message says what is wrong and what to do."""

    exit_code = 1


class UsageError(Error):
    """The command cannot be carried out as it was given; nothing was done."""

    exit_code = 2


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type's name: libraries append whole stacks."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def is_of_object_store(error: BaseException) -> bool:
    """Whether it is an error of an object store's client, which has a tree of its own."""
    return "botocore" in type(error).__module__
