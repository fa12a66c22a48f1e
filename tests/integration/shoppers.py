"""Somebody who searches all the time, and patience with what takes its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

PATIENCE_S = 240.0
"""Only a failure takes so long."""


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


@contextmanager
def shopper(address: str, photo: bytes) -> Iterator[list[tuple[int, str]]]:
    """Somebody searches all the time; what each was answered: status and model."""
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def search() -> None:
        with httpx.Client(base_url=address, timeout=30.0, trust_env=False) as client:
            while not stop.is_set():
                answer = client.post("/v1/search", files={"image": ("photo", photo)})
                seen.append((answer.status_code, answer.json().get("model", "")))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
