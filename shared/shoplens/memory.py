"""What becomes of memory in a process that serves for weeks: two habits of its libraries that a short program is glad of.

glibc hands the megabytes of a picture back to the kernel as soon as they are free, and gets them page by page, zeroed, at the next
call: measured under a hypervisor, 8 of the 11 ms that a call with a picture took. And Python's collector looks at everything that was
ever loaded, again and again, while all threads wait: 140 ms for the 200,000 objects of a server.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
"""As in ``malloc.h``."""

_SETTINGS: Final = {
    _MMAP_THRESHOLD: 32 * 2**20,
    _TRIM_THRESHOLD: 256 * 2**20,
    _TOP_PAD: 16 * 2**20,
    # Every thread that finds no arena free would else begin one, and each keeps what it had at most.
    _ARENA_MAX: 4,
}


def keep() -> bool:
    """Keep freed memory for the next call; whether this C library lets itself be told so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(name, value) == 1 for name, value in _SETTINGS.items())


def settle() -> None:
    """What is there now lives as long as the process: the collector need not look at it any more."""
    gc.collect()
    gc.freeze()
