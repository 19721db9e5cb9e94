"""What the fork server imports first, because it has to hold before numpy and all else come.

Nothing looks for garbage from here on: all that `es_physics.build.warm` imports and parses stays,
and what a build leaves ends with its process. Looking for it took a tenth of the import and a
twentieth of a small build, where it would have found 50 MB.

OpenBLAS, which numpy and scipy each bring along, starts a thread for every further core, which
spins for 0.05 s; what builds multiply needs none.
"""

import gc
import os

gc.disable()
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
