"""What keeps models from being fitted."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from es_physics.errors import Error, UsageError


class ResearchError(Error):
    """Gold that models cannot be fitted on, or a run that is not there. The message says why."""


class MissingExtra(UsageError):
    """Packages that a model takes are not installed."""


def require_packages(packages: Sequence[str], extra: str, what: str) -> None:
    """Raise MissingExtra, naming the extra to install, unless the packages can be imported."""
    if lacking := [name for name in packages if find_spec(name) is None]:
        raise MissingExtra(
            f"{what} takes {', '.join(lacking)}, which the extra {extra} installs:"
            f" pip install 'es-physics[{extra}]'"
        )
