"""`python -m ingest`."""

import os
import sys

# The other pools of pyarrow keep what was freed in reserve; it looks here when it is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from ingest.cli import main

sys.exit(main())
