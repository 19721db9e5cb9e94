"""What the fork server imports first: from here on nothing looks for garbage.

All that `es_physics.build.warm` imports and parses stays; looking through it, again and again as it
grows, took a tenth of the time. There garbage collection begins, for the builds.
"""

import gc

gc.disable()
