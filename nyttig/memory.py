"""The memory of a process that works once and ends: what it frees it keeps, and what goes in circles it leaves."""

from __future__ import annotations

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_ARRAY_BYTES = 2**25  # what an array of a million homes' days takes, and the most that glibc allows
_KEPT_BYTES = 2**30


def spend_memory() -> None:
    """Until the process ends, freed arrays are used again instead of given back, and no circles are looked for.

    A large report asks for some hundred arrays of 15 MB one after another: having the system clear each anew took
    0.2 of its 1.5 seconds, looking for circular garbage that is not there another 0.1. Where the C library is not
    glibc only the second is so.
    """
    gc.disable()
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, _ARRAY_BYTES)
            mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
