"""Level-interaction features and labels of ES futures: what readers of published sessions need.

    >>> from datetime import date
    >>> import es_physics
    >>> root = es_physics.silver_root()
    >>> for day in es_physics.committed_sessions(root):
    ...     events = es_physics.read_table(root, "level_interactions", day)

Times, windows and columns are described on the docs site; numerics on arrays are in
`es_physics.quant`, which imports nothing else of this package.
"""

from es_physics.errors import Error, UsageError
from es_physics.files import gold_root, root_path, silver_root
from es_physics.silver.catalog import write_catalog
from es_physics.silver.commit import committed_files, read_commit, read_table
from es_physics.silver.verify import committed_sessions, problems

__all__ = [
    "Error",
    "UsageError",
    "committed_files",
    "committed_sessions",
    "gold_root",
    "problems",
    "read_commit",
    "read_table",
    "root_path",
    "silver_root",
    "write_catalog",
]
