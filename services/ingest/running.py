"""The update stream beside everything else that a process does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from services.ingest.stream import UpdateStream
from shoplens.background import beside

_log = structlog.get_logger(__name__)


@contextmanager
def running(stream: UpdateStream) -> Iterator[None]:
    """In a thread of its own; on leaving, what is in effect is committed.

    A fault that ends it ends the process: whoever runs it starts another, and the log is read on from the last commit.
    """

    def run(stop: threading.Event) -> None:
        try:
            stream.run(stop)
        except Exception:  # noqa: BLE001 - whatever it is, it must be seen, and what is not in effect comes again
            _log.exception("the update stream broke; this process ends, to be started anew")
            os.kill(os.getpid(), signal.SIGTERM)

    with beside("updates", run, daemon=False):
        yield
