"""How long each stage of a search took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shoplens import deadlines, metrics
from shoplens.tracing import span


class Stopwatch:
    """Times named stages; a stage is not begun when nobody waits for the answer any more."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        deadlines.check()
        begun = time.perf_counter()
        try:
            with span(f"search {name}"):
                yield
        finally:
            seconds = time.perf_counter() - begun
            self._stages[name] = seconds * 1000
            metrics.SEARCH_STAGE_SECONDS.labels(name).observe(seconds)

    def timings_ms(self) -> dict[str, float]:
        """Milliseconds by stage, and in ``total`` since the start."""
        return {**self._stages, "total": (time.perf_counter() - self._begun) * 1000}
