"""Looks for the copies of what was added, in the background, so that adding waits for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from services.copies.store import SignatureStore
from shoplens import metrics, priorities
from shoplens.errors import ShoplensError

_AT_ONCE = 32
_AGAIN_S = 5.0
"""After a failure, so much time passes before the next try."""

_log = structlog.get_logger()


class Linker:
    """A thread that works off what the store calls unlinked; what a stop interrupts is taken up by the next start."""

    def __init__(self, store: SignatureStore, link: Callable[[str], None]) -> None:
        """``link``: looks for one picture's copies, and keeps in the store that this was done."""
        self._store, self._link = store, link
        self._changed = threading.Condition()
        self._work, self._closing = False, False
        self._thread = threading.Thread(target=self._run, name="linker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        with self._changed:
            self._work = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; whether that came to pass."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._work, timeout_s)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._closing)
                if self._closing:
                    return
            try:
                self._work_off()
            except ShoplensError as error:
                _log.warning("copies_not_linked", problem=str(error))
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, _AGAIN_S)

    def _work_off(self) -> None:
        while True:
            with self._changed:
                # Asked under the lock: what is added afterwards wakes this thread again.
                waiting = self._store.unlinked(_AT_ONCE)
                metrics.COPIES_UNLINKED.set(self._store.count_unlinked() if waiting else 0)
                if not waiting:
                    self._work = False
                    self._changed.notify_all()
                    return
            for content_hash in waiting:
                if self._closing:
                    return
                self._attempt(content_hash)

    def _attempt(self, content_hash: str) -> None:
        try:
            with priorities.bulk():
                self._link(content_hash)
        except ShoplensError:
            raise
        except Exception:  # noqa: BLE001 - one picture that meets a fault of ours must not keep the rest waiting; the log has it
            _log.exception("copy_not_linked", content_hash=content_hash)
            self._store.link(content_hash, ())
