"""The checkout that a build runs in: its SQL is the dbt project's, which no wheel carries."""

from __future__ import annotations

from pathlib import Path

from es_physics.errors import UsageError

_NAME = "dbt_project.yml"
_OWN = Path(__file__).with_name(_NAME)
# Of a checkout, `_OWN` is a link to the project's own file; of a wheel, a copy of it.
_INSTALLED_FROM = _OWN.resolve().parent


class NoCheckout(UsageError):
    """There is no checkout of this version to build with; the message says what to do."""


def project_folder(given: Path | None = None) -> Path:
    """The dbt project's folder, absolute: `given`, or the current one if it is one, or else the
    checkout that this package is installed from.

    Raises NoCheckout if there is none, or if its version is another one than that of this package:
    SQL and numerics of two versions make numbers of neither.
    """
    candidates = [given] if given else [Path(), _INSTALLED_FROM]
    folder = next((one for one in candidates if (one / "models").is_dir() and _file(one)), None)
    if folder is None:
        raise NoCheckout(
            f"{(given or Path()).absolute()} is no checkout of es_physics ({_NAME} and models), and"
            " a build needs one: stand in it, or give --project-dir"
        )
    if _file(folder) != _OWN.read_bytes():
        raise NoCheckout(
            f"{folder.absolute()} is another version than the installed es_physics; give another"
            f" --project-dir, or pip install --editable {folder.absolute()}"
        )
    return folder.absolute()


def _file(folder: Path) -> bytes | None:
    path = folder / _NAME
    return path.read_bytes() if path.is_file() else None
