"""A part that does not answer is left alone for a moment; one that answers with an error is not."""

from __future__ import annotations

from collections.abc import Callable

import circuitbreaker
import pytest

from shoplens import deadlines, metrics
from shoplens.domain import Box, Region
from shoplens.errors import DeadlineExceeded, NotFound, Unavailable
from shoplens.rpc import breaker
from shoplens.rpc.clients import DetectorClient, EncoderClient
from shoplens.rpc.server import Server
from shoplens.testing import pictures
from tests.unit.rpc.waiting import HeldDetector, SaidDetector

PICTURE = pictures.picture(1)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first silence opens the circuit."""
    monkeypatch.setattr(breaker, "FAILURES", 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for circuits."""
    ahead = [0.0]
    real = circuitbreaker.monotonic
    monkeypatch.setattr(circuitbreaker, "monotonic", lambda: real() + ahead[0])

    def wait(seconds: float) -> None:
        ahead[0] += seconds

    return wait


def refused() -> float:
    return float(metrics.CALLS_REFUSED.labels("detector")._value.get())


def test_who_is_not_there_is_not_asked_again_at_once(free_address: str) -> None:
    before = refused()
    with DetectorClient(free_address) as client:
        for _ in range(3):
            with pytest.raises(Unavailable):
                client.detect(PICTURE)
    assert refused() == before + 2


def test_the_first_answer_closes_the_circuit(serve: Callable[..., Server], free_address: str, clock: Callable[[float], None]) -> None:
    with DetectorClient(free_address) as client:
        with pytest.raises(Unavailable):
            client.detect(PICTURE)
        serve(SaidDetector(lambda: None), port=int(free_address.rpartition(":")[2]))
        with pytest.raises(Unavailable) as told:
            client.detect(PICTURE)
        assert told.value.retry_after_s == breaker.AGAIN_S
        clock(breaker.AGAIN_S + 1)
        client.wait_until_serving()
        assert client.detect(PICTURE) == []
        assert client.detect(PICTURE) == []


def test_who_does_not_answer_in_time_is_left_alone_until_he_says_that_he_serves(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FAIR_S", 0.0)
    held = HeldDetector()
    with DetectorClient(serve(held).address) as client:
        with deadlines.within(0.2), pytest.raises(DeadlineExceeded):
            client.detect(PICTURE)
        with pytest.raises(Unavailable):
            client.detect(PICTURE)
        held.release.set()
        client.probe()
        assert client.detect(PICTURE) == []


def test_who_came_while_nobody_asked_him_is_asked_as_soon_as_he_was_waited_for(serve: Callable[..., Server], free_address: str) -> None:
    with DetectorClient(free_address) as client:
        with pytest.raises(Unavailable):
            client.detect(PICTURE)
        serve(SaidDetector(lambda: None), port=int(free_address.rpartition(":")[2]))
        client.wait_until_serving()
        assert client.detect(PICTURE) == []


def test_who_had_hardly_any_time_is_not_blamed(serve: Callable[..., Server]) -> None:
    held = HeldDetector()
    with DetectorClient(serve(held).address) as client:
        for _ in range(2):
            with deadlines.within(0.1), pytest.raises(DeadlineExceeded):
                client.detect(PICTURE)
        held.release.set()
        assert client.detect(PICTURE) == []


@pytest.mark.parametrize("error", [NotFound("It is not there."), Unavailable("A part of mine is away.")])
def test_an_error_is_an_answer(serve: Callable[..., Server], error: Exception) -> None:
    def fail() -> None:
        raise error

    before = refused()
    with DetectorClient(serve(SaidDetector(fail)).address) as client:
        for _ in range(2):
            with pytest.raises(type(error)):
                client.detect(PICTURE)
    assert refused() == before


class Liar:
    """Answers with a region that lies nowhere."""

    def detect(self, picture: object, *, category: str | None = None) -> list[Region]:
        region = Region(Box(0.1, 0.1, 0.9, 0.9), "dress", 0.9)
        object.__setattr__(region.box, "x0", float("nan"))
        return [region]


def test_nonsense_is_as_good_as_no_answer(serve: Callable[..., Server]) -> None:
    with DetectorClient(serve(Liar()).address) as client, pytest.raises(Unavailable, match="cannot be read"):
        client.detect(PICTURE)


def test_another_service_at_the_address_is_no_part(serve: Callable[..., Server]) -> None:
    with EncoderClient(serve(SaidDetector(lambda: None)).address) as client, pytest.raises(Unavailable, match="cannot be read"):
        client.card()
