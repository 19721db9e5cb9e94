"""What the fork server imports first, because it has to hold before numpy and all else come.

Nothing looks for garbage from here on: all that `es_physics.build.warm` imports and parses stays,
and what a build leaves ends with its process. Looking for it took a tenth of the import and a
twentieth of a small build, where it would have found 50 MB.

OpenBLAS, which numpy and scipy each bring along, starts a thread for every further core, which
spins for 0.05 s; what builds multiply needs none.

Ctrl-C reaches all processes of a terminal, and is the affair of the one that waits for the builds:
it ends them, where an import that is broken off would only show where it was.
"""

import gc
import os
import signal

gc.disable()
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
