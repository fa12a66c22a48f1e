"""Detectors that wait for a word, and clients that speak gRPC below the ports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from shoplens import deadlines
from shoplens.domain import Picture, Region

PATIENCE_S = 30.0
"""What a test allows for something that happens at once; only a failure takes that long."""


class HeldDetector:
    """Answers when told to; ``arrived`` counts the calls that it holds."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.release = threading.Event()

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        self.arrived.release()
        assert self.release.wait(PATIENCE_S)
        return []


class SaidDetector:
    """Does what it is told on each call."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        self._act()
        return []


class TimedDetector:
    """Notes how much time each call has left."""

    def __init__(self) -> None:
        self.left_s: list[float] = []

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        self.left_s.append(deadlines.remaining_s(-1.0))
        return []
