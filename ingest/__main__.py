"""`python -m ingest`."""

import os
import sys
from importlib.abc import MetaPathFinder

# The other pools of pyarrow keep what was freed in reserve; it looks here when it is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from ingest.cli import main


class _NoPandas(MetaPathFinder):
    """With its first array pyarrow imports pandas, if it can: 0.3 s and 30 MB, for nothing."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("an import is done without pandas", name=fullname)


if "download" not in sys.argv:  # The vendor's client is in need of it.
    sys.meta_path.insert(0, _NoPandas())

sys.exit(main())
