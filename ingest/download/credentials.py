"""Where the vendor's API key comes from. It is handed to the client and to nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from ingest.download.errors import UsageError

VARIABLE = "DATABENTO_API_KEY"


def api_key(dotenv: Path = Path(".env")) -> str:
    """The key of the environment, or else of the file `.env` in the current folder.

    Raises UsageError, never with the value, if there is none or it cannot be one.
    """
    key = os.environ.get(VARIABLE) or _from_file(dotenv)
    if not key:
        raise UsageError(
            f"there is no API key: set {VARIABLE} in the environment, or copy .env.example to .env"
            " and fill it in"
        )
    if not key.isascii() or not key.isprintable() or " " in key or len(key) < 8:
        raise UsageError(
            f"the value of {VARIABLE} is no API key (too short, or with blanks in it):"
            " copy it again from the vendor's portal"
        )
    return key


def _from_file(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}); correct it") from None
    for line in lines:
        name, _, value = line.strip().removeprefix("export ").partition("=")
        if name.strip() == VARIABLE:
            return value.strip().strip("'\"")
    return None
