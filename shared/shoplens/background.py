"""Work beside everything else that a process does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Work = Callable[[threading.Event], None]
"""Goes on until the event is set, and then returns soon."""


@contextmanager
def beside(name: str, work: Work, *, daemon: bool = True) -> Iterator[None]:
    """``work`` in a thread of that name; on leaving it is told to stop and waited for.

    daemon: a process that ends without leaving (a fault at start-up) need not wait for it.
    """
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=daemon)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
