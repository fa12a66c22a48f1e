"""A circuit breaker before every part (Nygard, "Release It!", 2007).

A part that did not answer several times in a row is not asked for a moment: whoever waits for it learns at once what he would learn at
the end of his time, and the part is left alone while it comes back. After that a call tries it again, and the first answer closes the
circuit, as does a probe that hears that the part serves: who says that he is ready, because the part is, must not refuse the next call.
An error that the part itself answers with is an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
from circuitbreaker import CircuitBreaker

from shoplens import metrics
from shoplens.errors import Unavailable
from shoplens.rpc.status import is_an_answer

FAILURES: Final = 5
"""In a row. Each was tried again for about a second before it counted, see ``channel``."""

AGAIN_S: Final = 2

FAIR_S: Final = 1.0
"""A call that had less time than this says nothing of the part when the time runs out."""

_SILENT: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Breaker:
    """The circuit to one part. Safe to use from many threads."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._circuit = CircuitBreaker(FAILURES, AGAIN_S, _is_silence, name=part)

    @contextmanager
    def watching(self, allowed_s: float) -> Iterator[None]:
        """A call is made inside, which may take ``allowed_s``. Raises ``Unavailable`` instead while the circuit is open."""
        if self._circuit.opened:
            metrics.CALLS_REFUSED.labels(self._part).inc()
            raise Unavailable(f"The {self._part} does not answer; try again shortly.", retry_after_s=AGAIN_S)
        if allowed_s < FAIR_S:
            yield
            return
        with self._circuit:
            yield

    def heard(self) -> None:
        """The part says of itself that it serves: nobody need wait until it is tried again."""
        self._circuit.reset()


def _is_silence(_kind: type[BaseException], error: BaseException) -> bool:
    return isinstance(error, grpc.Call) and error.code() in _SILENT and not is_an_answer(error)
