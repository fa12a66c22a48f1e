"""A service's process: how it starts, what it says of its dependencies, and how it ends."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import grpc
import pytest

from shoplens import deadlines
from shoplens.errors import Unavailable
from shoplens.rpc.channel import open_channel
from shoplens.rpc.clients import EncoderClient, IngestClient
from shoplens.rpc.health import ALIVE
from shoplens.testing.health import NOT_SERVING, SERVING, wait_for_health
from shoplens.testing.products import draft
from tools.stack.services import PATIENCE_S, ServiceProcess

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def encoder() -> Iterator[ServiceProcess]:
    with ServiceProcess("encoder", threads=1, health_interval_s=0.2) as process:
        yield process


def channel_to(process: ServiceProcess) -> grpc.Channel:
    return open_channel(process.address, EncoderClient.service)


def test_a_stopped_service_ends_well(encoder: ServiceProcess) -> None:
    with channel_to(encoder) as channel:
        wait_for_health(channel, timeout_s=PATIENCE_S)
    assert encoder.stop() == 0
    assert "stopped" in encoder.said()


def test_health_tells_which_dependency_is_missing(encoder: ServiceProcess) -> None:
    with ServiceProcess(
        "ingest", detector=NOWHERE, encoder=encoder.address, catalogue=NOWHERE, health_interval_s=0.2
    ) as ingest, channel_to(ingest) as channel:  # fmt: skip
        wait_for_health(channel, ALIVE, timeout_s=PATIENCE_S)
        wait_for_health(channel, "encoder", timeout_s=PATIENCE_S)
        for name in ("detector", "catalogue", ""):
            wait_for_health(channel, name, NOT_SERVING, timeout_s=PATIENCE_S)
        with IngestClient(ingest.address) as client, deadlines.within(PATIENCE_S), pytest.raises(Unavailable):
            client.put(draft("p1", 1))
        encoder.stop()
        wait_for_health(channel, "encoder", NOT_SERVING, timeout_s=PATIENCE_S)
        wait_for_health(channel, ALIVE, SERVING, timeout_s=PATIENCE_S)


def test_a_gateway_without_its_services_is_alive_and_not_ready() -> None:
    nobody = dict.fromkeys(("detector", "encoder", "catalogue", "ranker", "ingest"), NOWHERE)
    with ServiceProcess("gateway", http_port=0, **nobody) as gateway:
        base = f"http://{gateway.http_address}"
        with channel_to(gateway) as channel:
            wait_for_health(channel, ALIVE, timeout_s=PATIENCE_S)
        with urllib.request.urlopen(f"{base}/healthz", timeout=PATIENCE_S) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{base}/readyz", timeout=PATIENCE_S)
        assert gateway.stop() == 0
    assert "stopped" in gateway.said()


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"threads": "many"}, "SHOPLENS_ENCODER_THREADS"),
        ({"port": 70_000}, "SHOPLENS_ENCODER_PORT"),
        ({"models": "/nowhere"}, "models"),
    ],
)
def test_settings_that_will_not_do_are_named(settings: dict[str, object], advice: str) -> None:
    with ServiceProcess("encoder", **settings) as process:
        assert process.wait() != 0
    assert advice in process.said()
    assert "Traceback" not in process.said()


def test_a_service_that_needs_another_says_so_when_it_is_not_there() -> None:
    with ServiceProcess("ranker", encoder=NOWHERE, start_timeout_s=0.5) as process:
        assert process.wait() != 0
    assert "The encoder did not come" in process.said()
