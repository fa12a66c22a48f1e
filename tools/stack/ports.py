"""Ports of loopback that nobody listens on."""

from __future__ import annotations

import itertools
import os
import socket
from typing import Final

_FIRST: Final = 15_000
_COUNT: Final = 15_000
"""Below the range from which outgoing connections take theirs: one of those could sit on a port that a service comes back to."""

_next = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """One that was free a moment ago, and that this process has not given away lately."""
    for number in _next:
        port = _FIRST + number % _COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the count has no end")
