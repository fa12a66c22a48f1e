"""What the C library does with memory that a call has used and the next one will want again.

A picture is a message of a megabyte or two. glibc hands memory of that size back to the kernel as soon as it is free, and gets it page by
page, zeroed, at the next call: measured under a hypervisor, 8 of the 11 ms that such a call took. A service keeps it instead.
"""

from __future__ import annotations

import ctypes
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
