"""glibc's heaps, kept few.

glibc gives each of the first threads (8 for a core) a heap of its own, and every thread that handles pictures leaves
holes in its own: the memory of a service that runs for months goes on growing though nothing is kept. Two heaps for all
threads fill each other's holes, and large pieces go back to the system at once.
"""

import ctypes
import os
import sys

# Of <malloc.h>.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_HEAP_COUNT = 2
_LARGE_BYTES = 128 * 1024


def keep_heaps_few() -> None:
    """For this process, from now on: call it before threads start. MALLOC_ARENA_MAX, where it is set, wins.

    Does nothing where the C library is not glibc.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_ARENA_MAX, _HEAP_COUNT)
        # Said outright, or glibc raises it to the largest piece that was ever given back.
        tune(_M_MMAP_THRESHOLD, _LARGE_BYTES)
