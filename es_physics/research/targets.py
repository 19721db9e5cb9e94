"""What is asked of an event, and what the answers are."""

from __future__ import annotations

from difflib import get_close_matches

from es_physics.errors import UsageError

BARRIER_CLASSES = ("BREAK", "BOUNCE", "CHOP")
HEAD_CLASSES = ("YES", "NO")
CLASSES = (*BARRIER_CLASSES, *HEAD_CLASSES)

BARRIERS = ("scaled", "scaled_050", "fixed")
"""Which barrier is touched first; `scaled` is the primary one."""

HEADS = (
    "tradeable_1",
    "tradeable_2",
    *(
        f"{side}_{number}_{seconds}s"
        for side in ("break", "bounce")
        for number in (1, 2)
        for seconds in (60, 120, 180, 300)
    ),
)
TARGETS = (*BARRIERS, *HEADS)


def classes_of(target: str) -> tuple[str, ...]:
    """The classes of a target in their order. Raises UsageError for a name that is none."""
    return BARRIER_CLASSES if one_of(target, TARGETS, "target") in BARRIERS else HEAD_CLASSES


def one_of(name: str, known: tuple[str, ...], what: str) -> str:
    """`name`, if it is one that is known; else UsageError with those that are."""
    if name in known:
        return name
    near = get_close_matches(name, known, 1)
    raise UsageError(
        f"there is no {what} {name!r}"
        + (f"; is {near[0]} meant?" if near else "")
        + f" They are {', '.join(known)}"
    )
