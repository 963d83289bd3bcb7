"""Memory of a process that does nothing but load."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

import pyarrow as pa

# Of glibc's malloc.h.
_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3


def keep_freed_memory() -> None:
    """Freed memory stays with the process, for the next piece of the file; for the whole process, for good.

    A load fills and frees the same hundreds of megabytes for every piece. Given back to the system each time, each
    page is zeroed and mapped anew: a third of the page faults of a load. The peak stays what it is. Does nothing but
    on Linux with glibc.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TOP_PAD, 64 << 20)
