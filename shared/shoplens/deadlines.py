"""The time that is left, carried along a call.

The edge (HTTP, gRPC or command line) sets a deadline with :func:`within`; everything below asks :func:`remaining_s`
for its own timeouts, and a gRPC client passes the rest on. A deadline inside another never lengthens it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shoplens.errors import DeadlineExceeded, Unavailable

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_whole: ContextVar[float | None] = ContextVar("whole", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything inside must be done ``seconds`` from now, or by the deadline already set, whichever is sooner."""
    wanted = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(wanted if outer is None else min(outer, wanted))
    whole = _whole.set(wanted) if outer is None else None
    try:
        yield
    finally:
        _deadline.reset(token)
        if whole is not None:
            _whole.reset(whole)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """As ``within``, for a part that gets a share of the time: when that is over and the rest is not, too late is as good as away.

    Raises ``Unavailable`` then.
    """
    try:
        with within(seconds):
            yield
    except DeadlineExceeded as error:
        check()
        raise Unavailable("A part does not answer in time; try again shortly.", retry_after_s=2.0) from error


def remaining_s(default: float) -> float:
    """Seconds left, ``default`` where no deadline is set. Raises ``DeadlineExceeded`` when none are."""
    deadline = _deadline.get()
    if deadline is None:
        return default
    left = deadline - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("The request ran out of time; try again, or allow it longer.")
    return left


def whole() -> float:
    """When the time of the whole request ends, whatever share of it is being used; to tell which request came first.

    On the monotonic clock; infinity where no deadline is set.
    """
    deadline = _whole.get()
    return math.inf if deadline is None else deadline


def check() -> None:
    """Raise ``DeadlineExceeded`` if nobody waits for the answer any more."""
    remaining_s(1.0)
