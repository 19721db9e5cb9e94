"""What the fork server imports first: from here on nothing looks for garbage, nor for pandas.

All that `es_physics.build.warm` imports and parses stays; looking through it, again and again as it
grows, took a tenth of the time. There garbage collection begins, for the builds.

pyarrow imports pandas, where there is any, to look at its first array: a quarter of a second for
what no build has.
"""

import gc
import sys
from collections.abc import Sequence


class _NoPandas:
    """A finder of modules that finds pandas missing, and leaves all others to the next."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("no build needs pandas", name=name)


gc.disable()
sys.meta_path.insert(0, _NoPandas)
