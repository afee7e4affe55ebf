"""glibc's heaps, kept few.

glibc gives each of the first threads (8 for a core) a heap of its own, and every thread that handles pictures leaves
holes in its own: memory goes on growing for tens of thousands of parts though nothing is kept. With two heaps for all
threads there are fewer holes.
"""

import ctypes
import os
import sys

# Of <malloc.h>.
_M_ARENA_MAX = -8
_HEAP_COUNT = 2


def keep_heaps_few() -> None:
    """For this process, from now on: call it before threads start. MALLOC_ARENA_MAX, where it is set, wins.

    Does nothing where the C library is not glibc.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_ARENA_MAX, _HEAP_COUNT)
