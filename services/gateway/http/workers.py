"""Bounded work in threads: the ports are synchronous, and a server that accepts everything answers nothing in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from shoplens import deadlines
from shoplens.errors import DeadlineExceeded, Overloaded

T = TypeVar("T")

LATE = "The request ran out of time; try again, or send a smaller one."


class Workers:
    """``at_once`` threads and a short queue of ``waiting`` before them.

    A call's deadline runs from the moment it queues, and work that nobody waits for any more is dropped unstarted.
    """

    def __init__(self, name: str, *, at_once: int, waiting: int, timeout_s: float) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"http-{name}")
        self._capacity = at_once + waiting
        self._accepted = 0
        self._timeout_s = timeout_s

    async def run(self, work: Callable[[], T], *, timeout_s: float | None = None) -> T:
        """What ``work`` returns. Raises ``Overloaded`` at once when the queue is full, and ``DeadlineExceeded``."""
        if self._accepted >= self._capacity:
            raise Overloaded("Too many requests at once; wait a second and try again.", retry_after_s=1.0)
        seconds = self._timeout_s if timeout_s is None else timeout_s
        with deadlines.within(seconds):
            context = copy_context()

        def timely() -> T:
            deadlines.check()
            return work()

        self._accepted += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, context.run, timely)
        future.add_done_callback(self._finished)
        # A thread cannot be stopped: the caller is answered in time all the same, and the thread's place stays taken.
        done, _ = await asyncio.wait([future], timeout=seconds)
        if not done:
            future.add_done_callback(_heard)
            raise DeadlineExceeded(LATE)
        return future.result()

    def _finished(self, _: asyncio.Future[T]) -> None:
        self._accepted -= 1

    def close(self) -> None:
        """Wait for what runs and drop what waits."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class Turns:
    """At most ``at_once`` of something that lasts longer than a call. For use on the event loop alone."""

    def __init__(self, at_once: int) -> None:
        self._left = at_once

    def take(self) -> None:
        """Raises ``Overloaded`` when none is left."""
        if self._left == 0:
            raise Overloaded("Another one is running; wait until it is done and send this again.", retry_after_s=10.0)
        self._left -= 1

    def give_back(self) -> None:
        self._left += 1


def _heard(future: asyncio.Future[T]) -> None:
    """Take note of a late failure, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
